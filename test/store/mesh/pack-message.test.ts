import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { packMessage, unpackMessage } from '../../../src/store/engines/mesh/pack-message.ts'
import { PackError } from '../../../src/store/engines/mesh/packer.ts'
import type { Message } from '../../../src/store/replication/messages.ts'
import { StoredEntry, type ValueReader } from '../../../src/store/replication/stored-entry.ts'
import { Version } from '../../../src/store/version.ts'
import '../../support/seed.ts'

const reader: ValueReader = { read: () => ({ value: undefined, shared: true }) }
const epoch = { epoch: 3, loader: 'a@h' }
const version = new Version(3, 'a@h', 300)
const bytes = new Uint8Array([131, 97, 1])
const write = { key: 'é', bytes, ttl: 5, stale: 6, expected: version }
const sessions = [
  {
    client: 'c',
    floor: 1,
    outcomes: [[2, { version, changed: [true, false], refused: { key: 'k', current: undefined } }] as const],
  },
]
const reaches = [{ epoch: 3, loader: 'a@h', sequence: 9 }]
const origin = { client: 'c', request: 2 ** 40, floor: 0 }

const messages: Message[] = [
  { kind: 'hello', setup: '[]', client: 'c', born: 1, established: true, leads: false, highest: 4, answer: true },
  {
    kind: 'append',
    epoch,
    previous: version,
    entries: [
      { version: new Version(3, 'a@h', 301), at: 1, ...origin, operation: { kind: 'write', writes: [write] } },
      { version: new Version(3, 'a@h', 302), at: 1, ...origin, operation: { kind: 'none' } },
      {
        version: new Version(3, 'a@h', 303),
        at: 1,
        ...origin,
        operation: { kind: 'expire', expired: [{ key: 'k', version }] },
      },
      {
        version: new Version(3, 'a@h', 304),
        at: 1,
        ...origin,
        operation: {
          kind: 'merge',
          writes: [{ key: 'k', bytes: undefined, staleAt: undefined, expiresAt: 1 }],
          discarded: [{ key: 'k', version, bytes }],
          reaches,
          sessions,
        },
      },
    ],
    commit: 2,
    all: 1,
    sentAt: 1.5,
    accepts: true,
    start: 1,
    unanimous: false,
  },
  { kind: 'appended', epoch, match: undefined, hint: 2, promised: epoch, sentAt: 2.5, restored: true, incarnation: 8 },
  { kind: 'vote-request', epoch, last: version, trial: true, handedOver: epoch },
  {
    kind: 'vote',
    epoch,
    trial: true,
    granted: true,
    promised: epoch,
    restored: false,
    incarnation: 1,
    incarnations: [['b@h', 2]],
  },
  { kind: 'recover', incarnation: 4 },
  { kind: 'recovered', incarnation: 4, known: 5, promised: epoch, restored: true, incarnations: [], leads: version },
  { kind: 'hand-over', epoch },
  {
    kind: 'snapshot',
    epoch,
    session: 1,
    id: 2,
    index: 3,
    position: version,
    entries: [new StoredEntry(reader, 'k', version, bytes, undefined, 7)],
    last: { reaches, sessions },
  },
  { kind: 'snapshot-received', id: 1, index: 2 },
  { kind: 'join', session: 2, position: version, reaches },
  { kind: 'leave' },
  { kind: 'offer-wanted', session: 2, reaches },
  {
    kind: 'offer',
    session: 2,
    index: 1,
    entries: [{ key: 'k', version, bytes: undefined, staleAt: 1, expiresAt: 2 }],
    last: undefined,
  },
  { kind: 'offer-received', session: 2, index: 1 },
  { kind: 'merged', session: 1, discarded: [{ key: 'k', version }] },
  { kind: 'submit', requests: [{ ...origin, lease: 3, all: true, operation: { kind: 'write', writes: [write] } }] },
  { kind: 'refused', request: 1, code: 'ERR_LIMIT', message: 'no' },
  { kind: 'lease-request', request: 1, key: 'k', hold: 2, newerThan: version, wait: true },
  { kind: 'lease-answer', request: 1, answer: { kind: 'granted', expected: version } },
  { kind: 'lease-answer', request: 1, answer: { kind: 'granted', expected: 'absent' } },
  { kind: 'lease-answer', request: 1, answer: { kind: 'held' } },
  { kind: 'lease-answer', request: 1, answer: { kind: 'value', version } },
  { kind: 'lease-answer', request: 1, answer: { kind: 'failed', message: 'no', node: 'a@h' } },
  { kind: 'lease-end', request: 1, failure: 'no' },
  { kind: 'lease-lost', request: 1 },
  { kind: 'bye' },
]

describe('a message', () => {
  it.each(messages.map((message) => [message.kind, message] as const))('comes back as it was: %s', (_kind, message) => {
    expect(unpackMessage(packMessage(message), reader)).toEqual(message)
  })

  it.each(messages.map((message) => [message.kind, message] as const))(
    'is refused when it is cut: %s',
    (_kind, message) => {
      const whole = packMessage(message)
      for (let length = 0; length < whole.length; length++) {
        expect(() => unpackMessage(whole.subarray(0, length), reader)).toThrow(PackError)
      }
      expect(() => unpackMessage(Buffer.concat([whole, Buffer.from([0])]), reader)).toThrow(PackError)
    },
  )

  it('is a message or refused, whatever the bytes', () => {
    const mutated = fc.tuple(
      fc.constantFrom(...messages),
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 }),
    )
    fc.assert(
      fc.property(mutated, ([message, changes]) => {
        const given = Buffer.from(packMessage(message))
        for (const [at, value] of changes) given[at % given.length] = value
        let error: unknown
        try {
          unpackMessage(given, reader)
        } catch (thrown) {
          error = thrown
        }
        expect(error === undefined || error instanceof PackError).toBe(true)
      }),
      { numRuns: 5000 },
    )
  })
})
