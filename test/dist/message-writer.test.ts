import { describe, expect, it } from 'vitest'
import { NoAtomCache, OutgoingAtomCache } from '../../src/dist/atom-cache.ts'
import { MessageWriter } from '../../src/dist/message-writer.ts'
import { atom, type Term } from '../../src/term/index.ts'
import { Writer } from '../../src/term/writer.ts'
import { A, pid } from './joined-links.ts'

const CACHED = { header: true }
const PLAIN = { header: false }
const OPTIONS = { stringKeys: false, markBytes: false }

/** Writes one message and gives its frame. */
function frame(writer: MessageWriter, ...terms: Term[]): Buffer {
  writer.begin(terms.length, 6)
  try {
    for (const term of terms.slice(0, -1)) writer.term(term)
    writer.payload(terms.at(-1))
  } catch (error) {
    throw writer.fail(terms.at(-1), error)
  }
  const size = writer.end()
  const { out } = writer
  expect(out.bytes.readUInt32BE(out.start)).toBe(size - 4)
  expect(out.position - out.start).toBe(size)
  const written = Buffer.from(out.bytes.subarray(out.start, out.position))
  out.start = out.position
  return written
}

describe('a message writer', () => {
  it('writes length, header and both terms, as OTP documents them', () => {
    const writer = new MessageWriter(new Writer(64), CACHED, new OutgoingAtomCache(), OPTIONS)
    const written = frame(writer, 1, atom('ok'))
    const slot = atom('ok').id & 2047
    const header = [131, 68, 1, 8 | (slot >> 8), slot & 255, 2, 111, 107]
    expect([...written]).toEqual([0, 0, 0, 16, ...header, 104, 2, 97, 6, 97, 1, 82, 0])
    const again = [131, 68, 1, slot >> 8, slot & 255]
    expect([...frame(writer, 1, atom('ok'))]).toEqual([0, 0, 0, 13, ...again, 104, 2, 97, 6, 97, 1, 82, 0])
  })

  it('writes the byte 112 and a version before each term where there are no headers', () => {
    const writer = new MessageWriter(new Writer(64), PLAIN, new NoAtomCache(undefined), OPTIONS)
    const body = [112, 131, 104, 2, 97, 6, 97, 1, 131, 119, 2, 111, 107]
    expect([...frame(writer, 1, atom('ok'))]).toEqual([0, 0, 0, body.length, ...body])
  })

  it('writes an empty header without a cache', () => {
    const writer = new MessageWriter(new Writer(64), CACHED, new NoAtomCache(undefined), OPTIONS)
    expect([...frame(writer, 1, 2)].slice(4, 7)).toEqual([131, 68, 0])
  })

  it('moves the body when the header turns out larger or smaller than the last one, also into a larger buffer', () => {
    const alternating = [0, 5, 1, 200, 0, 255, 3, 2].map((count, round) =>
      Array.from({ length: count }, (_, i) => atom(`shift_${round}_${i}`)),
    )
    for (const size of [16, 64, 300, 4096]) {
      const out = new Writer(size)
      const writer = new MessageWriter(out, CACHED, new OutgoingAtomCache(), OPTIONS)
      for (const atoms of alternating) {
        const written = frame(writer, atoms, 'the end')
        expect(written.subarray(-12).toString('latin1'), `buffer of ${size}, ${atoms.length} atoms`).toBe(
          'm\0\0\0\x07the end',
        )
        expect(written.subarray(writer.bodyOffset, writer.bodyOffset + 4)).toEqual(Buffer.from([104, 2, 97, 6]))
      }
    }
  })

  it('leaves buffer and cache as they were when a term cannot be encoded, after any number of bytes', () => {
    const sound = new MessageWriter(new Writer(32), CACHED, new OutgoingAtomCache(), OPTIONS)
    const tried = new MessageWriter(new Writer(32), CACHED, new OutgoingAtomCache(), OPTIONS)
    for (const padding of [0, 1, 20, 100, 5000]) {
      const bad = [atom('new_in_failed'), 'x'.repeat(padding), Symbol('none') as unknown as Term]
      expect(() => frame(tried, 1, bad)).toThrow(expect.objectContaining({ code: 'ERR_ENCODE', path: '[2]' }))
      expect(tried.out.position).toBe(tried.out.start)
      const good = [atom('good'), atom(`good_${padding}`)]
      expect(frame(tried, 1, good)).toEqual(frame(sound, 1, good))
    }
  })

  it('does not keep the memory a huge message took that could not be encoded', () => {
    const writer = new MessageWriter(new Writer(32), CACHED, new OutgoingAtomCache(), OPTIONS)
    const bad = ['x'.repeat(8_000_000), Symbol('none') as unknown as Term]
    expect(() => frame(writer, 1, bad)).toThrow('symbol')
    expect(writer.out.bytes.length).toBeLessThan(100_000)
    expect(frame(writer, 1, 2)).toHaveLength(4 + 3 + 4 + 4)
  })

  it('refuses a value whose getter sends to the same node', () => {
    const writer = new MessageWriter(new Writer(32), CACHED, new OutgoingAtomCache(), OPTIONS)
    const sends = {
      get inner(): Term {
        frame(writer, 1, 2)
        return 1
      },
    }
    expect(() => {
      writer.begin(2, 6)
      try {
        writer.payload(sends)
      } catch (error) {
        throw writer.fail(1, error)
      }
    }).toThrow('a getter that sends')
    expect(frame(writer, 1, 2)).toHaveLength(4 + 3 + 4 + 4)
  })

  it('takes string keys for one payload only', () => {
    const writer = new MessageWriter(new Writer(64), PLAIN, new NoAtomCache(undefined), OPTIONS)
    const keys = (stringKeys?: boolean): number | undefined => {
      writer.begin(1, 6)
      writer.payload({ k: 1 }, stringKeys)
      writer.end()
      const tag = writer.out.bytes[writer.out.start + 4 + 1 + 5 + 1 + 5]
      writer.out.start = writer.out.position
      return tag
    }
    expect([keys(), keys(true), keys(), keys(false)]).toEqual([119, 109, 119, 119])
    writer.begin(1, 6)
    expect(() => writer.payload({ k: Symbol('none') as unknown as Term }, true)).toThrow('symbol')
    writer.fail(1, new Error('none'))
    expect(keys()).toBe(119)
  })

  it('marks bytes from when it is told to', () => {
    const writer = new MessageWriter(new Writer(64), PLAIN, new NoAtomCache(undefined), OPTIONS)
    expect([...frame(writer, pid(A, 1), new Uint8Array([7]))].slice(-6)).toEqual([109, 0, 0, 0, 1, 7])
    writer.markBytes = true
    expect([...frame(writer, pid(A, 1), new Uint8Array([7]))].slice(-7)).toEqual([77, 0, 0, 0, 1, 8, 7])
  })
})
