import { beforeEach, describe, expect, it } from 'vitest'
import { ConnectError } from '../../../src/dist/connect-error.ts'
import type { Connector } from '../../../src/node/connector.ts'
import { COURTESY, LearnedNames, type LearnedPeers } from '../../../src/node/mesh/learned-names.ts'
import { MAX_NAMES } from '../../../src/node/mesh/mesh-message.ts'
import { FakeClock } from '../../../src/testing/fake-clock.ts'

const SELF = 'm@host'
const LESSER = 'a@host'
const GREATER = 'z@host'
const ONE = 'one@host'
const TWO = 'two@host'

interface FakeConnector {
  link: object | undefined
  lastError: ConnectError | undefined
  want(interest: string, kind: string): void
  unwant(interest: string): void
}

let clock: FakeClock
/** What became of the interest of the mesh in peers, in order. */
let events: string[]
let connectors: Map<string, FakeConnector>
let allowed: (name: string) => boolean
let peers: LearnedPeers
let learned: LearnedNames
beforeEach(() => {
  clock = new FakeClock()
  events = []
  connectors = new Map()
  allowed = () => true
  peers = {
    allowsHearsay: (name: string) => allowed(name),
    find: ({ name }: { name: string }) => connectors.get(name) as unknown as Connector | undefined,
    connector: (name: string) => fakeConnector(name) as unknown as Connector,
  }
  learned = new LearnedNames(SELF, peers, clock, true)
})

function fakeConnector(name: string): FakeConnector {
  let connector = connectors.get(name)
  if (connector === undefined) {
    connector = {
      link: undefined,
      lastError: undefined,
      want: (_interest, kind) => void events.push(`want ${name} ${kind}`),
      unwant: () => void events.push(`unwant ${name}`),
    }
    connectors.set(name, connector)
  }
  return connector
}

/** What happened since the last look. */
const seen = (): string[] => events.splice(0)

describe('a learned name', () => {
  it('is wanted from the first report to the last', () => {
    learned.add(ONE, GREATER, 'seeking')
    learned.add(TWO, GREATER, 'sought')
    learned.add(ONE, GREATER, 'seeking')
    expect(seen()).toEqual([`want ${GREATER} learned`])
    learned.remove(ONE, GREATER)
    learned.remove(ONE, GREATER)
    expect(seen()).toEqual([])
    learned.forget(TWO)
    expect(seen()).toEqual([`unwant ${GREATER}`])
    expect(learned.size).toBe(0)
  })

  it('is left to the other side for a while when that seeks too and has the lesser name', () => {
    learned.add(ONE, LESSER, 'seeking')
    clock.advance(COURTESY - 1)
    expect(seen()).toEqual([])
    clock.advance(1)
    expect(seen()).toEqual([`want ${LESSER} learned`])
    learned.add(ONE, 'b@host', 'sought')
    expect(seen()).toEqual(['want b@host learned'])
  })

  it('is wanted at once by one that nobody can dial', () => {
    const guest = new LearnedNames(SELF, peers, clock, false)
    guest.add(ONE, LESSER, 'seeking')
    expect(seen()).toEqual([`want ${LESSER} learned`])
  })

  it('is wanted at once when there is a link', () => {
    fakeConnector(LESSER).link = {}
    learned.add(ONE, LESSER, 'seeking')
    expect(seen()).toEqual([`want ${LESSER} learned`])
  })

  it('is not wanted when it is gone before the while is over', () => {
    learned.add(ONE, LESSER, 'seeking')
    learned.remove(ONE, LESSER)
    learned.add(ONE, 'b@host', 'seeking')
    learned.spend('b@host')
    learned.add(ONE, 'c@host', 'seeking')
    learned.close()
    clock.advance(COURTESY)
    expect([seen(), clock.pending]).toEqual([[], 0])
  })

  it('is not wanted when it may not be connected, or is our own', () => {
    allowed = () => false
    learned.add(ONE, GREATER, 'seeking')
    allowed = () => true
    learned.add(ONE, SELF, 'sought')
    learned.remove(ONE, GREATER)
    expect(seen()).toEqual([])
  })

  it('does not count any more once it is spent, until it came up anew', () => {
    learned.add(ONE, GREATER, 'sought')
    learned.add(TWO, GREATER, 'sought')
    learned.spend(GREATER)
    expect(seen()).toEqual([`want ${GREATER} learned`, `unwant ${GREATER}`])
    // Somebody who only now says what all know.
    learned.add('three@host', GREATER, 'sought')
    expect(seen()).toEqual([])
    learned.remove(ONE, GREATER)
    learned.add(ONE, GREATER, 'sought')
    expect(seen()).toEqual([`want ${GREATER} learned`])
  })

  it('is tried again after a failure that is permanent only when it came up anew', () => {
    learned.add(ONE, GREATER, 'sought')
    learned.add(TWO, GREATER, 'sought')
    fakeConnector(GREATER).lastError = new ConnectError('ERR_CONNECT_COOKIE', GREATER, 'no', { permanent: true })
    learned.add('three@host', GREATER, 'sought')
    expect(seen()).toEqual([`want ${GREATER} learned`])
    learned.remove(TWO, GREATER)
    learned.add(TWO, GREATER, 'sought')
    expect(seen()).toEqual([`want ${GREATER} learned`])
  })

  it('is one of so many that one peer can report', () => {
    for (let i = 0; i <= MAX_NAMES; i++) learned.add(ONE, `n${i}@host`, 'sought')
    expect(learned.size).toBe(MAX_NAMES)
    learned.add(TWO, `n${MAX_NAMES}@host`, 'sought')
    expect(learned.size).toBe(MAX_NAMES + 1)
    learned.forget(ONE)
    learned.forget(TWO)
    expect(learned.size).toBe(0)
  })
})
