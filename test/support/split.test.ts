import { expect, it } from 'vitest'
import { everySplit, type Sink } from './split.ts'

/** Reads one-byte lengths and that many bytes of text. */
function reader({ careless = false, keepsViews = false } = {}): () => Sink<string[]> {
  return () => {
    let rest: Uint8Array = new Uint8Array()
    const views: Uint8Array[] = []
    const out: string[] = []
    return {
      push(chunk) {
        rest = careless ? chunk : Buffer.concat([rest, chunk])
        if (keepsViews) views.push(chunk)
        for (let length = rest[0]; length !== undefined && rest.length > length; length = rest[0]) {
          out.push(Buffer.from(rest.subarray(1, 1 + length)).toString())
          rest = rest.subarray(1 + length)
        }
      },
      end: () => (keepsViews ? [Buffer.concat(views).toString()] : out),
    }
  }
}

const bytes = Buffer.from('\x05hello\x00\x05world')

it('answers what a correct reader made of the bytes', () => {
  expect(everySplit(bytes, reader())).toEqual(['hello', '', 'world'])
  expect(everySplit(new Uint8Array(), reader())).toEqual([])
})

it('finds a reader that loses what comes in two portions', () => {
  expect(() => everySplit(bytes, reader({ careless: true }))).toThrow(/byte by byte/)
})

it('can lend its portions only for the time of the call', () => {
  expect(everySplit(bytes, reader({ keepsViews: true }))).toEqual([bytes.toString()])
  expect(everySplit(bytes, reader({ keepsViews: true }), { lend: true })[0]).not.toContain('hello')
})
