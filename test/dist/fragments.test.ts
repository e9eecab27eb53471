import { describe, expect, it } from 'vitest'
import { FRAGMENT_BYTES, IncomingFragments, OutgoingFragments } from '../../src/dist/fragments.ts'
import { ProtocolError } from '../../src/dist/protocol-error.ts'

const MiB = 1024 * 1024
const fragments = (limits = {}) => new IncomingFragments({ fragmentedBytes: MiB, fragmentSequences: 3, ...limits })

/** What one frame of a fragmented message says. */
function parse([head, data]: [Buffer, Buffer]): { tag: number; id: bigint; left: bigint; atoms: Buffer; data: Buffer } {
  expect(head.readUInt32BE(0)).toBe(head.length - 4 + data.length)
  expect(head[4]).toBe(131)
  return {
    tag: head[5] as number,
    id: head.readBigUInt64BE(6),
    left: head.readBigUInt64BE(14),
    atoms: head.subarray(22),
    data,
  }
}

describe('outgoing fragments', () => {
  it.each([1, FRAGMENT_BYTES - 1, FRAGMENT_BYTES, FRAGMENT_BYTES + 1, 3 * FRAGMENT_BYTES, 3 * FRAGMENT_BYTES + 1])(
    'cut a message of %i bytes so that it comes back whole',
    (size) => {
      const body = Buffer.alloc(size, 'abcdefg')
      const outgoing = new OutgoingFragments(7, Buffer.from([0]), body)
      const incoming = fragments()
      const seen: number[] = []
      let whole: Buffer | undefined
      while (!outgoing.done) {
        const before = outgoing.bytesLeft
        const { tag, id, left, atoms, data } = parse(outgoing.next())
        expect(outgoing.bytesLeft).toBe(before - data.length)
        seen.push(tag)
        const done = tag === 69 ? incoming.first(id, left, [], data) : incoming.next(id, left, data)
        if (tag === 69) expect([...atoms]).toEqual([0])
        else expect(atoms).toHaveLength(0)
        whole = done?.bytes
      }
      expect(seen).toEqual([69, ...new Array(Math.ceil(size / FRAGMENT_BYTES) - 1).fill(70)])
      expect(whole?.equals(body)).toBe(true)
      expect(outgoing.bytesLeft).toBe(0)
      expect(incoming.pending).toBe(0)
    },
  )
})

describe('incoming fragments', () => {
  const bytes = (text: string) => Buffer.from(text)

  it('put interleaved messages together, each with its own atoms', () => {
    const incoming = fragments()
    expect(incoming.first(1n, 2n, [], bytes('a1'))).toBeUndefined()
    expect(incoming.first(2n, 3n, [], bytes('b1'))).toBeUndefined()
    expect(incoming.pending).toBe(2)
    expect(incoming.next(2n, 2n, bytes('b2'))).toBeUndefined()
    expect(incoming.next(1n, 1n, bytes('a2'))?.bytes.toString()).toBe('a1a2')
    expect(incoming.next(2n, 1n, bytes('b3'))?.bytes.toString()).toBe('b1b2b3')
    expect(incoming.pending).toBe(0)
  })

  it('take a message of a single fragment, and a sequence number again once its message is complete', () => {
    const incoming = fragments()
    for (let i = 0; i < 10; i++) expect(incoming.first(5n, 1n, [], bytes('whole'))?.bytes.toString()).toBe('whole')
  })

  it.each<[string, (it: IncomingFragments) => unknown]>([
    ['begins twice', (it) => [it.first(1n, 2n, [], bytes('')), it.first(1n, 2n, [], bytes(''))]],
    ['has no fragments', (it) => it.first(1n, 0n, [], bytes(''))],
    ['which never began', (it) => it.next(9n, 1n, bytes(''))],
    ['fragment 1 of sequence 1 where 2 is due', (it) => [it.first(1n, 3n, [], bytes('')), it.next(1n, 1n, bytes(''))]],
    ['where 1 is due', (it) => [it.first(1n, 2n, [], bytes('')), it.next(1n, 2n, bytes(''))]],
    ['more than 3 unfinished', (it) => [1n, 2n, 3n, 4n].map((id) => it.first(id, 2n, [], bytes('')))],
  ])('refuse what breaks the protocol: %s', (message, feed) => {
    const incoming = fragments()
    expect(() => feed(incoming)).toThrow(message)
    expect(() => feed(fragments())).toThrow(ProtocolError)
  })

  it('bound what unfinished messages hold, over all of them', () => {
    const incoming = fragments({ fragmentedBytes: 2000 })
    incoming.first(1n, 9n, [], Buffer.alloc(600))
    incoming.first(2n, 9n, [], Buffer.alloc(600))
    expect(() => incoming.next(1n, 8n, Buffer.alloc(600))).toThrow('more than 2000 bytes')
  })

  it('free what a complete message held', () => {
    const incoming = fragments({ fragmentedBytes: 2000 })
    for (let i = 0; i < 50; i++) {
      incoming.first(1n, 2n, [], Buffer.alloc(600))
      expect(incoming.next(1n, 1n, Buffer.alloc(600))?.bytes).toHaveLength(1200)
    }
  })

  it('count fragments that are empty, which a peer could send for ever', () => {
    const incoming = fragments()
    const flood = () => {
      incoming.first(1n, 1_000_001n, [], bytes(''))
      for (let left = 1_000_000n; left > 1n; left--) incoming.next(1n, left, bytes(''))
    }
    expect(flood).toThrow('unfinished fragmented messages of more than')
  })
})
