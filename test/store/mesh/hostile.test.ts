import { describe, expect, it } from 'vitest'
import { packMessage } from '../../../src/store/engines/mesh/pack-message.ts'
import type { Message } from '../../../src/store/replication/messages.ts'
import { type LogEntry, type Write, weigh } from '../../../src/store/replication/operation.ts'
import { StoredEntry } from '../../../src/store/replication/stored-entry.ts'
import { Version } from '../../../src/store/version.ts'
import { atom, encode, Pid, type Term, tuple } from '../../../src/term/index.ts'
import { RawPeer } from '../../support/raw-peer.ts'
import { type Actor, Stage } from './stage.ts'

const WAIT = { timeout: 30_000 }
const HUGE = 2 ** 48
const REG_SEND = 6

const reader = { read: () => ({ value: 1, shared: true }) }
const bytes = encode('forged')
const write: Write = { key: 'forged', bytes, ttl: undefined, stale: 0, expected: undefined }
const last = { reaches: [{ epoch: 50, loader: 'nobody', sequence: 9 }], sessions: [] }

/** A node that shakes hands as it should, and then says to stores what it likes. */
class Liar implements AsyncDisposable {
  readonly name: string
  readonly client: string
  readonly #raw: RawPeer
  readonly #setup: string
  #request = 0

  private constructor(raw: RawPeer, setup: string) {
    this.#raw = raw
    this.name = raw.name
    this.client = `${raw.name}#1`
    this.#setup = setup
  }

  static async meet({ node }: Actor, cookie: string, members: readonly string[] | undefined): Promise<Liar> {
    const setup = JSON.stringify([members === undefined ? null : [...members].sort(), undefined])
    return new Liar(await RawPeer.connect(node, { cookie }), setup)
  }

  term(term: Term): void {
    this.#raw.send(tuple(REG_SEND, new Pid(this.name, 1, 0, 77), atom(''), atom('store.mesh')), term)
  }

  packed(packed: Uint8Array): void {
    this.term(tuple(atom('tsunagi_store'), 1, packed))
  }

  say(message: Message): void {
    this.packed(packMessage(message))
  }

