import { describe, expect, it } from 'vitest'
import { checkBroadcast, makeBroadcast, readBroadcast } from '../../src/pubsub/broadcast.ts'
import { atom, decode, EncodeError, encode, Pid, type Term, tuple } from '../../src/term/index.ts'

const made = (payload: unknown): Term => makeBroadcast({ topic: 't', event: 'e', payload })

describe('a broadcast of Phoenix channels', () => {
  it('is a struct of three fields, its payload with keys of text', () => {
    expect(decode(encode(made({ a: 1, b: { c: [{ d: null }] }, 3: true })))).toEqual({
      __struct__: atom('Elixir.Phoenix.Socket.Broadcast'),
      topic: 't',
      event: 'e',
      payload: new Map<string, Term>([
        ['3', true],
        ['a', 1],
        ['b', new Map([['c', [new Map([['d', null]])]]])],
      ]),
    })
  })

  it('has the payload that JSON.stringify would have', () => {
    const payload = {
      at: new Date(0),
      gone: undefined,
      list: [undefined, 1n],
      inner: new Map([[atom('k'), atom('v')]]),
    }
    expect(readBroadcast(made(payload))?.payload).toEqual({
      at: '1970-01-01T00:00:00.000Z',
      list: [null, 1n],
      inner: { k: atom('v') },
    })
  })

  it('says where something is that JSON does not have', () => {
    const itself: { it?: unknown } = {}
    itself.it = itself
    for (const [payload, path] of [
      [{ a: [1, { b: new Uint8Array([1]) }] }, /payload\.a\[1\]\.b/],
      [{ f: () => 1 }, /payload\.f/],
      [{ m: new Map([[[1], 2]]) }, /payload\.m/],
      [[1], /payload/],
      ['text', /payload/],
      [itself, /contains itself/],
      [null, /payload/],
    ] as const) {
      expect(() => made(payload)).toThrow(EncodeError)
      expect(() => made(payload)).toThrow(path)
    }
  })

  it('is recognised however it was decoded', () => {
    const bytes = encode(made({ a: 1 }))
    for (const maps of ['auto', 'object', 'map'] as const) {
      expect(readBroadcast(decode(bytes, { maps }))).toEqual({ topic: 't', event: 'e', payload: { a: 1 } })
    }
    for (const other of [null, 1, 'text', tuple(1), [], { topic: 't', event: 'e', payload: {} }, new Map()] as Term[]) {
      expect(readBroadcast(other)).toBeUndefined()
      expect(() => checkBroadcast(other)).not.toThrow()
    }
  })

  it('is refused when a node of Phoenix could not make JSON of it', () => {
    const good = made({ a: 1 }) as Record<string, Term>
    expect(() => checkBroadcast(good)).not.toThrow()
    expect(() => checkBroadcast({ ...good, event: 1 })).toThrow(/event/)
    expect(() => checkBroadcast({ ...good, topic: atom('t') })).toThrow(/topic/)
    expect(() => checkBroadcast({ ...good, payload: tuple(1) })).toThrow(/payload/)
    expect(() => checkBroadcast({ ...good, payload: { a: [tuple(1)] } })).toThrow(/payload\.a\[0\]/)
    expect(() => checkBroadcast({ ...good, payload: { a: new Pid('n@host', 1, 0, 1) } })).toThrow(/payload\.a/)
    expect(() => checkBroadcast({ ...good, payload: { a: good } })).toThrow(/payload\.a/)
    expect(() => checkBroadcast({ ...good, payload: new Map([['a', new Date(0) as unknown as Term]]) })).toThrow(/\.a/)
    expect(() => checkBroadcast({ ...good, payload: { a: Buffer.from([1]) } })).toThrow(/payload\.a/)
  })
})
