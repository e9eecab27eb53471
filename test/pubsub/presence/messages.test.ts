import { readdirSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Diff } from '../../../src/pubsub/presence/entry.ts'
import { makeMapSet, readMapSet } from '../../../src/pubsub/presence/map-set.ts'
import {
  gracefulPermdown,
  heartbeat,
  readMessage,
  type TrackerMessage,
  transferAll,
  transferDelta,
  transferRequest,
} from '../../../src/pubsub/presence/messages.ts'
import { EXACT } from '../../../src/pubsub/presence/present.ts'
import { replicaKey, replicaName } from '../../../src/pubsub/presence/replica.ts'
import { PresenceState } from '../../../src/pubsub/presence/state.ts'
import {
  atom,
  DecodeError,
  decode,
  encode,
  print,
  Reference,
  type Term,
  Tuple,
  tuple,
} from '../../../src/term/index.ts'
import { arbitraryTerm } from '../../support/arbitrary-term.ts'
import { A, B, connected, keys, ref, someone, told } from './cast.ts'

const MOST = 10_000

interface Vectors {
  readonly phoenixPubSub: string
  readonly elixir: string
  readonly otp: string
  readonly messages: Readonly<Record<string, string>>
}

const folder = new URL('vectors/', import.meta.url)
const recorded = readdirSync(folder).map((file) => JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as Vectors)

const bytesOf = (vectors: Vectors, name: string): Buffer => Buffer.from(vectors.messages[name] as string, 'hex')
const termOf = (vectors: Vectors, name: string): Term => decode(bytesOf(vectors, name), EXACT)

function read<K extends TrackerMessage['kind']>(vectors: Vectors, name: string, kind: K): TrackerMessage & { kind: K } {
  const message = readMessage(termOf(vectors, name), MOST)
  if (message?.kind !== kind) throw new Error(`${name} was read as ${message?.kind}`)
  return message as TrackerMessage & { kind: K }
}

describe.each(recorded)('what phoenix_pubsub $phoenixPubSub says on Elixir $elixir', (vectors) => {
  const shape = vectors.otp === '25' ? 'versioned' : 'plain'

  it('is read', () => {
    const { replica, context, delta } = read(vectors, 'heartbeat-empty', 'heartbeat')
    expect(replicaName(replica)).toBe('nonode@nohost')
    expect(delta).toBeUndefined()
    expect(context).toEqual(new Map([[replica, 0]]))
    expect(read(vectors, 'heartbeat-joins', 'heartbeat').shape).toBe(shape)
    expect(read(vectors, 'transfer-delta', 'transfer').shape).toBe(shape)
    expect(read(vectors, 'graceful-permdown', 'permdown').replica).toBe(replica)
    const request = read(vectors, 'transfer-request', 'transfer-request')
    expect(request.ref).toBeInstanceOf(Reference)
    expect(request.context.get(replica)).toBe(5)
  })

  it('is merged, message by message', () => {
    const state = new PresenceState(A)
    const joins = read(vectors, 'heartbeat-joins', 'heartbeat')
    state.replicaUp(joins.replica)
    const seen = (name: string): Diff => {
      const { delta } = read(vectors, name, 'heartbeat')
      if (delta === undefined) throw new Error(`${name} has no delta`)
      return state.merge(delta)
    }
    const metaOf = (entries: Diff['joins']) => entries[0]?.meta as Map<Term, Term>
    expect(
      seen('heartbeat-joins')
        .joins.map(({ key }) => print(key))
        .sort(),
    ).toEqual(['<<"alice">>', '{user,2}'])
    const update = seen('heartbeat-update')
    expect([update.joins.length, update.leaves.length]).toEqual([1, 1])
    const before = metaOf(update.leaves).get(atom('phx_ref'))
    expect(before).toMatch(/^[\w-]{16}$/)
    expect(metaOf(update.joins).get(atom('phx_ref_prev'))).toBe(before)
    expect(seen('heartbeat-leave').leaves.map(({ key }) => print(key))).toEqual(['{user,2}'])
    expect(keys(state.all())).toEqual(['alice'])
    expect(state.context.get(joins.replica)).toBe(5)
    expect(state.looseTags).toBe(0)
  })

  it('has the same outcome when it comes as a transfer', () => {
    const state = new PresenceState(A)
    const joins = read(vectors, 'heartbeat-joins', 'heartbeat')
    state.replicaUp(joins.replica)
    if (joins.delta !== undefined) state.merge(joins.delta)
    state.merge(read(vectors, 'transfer-delta', 'transfer').delta)
    expect(keys(state.all())).toEqual(['alice'])
    expect(state.context.get(joins.replica)).toBe(5)

    const all = read(vectors, 'transfer-all', 'transfer-all')
    state.replicaUp(all.replica)
    expect(told(state.merge(all.state))).toEqual({ joins: ['one', 'three'], leaves: [] })
    expect(state.context.get(all.replica)).toBe(4)
  })

  it('is what is written here, term by term', () => {
    const joins = read(vectors, 'heartbeat-joins', 'heartbeat')
    expect(same(heartbeat(joins.replica, joins.delta, joins.context, shape), termOf(vectors, 'heartbeat-joins'))).toBe(
      true,
    )
    const empty = read(vectors, 'heartbeat-empty', 'heartbeat')
    expect(same(heartbeat(empty.replica, undefined, empty.context, shape), termOf(vectors, 'heartbeat-empty'))).toBe(
      true,
    )
    const request = read(vectors, 'transfer-request', 'transfer-request')
    const asked = transferRequest(request.ref as Reference, request.replica, request.context)
    expect(same(asked, termOf(vectors, 'transfer-request'))).toBe(true)
    const { replica } = read(vectors, 'graceful-permdown', 'permdown')
    expect(same(gracefulPermdown(replica), termOf(vectors, 'graceful-permdown'))).toBe(true)
  })

  it.each(Object.keys(vectors.messages))('is refused or read when any byte of %s is another one', (name) => {
    const bytes = bytesOf(vectors, name)
    for (let at = 1; at < bytes.length; at++) {
      for (const change of [0x01, 0x80, 0xff]) {
        const bad = Buffer.from(bytes)
        bad[at] = (bad[at] as number) ^ change
        expect(() => readIfTerm(bad)).not.toThrow()
      }
    }
  })
})