  hello(more: Partial<Extract<Message, { kind: 'hello' }>> = {}): void {
    const { client } = this
    const rest = { born: 2 ** 40, established: false, leads: false, highest: 0, answer: true }
    this.say({ kind: 'hello', setup: this.#setup, client, ...rest, ...more })
  }

  leaseRequest(request: number, key: string): void {
    this.say({ kind: 'lease-request', request, key, hold: 1, newerThan: undefined, wait: false })
  }

  /** Resolves when a store that is no loader has answered a hello. */
  async heard(): Promise<void> {
    this.hello()
    await this.told(Buffer.from(this.#setup))
  }

  /** Resolves when the loader has handled all that was said. */
  async heardByLoader(): Promise<void> {
    this.hello()
    const request = 1_000_000 + ++this.#request
    this.leaseRequest(request, `key ${request}`)
    await this.told(packMessage({ kind: 'lease-answer', request, answer: { kind: 'granted', expected: 'absent' } }))
  }

  /** Resolves when something came that has these bytes. */
  async told(wanted: Buffer): Promise<void> {
    await this.#raw.receive((frames) => frames.some((frame) => frame.includes(wanted)) || undefined)
  }

  /** How many of the messages that came have these bytes. */
  count(wanted: Buffer): number {
    return this.#raw.frames.filter((frame) => frame.includes(wanted)).length
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#raw[Symbol.asyncDispose]()
  }
}

function entry(loader: string, sequence: number): LogEntry {
  const version = new Version(40, loader, sequence)
  return { version, at: 1, client: 'c', request: 1, floor: 0, operation: { kind: 'write', writes: [write] } }
}

/** What makes no sense to anybody. */
const garbage: [string, (liar: Liar) => void][] = [
  [
    'terms of other shapes',
    (liar) => void [1, 'x', [], tuple(), tuple(atom('tsunagi_store'), 1)].map((t) => liar.term(t)),
  ],
  ['another version', (liar) => liar.term(tuple(atom('tsunagi_store'), 2, packMessage({ kind: 'bye' })))],
  ['no bytes', (liar) => liar.term(tuple(atom('tsunagi_store'), 1, 'text that is none'))],
  ['nothing', (liar) => liar.packed(new Uint8Array())],
  ['kinds that there are not', (liar) => void [23, 99, 255].map((kind) => liar.packed(Uint8Array.of(kind, 0, 0)))],
  // A count of 2^49 for each place where a list may be.
  ['lists without end', (liar) => count(23, (kind) => liar.packed(Buffer.from([kind, 0, 0, 0, 0, ...endless])))],
  ['bytes that are random', (liar) => count(500, (i) => liar.packed(Buffer.from(`${i * 7919} ${i ** 3}`)))],
]
const endless = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]

function count(times: number, run: (index: number) => void): void {
  for (let index = 0; index < times; index++) run(index)
}

/** Messages that are whole, from somebody who is not who should send them. */
function lies(liar: Liar, honest: string): Message[] {
  const { name, client } = liar
  const epochs = [name, honest].map((loader) => ({ epoch: 40, loader }))
  const origin = { request: 1, floor: 0, lease: undefined, all: false }
  const operation = { kind: 'write', writes: [write] } as const
  return epochs.flatMap((epoch): Message[] => {
    const version = new Version(40, epoch.loader, 9)
    const append = {
      kind: 'append',
      epoch,
      all: HUGE,
      accepts: true,
      start: 1,
      unanimous: true,
      sentAt: 1e300,
    } as const
    const stored = new StoredEntry(reader, 'forged', version, bytes, undefined, undefined)
    const voter = { restored: true, incarnation: 2 ** 50, promised: epoch }
    const incarnations = [[honest, 2 ** 50] as const]
    return [
      { ...append, previous: new Version(0, '', 0), entries: [entry(epoch.loader, 1)], commit: 1 },
      { ...append, previous: new Version(40, epoch.loader, 2 ** 50), entries: [], commit: 2 ** 50 },
      { kind: 'appended', epoch, match: 2 ** 52, hint: 2 ** 52, sentAt: 1e300, ...voter },
      { kind: 'vote-request', epoch, last: version, trial: false, handedOver: epoch },
      { kind: 'vote', epoch, trial: false, granted: true, incarnations, ...voter },
      { kind: 'recover', incarnation: 2 ** 52 },
      {
        kind: 'recovered',
        incarnation: 1,
        known: 2 ** 52,
        promised: epoch,
        restored: true,
        incarnations,
        leads: version,
      },
      { kind: 'hand-over', epoch },
      { kind: 'snapshot', epoch, session: 1, id: 1, index: 0, position: version, entries: [stored], last },
      { kind: 'snapshot-received', id: 1, index: 2 ** 52 },
      { kind: 'offer-wanted', session: 1, reaches: [] },
      { kind: 'offer', session: 1, index: 0, entries: [{ ...stored, key: 'forged', version, bytes }], last },
      { kind: 'offer-received', session: 1, index: 2 ** 52 },
      { kind: 'merged', session: 1, discarded: [{ key: 'true', version }] },
      // In the name of somebody else, and with the lease of one.
      { kind: 'submit', requests: [{ ...origin, client: `${honest}#1`, operation }] },
      { kind: 'submit', requests: [{ ...origin, client, lease: 1, operation }] },
      { kind: 'refused', request: 1, code: 'ERR_STORE_DISK', message: 'no' },
      { kind: 'lease-answer', request: 1, answer: { kind: 'value', version } },
      { kind: 'lease-answer', request: 1, answer: { kind: 'granted', expected: 'absent' } },
      { kind: 'lease-end', request: 1, failure: 'no' },
      { kind: 'lease-lost', request: 1 },
      { kind: 'leave' },
      { kind: 'bye' },
    ]
  })
}

async function two(stage: Stage, hasMembers: boolean, limits = {}) {
  const nodes = [await stage.node('a', limits), await stage.node('b', limits)]
  const members = hasMembers ? nodes.map(({ name }) => name) : undefined
  const actors = nodes.map((node) => stage.open(node, { members })) as [Actor, Actor]
  for (const { engine } of actors) await engine.ready({ ...WAIT, nodes: 1 })
  const loader = actors.find(({ engine }) => engine.status().role === 'loader') as Actor
  const follower = actors.find((actor) => actor !== loader) as Actor
  await follower.engine.submit({ kind: 'put', key: 'true', value: 'so' }, WAIT)
  return { members, loader, follower }
}

/** Nobody has noticed anything, and writes go on. */
async function expectUnharmed(loader: Actor, follower: Actor, epoch: number): Promise<void> {
  for (const { engine } of [loader, follower]) {
    await engine.submit({ kind: 'put', key: engine === loader.engine ? 'x' : 'y', value: 1 }, WAIT)
  }
  await follower.until(() => follower.engine.size >= 3)
  for (const { engine } of [loader, follower]) {
    expect(engine.status()).toMatchObject({ loader: loader.node.name, epoch })
    expect(Array.from(engine.entries(), ([key]) => key).sort()).toEqual(['true', 'x', 'y'])
    expect(engine.read('true')?.value).toBe('so')
  }
}

describe.each([
  ['with members', true],
  ['without members', false],
])('a store %s', (_name, hasMembers) => {
  it.each(garbage)('takes no harm from a node that sends %s', async (_what, send) => {
    await using stage = new Stage()
    const { members, loader, follower } = await two(stage, hasMembers)
    const { epoch } = loader.engine.status()
    for (const victim of [loader, follower]) {
      await using liar = await Liar.meet(victim, stage.cookie, members)
      send(liar)
      liar.hello()
      send(liar)
      await (victim === loader ? liar.heardByLoader() : liar.heard())
    }
    await expectUnharmed(loader, follower, epoch)
  })

  it('believes nobody who claims to be loader, voter, or somebody else', async () => {
    await using stage = new Stage()
    const { members, loader, follower } = await two(stage, hasMembers)
    const { epoch } = loader.engine.status()
    const lease = await follower.engine.lease('x', { ...WAIT, hold: 60_000 })
    if (lease.kind !== 'lease') throw new Error(lease.kind)
    for (const [victim, honest] of [[loader, follower] as const, [follower, loader] as const]) {
      await using liar = await Liar.meet(victim, stage.cookie, members)
      for (const lie of lies(liar, honest.node.name)) {
        // Before and after it has said who it is; it is sent away now and then.
        liar.say(lie)
        liar.hello()
        liar.say(lie)
      }
      await (victim === loader ? liar.heardByLoader() : liar.heard())
    }
    expect(lease.lease.signal.aborted).toBe(false)
    await lease.lease.complete('made', WAIT)
    await expectUnharmed(loader, follower, epoch)
  })

  it('does not go beyond epochs that there can be', async () => {
    await using stage = new Stage()
    const { members, loader, follower } = await two(stage, hasMembers)
    const { epoch } = loader.engine.status()
    await using liar = await Liar.meet(loader, stage.cookie, members)
    liar.hello({ highest: HUGE })
    liar.hello()
    liar.say({ kind: 'join', session: 1, position: new Version(HUGE, 'x', 1), reaches: [] })
    liar.hello()
    liar.say({
      kind: 'join',
      session: 2,
      position: new Version(0, '', 0),
      reaches: [{ epoch: HUGE, loader: 'x', sequence: 1 }],
    })
    await liar.heardByLoader()
    await expectUnharmed(loader, follower, epoch)
  })

  it('grants one node so many leases, and no more', async () => {
    await using stage = new Stage()
    const { members, loader, follower } = await two(stage, hasMembers, { storeLeases: 20 })
    await using liar = await Liar.meet(loader, stage.cookie, members)
    liar.hello()
    count(100, (request) =>
      liar.say({
        kind: 'lease-request',
        request,
        key: `k${request % 50}`,
        hold: 2 ** 40,
        newerThan: undefined,
        wait: true,
      }),
    )
    const message = 'too many values are being computed'
    await liar.told(packMessage({ kind: 'refused', request: 99, code: 'ERR_LIMIT', message }))
    expect(liar.count(Buffer.from(message))).toBe(80)
    const other = await follower.engine.lease('k30', WAIT)
    expect(other.kind).toBe('lease')
  })
})

describe('a store without members', () => {
  it('goes on without a node that claims to be the loader and does nothing', async () => {
    await using stage = new Stage()
    const { loader, follower } = await two(stage, false)
    const { epoch } = loader.engine.status()
    await using liar = await Liar.meet(loader, stage.cookie, undefined)
    liar.hello({ established: true, leads: true, born: 0, highest: 30 })
    await loader.until(() => loader.engine.status().loader !== loader.node.name)
    await follower.engine.submit({ kind: 'put', key: 'x', value: 1 }, WAIT)
    expect(follower.engine.read('true')?.value).toBe('so')
    expect(follower.engine.status().epoch).toBeGreaterThan(epoch)
  })
})

describe('a store with members', () => {
  const operation = { kind: 'write', writes: [{ ...write, key: 'flood' }] } as const

  it.each([
    ['writes', { storeRequests: 20 }],
    ['bytes of writes', { storeRequestBytes: 20 * weigh({ operation }) }],
  ])('orders so many %s of one node that it cannot carry out, and no more', async (_what, limits) => {
    await using stage = new Stage()
    const { members, loader, follower } = await two(stage, true, limits)
    await using liar = await Liar.meet(loader, stage.cookie, members)
    await liar.heardByLoader()
    const { client } = liar
    const one = (request: number) => ({ client, request, floor: 0, lease: undefined, all: false })
    // In one message, so that nothing can be carried out in between.
    liar.say({ kind: 'submit', requests: Array.from({ length: 100 }, (_, i) => ({ ...one(i), operation })) })
    const message = 'too many writes of this node are under way'
    await liar.told(packMessage({ kind: 'refused', request: 99, code: 'ERR_LIMIT', message }))
    expect(liar.count(Buffer.from(message))).toBe(80)
    // Of its own a node asks for no more than there is room for, and keeps the rest back.
    const puts = Array.from({ length: 200 }, (_, i) =>
      follower.engine.submit({ kind: 'put', key: `own${i}`, value: i }, WAIT),
    )
    expect(await Promise.all(puts)).toHaveLength(200)
  })
})
