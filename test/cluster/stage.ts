import { setImmediate as nextTurn } from 'node:timers/promises'
import { splitNodeName } from '../../src/base/node-name.ts'
import { Topology } from '../../src/cluster/topology.ts'
import type { TopologyEvent } from '../../src/cluster/topology-events.ts'
import type { TopologyHost } from '../../src/cluster/topology-host.ts'
import type { TopologyOptions } from '../../src/cluster/topology-options.ts'
import { ConnectError } from '../../src/dist/connect-error.ts'
import type { PeerObserver, Standing } from '../../src/node/discovery-host.ts'
import { FakeClock } from '../../src/testing/fake-clock.ts'
import { LogBook } from '../process/network.ts'

interface Peer {
  readonly owners: Set<string>
  port: number | undefined
  state: Standing['state']
  error: ConnectError | undefined
  dials: number
}

/** Stands in for a node: it dials when it is told to, and what comes of a dial is the test's choice. */
export class FakeHost implements TopologyHost {
  readonly self = splitNodeName('self@127.0.0.1') as NonNullable<ReturnType<typeof splitNodeName>>
  readonly clock = new FakeClock()
  readonly logger = new LogBook()
  readonly cookie = 'a secret'
  readonly epmd = undefined
  readonly visible = false
  maxNames = 10_000
  /** Whether every dial succeeds at once. */
  easy = true
  readonly peers = new Map<string, Peer>()
  readonly judges = new Map<string, (name: string) => boolean>()
  readonly #observers = new Set<PeerObserver>()

  want(name: string, owner: string, port?: number): void {
    const peer = this.#peer(name)
    peer.owners.add(owner)
    peer.port = port
    if (peer.state === 'idle') this.#dial(name)
  }

  renew(name: string): void {
    const { state } = this.#peer(name)
    if (state === 'waiting' || state === 'idle') this.#dial(name)
  }

  unwant(name: string, owner: string): void {
    this.#peer(name).owners.delete(owner)
  }

  cut(name: string): 'cut' | 'wanted' | 'absent' {
    const peer = this.#peer(name)
    if (peer.state !== 'connected') return peer.state === 'dialling' ? 'wanted' : 'absent'
    if (peer.owners.size > 0) return 'wanted'
    this.down(name)
    return 'cut'
  }

  standing(name: string): Standing {
    const { state, error } = this.#peer(name)
    return { state, error }
  }

  judge(owner: string, means: ((name: string) => boolean) | undefined): void {
    if (means === undefined) this.judges.delete(owner)
    else this.judges.set(owner, means)
  }

  observe(observer: PeerObserver): () => void {
    this.#observers.add(observer)
    return () => void this.#observers.delete(observer)
  }

  /** The dial to a peer succeeds, or it dials us. */
  up(name: string): void {
    Object.assign(this.#peer(name), { state: 'connected', error: undefined })
    for (const observer of this.#observers) observer.onUp(name)
  }

  down(name: string): void {
    this.#peer(name).state = 'idle'
    for (const observer of this.#observers) observer.onDown(name)
  }

  /** The dial to a peer fails; the next one would come later. */
  fail(name: string, error = new ConnectError('ERR_CONNECT_REFUSED', name, `${name}: refused`)): void {
    Object.assign(this.#peer(name), { state: 'waiting', error })
    for (const observer of this.#observers) observer.onFailed(name, error)
  }

  /** Names somebody wants. */
  get wanted(): string[] {
    return [...this.peers].filter(([, { owners }]) => owners.size > 0).map(([name]) => name)
  }

  get connected(): string[] {
    return [...this.peers].filter(([, { state }]) => state === 'connected').map(([name]) => name)
  }

  dialsOf(name: string): number {
    return this.#peer(name).dials
  }

  /** How many topologies still listen to its links. */
  get observers(): number {
    return this.#observers.size
  }

  #dial(name: string): void {
    const peer = this.#peer(name)
    peer.state = 'dialling'
    peer.dials++
    if (this.easy) this.up(name)
  }

  #peer(name: string): Peer {
    let peer = this.peers.get(name)
    if (peer === undefined) {
      peer = { owners: new Set(), port: undefined, state: 'idle', error: undefined, dials: 0 }
      this.peers.set(name, peer)
    }
    return peer
  }
}

/** A topology over a fake node, with all its events so far. */
export class Stage {
  readonly host: FakeHost
  readonly topology: Topology
  readonly events: TopologyEvent[] = []
  closed = false

  constructor(options: TopologyOptions, host = new FakeHost()) {
    this.host = host
    this.topology = new Topology('app', options, host, () => {
      this.closed = true
    })
    void this.#collect()
  }

  types(): string[] {
    return this.events.map(({ type }) => type)
  }

  count(type: TopologyEvent['type']): number {
    return this.events.filter((event) => event.type === type).length
  }

  last<T extends TopologyEvent['type']>(type: T): Extract<TopologyEvent, { type: T }> {
    const event = this.events.findLast((it) => it.type === type)
    if (event === undefined) throw new Error(`there was no ${type}, but ${this.types().join(', ')}`)
    return event as Extract<TopologyEvent, { type: T }>
  }

  /** Time goes on, and everybody gets a turn. */
  async pass(ms: number): Promise<void> {
    this.host.clock.advance(ms)
    await settle()
  }

  async #collect(): Promise<void> {
    for await (const event of this.topology.events()) this.events.push(event)
  }
}

/** Lets everything run that waits for nothing but its turn. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 10; i++) await nextTurn()
}

/** A strategy whose answers the test gives, each when it likes. */
export class Script {
  answers: unknown
  asked = 0
  readonly signals: AbortSignal[] = []
  /** What is asked from now on waits for this. */
  gate: Promise<void> | undefined

  constructor(...names: string[]) {
    this.answers = names
  }

  readonly strategy = {
    name: 'script',
    discover: async ({ signal }: { signal: AbortSignal }): Promise<never> => {
      this.asked++
      this.signals.push(signal)
      await this.gate
      if (this.answers instanceof Error) throw this.answers
      return this.answers as never
    },
  }
}