/** Reads what is a term, whatever it is. */
function readIfTerm(bytes: Uint8Array): void {
  let term: Term
  try {
    term = decode(bytes, EXACT)
  } catch (error) {
    if (error instanceof DecodeError) return
    throw error
  }
  const message = readMessage(term, MOST)
  const state = new PresenceState(A)
  if (message === undefined) return
  state.replicaUp(message.replica)
  if (message.kind === 'heartbeat' && message.delta !== undefined) state.merge(message.delta)
  if (message.kind === 'transfer-all') state.merge(message.state)
}

/** Whether two terms are the same but for the order in which maps were built. */
function same(a: Term, b: Term): boolean {
  return encode(sorted(a)).equals(encode(sorted(b)))
}

function sorted(term: Term): Term {
  if (term instanceof Map) {
    const pairs = Array.from(term as Map<Term, Term>, ([key, value]) => [sorted(key), sorted(value)] as [Term, Term])
    return new Map(pairs.sort(([x], [y]) => Buffer.compare(encode(x), encode(y))))
  }
  if (term instanceof Tuple) return tuple(...term.map(sorted))
  return Array.isArray(term) ? term.map(sorted) : term
}

describe('messages', () => {
  it('come back as they were written', () => {
    const [a, b] = connected(A, B) as [PresenceState, PresenceState]
    a.join(someone('alice', 'lobby', new Map([['k', 1]])))
    const back = (term: Term) => readMessage(decode(encode(term), EXACT), MOST)
    const told = back(heartbeat(A, a.peekDelta(), a.context, 'plain'))
    expect(told).toMatchObject({ kind: 'heartbeat', replica: A, context: a.context, shape: 'plain' })
    b.merge((told as { delta: Parameters<PresenceState['merge']>[0] }).delta)
    expect(keys(b.all())).toEqual(['alice'])
    const all = back(transferAll(1, A, a.extract(a.context), 'versioned'))
    expect(all).toMatchObject({ kind: 'transfer-all', replica: A })
    const delta = back(transferDelta(1, A, a.peekDelta(), 'versioned'))
    expect(delta).toMatchObject({ kind: 'transfer', shape: 'versioned', delta: { start: new Map([[A, 0]]) } })
  })

  it('name replicas by versions of any size', () => {
    for (const version of [1, 2 ** 53 - 1, 2n ** 70n, -1]) {
      const message = decode(encode(gracefulPermdown(replicaKey('a b@host', version))), EXACT)
      const read = readMessage(message, MOST)
      expect(read?.replica).toBe(replicaKey('a b@host', version))
      expect(replicaName(read?.replica as string)).toBe('a b@host')
    }
  })

  it('are refused when they are too large', () => {
    const state = new PresenceState(A)
    for (let i = 0; i < 50; i++) state.join(someone(i))
    const message = decode(encode(heartbeat(A, state.peekDelta(), state.context, 'plain')), EXACT)
    expect(readMessage(message, 200)).toBeDefined()
    expect(readMessage(message, 90)).toBeUndefined()
  })

  it('are refused when a part of them is not as it should be', () => {
    const state = new PresenceState(A)
    state.join(someone('k'))
    const good = (): Map<Term, Term> =>
      (decode(encode(heartbeat(A, state.peekDelta(), state.context, 'plain')), EXACT) as Tuple)[3] as Map<Term, Term>
    const replica = (decode(encode(gracefulPermdown(A)), EXACT) as Tuple)[2] as Term
    const reads = (delta: Term) =>
      readMessage(tuple(atom('pub'), atom('heartbeat'), replica, delta, tuple(replica, new Map())), MOST) !== undefined
    expect(reads(good())).toBe(true)
    const bad: [string, Term][] = [
      ['__struct__', atom('Elixir.Other')],
      ['mode', atom('normal')],
      ['range', null],
      ['range', tuple(new Map(), 1)],
      ['range', tuple(new Map([[1, 2]]), new Map())],
      ['clouds', []],
      ['clouds', new Map([[replica, new Map()]])],
      ['clouds', new Map([[replica, makeMapSet([1], 'plain')]])],
      ['clouds', new Map([[replica, makeMapSet([tuple(replica, 0)], 'plain')]])],
      ['clouds', new Map([[replica, makeMapSet([tuple(tuple(atom('other'), 1), 1)], 'plain')]])],
      ['values', null],
      ['values', new Map([[tuple(replica, 1), tuple(1, 'topic', 'key', new Map())]])],
      ['values', new Map([[tuple(replica, 1.5), someone('k').pid]])],
      ['values', new Map([[tuple(replica, 1), tuple(someone('k').pid, 't', 'k', [])]])],
      ['values', new Map([[tuple(replica, 2n ** 60n), tuple(someone('k').pid, 't', 'k', new Map())]])],
    ]
    for (const [field, value] of bad) {
      const delta = good()
      delta.set(atom(field), value)
      expect(reads(delta), `${field} ${String(value)}`).toBe(false)
    }
    let deep: Term = []
    for (let i = 0; i < 3000; i++) deep = [deep]
    const delta = good()
    delta.set(atom('values'), new Map([[tuple(replica, 1), tuple(someone('k').pid, 't', deep, new Map())]]))
    expect(reads(delta)).toBe(false)
  })

  it('are not found in any other term', () => {
    fc.assert(
      fc.property(arbitraryTerm(), fc.array(arbitraryTerm(), { maxLength: 5 }), (term, parts) => {
        expect(readMessage(term, MOST)).toBeUndefined()
        for (const kind of ['heartbeat', 'transfer_req', 'transfer_ack', 'graceful_permdown']) {
          expect(readMessage(tuple(atom('pub'), atom(kind), ...parts), MOST)).toBeUndefined()
        }
      }),
    )
  })
})

describe('a MapSet', () => {
  it('is read in either shape', () => {
    for (const shape of ['plain', 'versioned'] as const) {
      const read = readMapSet(makeMapSet(['a', 1], shape))
      expect([...(read?.elements ?? [])]).toEqual(['a', 1])
      expect(read?.shape).toBe(shape)
    }
    expect(readMapSet(new Map())).toBeUndefined()
    expect(readMapSet(new Map([[atom('__struct__'), atom('Elixir.MapSet')]]))).toBeUndefined()
    expect(ref('a')).toBe('1 a')
  })
})
