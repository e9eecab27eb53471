import { Backoff } from '../../src/base/backoff.ts'
import type { Clock, Timer } from '../../src/base/clock.ts'
import { resolveCollision } from '../../src/dist/collision.ts'
import { ConnectError } from '../../src/dist/connect-error.ts'
import type { Link } from '../../src/dist/link.ts'
import { Connector, type ConnectorHost } from '../../src/node/connector.ts'
import type { Dialled } from '../../src/node/dial.ts'
import { DialGate, MAX_PER_SECOND } from '../../src/node/dial-gate.ts'

/** A clock for millions of timers: one bucket for each millisecond. */
class BucketClock implements Clock {
  #now = 0
  #last = 0
  readonly #buckets = new Map<number, Set<() => void>>()

  now(): number {
    return this.#now
  }

  after(ms: number, callback: () => void): Timer {
    const at = this.#now + Math.max(1, Math.ceil(ms))
    const due = (): void => callback()
    const bucket = this.#buckets.get(at)
    if (bucket === undefined) this.#buckets.set(at, new Set([due]))
    else bucket.add(due)
    this.#last = Math.max(this.#last, at)
    return { cancel: () => void this.#buckets.get(at)?.delete(due) }
  }

  /** Goes on, millisecond by millisecond, until nothing is due any more; answers false when `end` came first. */
  async run(end: number): Promise<boolean> {
    while (this.#now < this.#last) {
      if (++this.#now > end) return false
      const bucket = this.#buckets.get(this.#now)
      if (bucket === undefined) continue
      for (const due of bucket) due()
      this.#buckets.delete(this.#now)
      await new Promise(setImmediate)
    }
    return true
  }
}

/** Numbers in [0, 1) that are the same for the same seed. */
function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff
    return state / 0x80000000
  }
}

const INTEREST = 'topology'
/** How long one waits for a peer whose dial won, in milliseconds: twice the setup timeout. */
const PATIENCE = 14_000

/** What the network says of a node that was watched. */
export interface WatchedNode {
  readonly name: string
  /** When it began to dial, in milliseconds, each time. */
  readonly dials: readonly number[]
  /** The most dials it had under way. */
  readonly mostUnderWay: number
  readonly links: number
}

/** The side that is dialled. */
interface Peer {
  readonly name: string
  up: boolean
  /** Whether it goes on with the handshake of one that dials it. */
  accepts(from: string): boolean
  take(from: string): void
}

/** A node whose connectors, with their backoff, and whose gate before dials are the real ones. */
class Watched implements WatchedNode, Peer {
  readonly name: string
  readonly dials: number[] = []
  mostUnderWay = 0
  underWay = 0
  up = false
  links = 0
  readonly connectors = new Map<string, Connector>()
  readonly host: ConnectorHost

  constructor(name: string, clock: Clock, network: Network) {
    this.name = name
    const gate = new DialGate(clock)
    this.host = {
      clock,
      dialQueue: 0,
      patience: PATIENCE,
      dial: (connector, signal, learned) => {
        const begin = (): Promise<Dialled> => {
          connector.beginDial()
          return network.dial(this, connector.peer.name, signal)
        }
        return gate.run(signal, begin, learned)
      },
      createLink: () => {
        const link = { down: false, close: () => {} }
        return link as unknown as Link
      },
      onUp: () => void this.links++,
      onDown: () => void this.links--,
      onFailed() {},
      onUnsent() {},
      onIdle() {},
    }
  }

  /** As `Peers.decide`. */
  accepts(from: string): boolean {
    const connector = this.connector(from)
    const state = connector.link !== undefined ? 'up' : connector.dialling ? 'dialling' : 'none'
    const decision = resolveCollision(this.name, from, state)
    if (decision === 'ok_simultaneous') connector.yieldDial()
    return decision !== 'nok'
  }

  take(from: string): void {
    this.connector(from).take(DIALLED)
  }

  connector(name: string): Connector {
    let connector = this.connectors.get(name)
    if (connector === undefined) {
      connector = new Connector(name, this.host)
      this.connectors.set(name, connector)
    }
    return connector
  }
}

/** One of the many: it dials the watched ones as they would, its turns being reckoned and not waited for. */
class Other implements Peer {
  readonly name: string
  up = false
  readonly #network: Network
  readonly #linked = new Set<string>()
  readonly #dialling = new Set<string>()

  constructor(name: string, network: Network) {
    this.name = name
    this.#network = network
  }

  accepts(from: string): boolean {
    const state = this.#linked.has(from) ? 'up' : this.#dialling.has(from) ? 'dialling' : 'none'
    const decision = resolveCollision(this.name, from, state)
    if (decision === 'ok_simultaneous') this.#dialling.delete(from)
    return decision !== 'nok'
  }

  take(from: string): void {
    this.#linked.add(from)
    this.#dialling.delete(from)
  }

  dial(to: Watched, backoff = new Backoff({ random: this.#network.random })): void {
    if (this.#linked.has(to.name)) return
    const again = (ms: number) => this.#network.clock.after(ms, () => this.dial(to, backoff))
    this.#dialling.add(to.name)
    this.#network.attempts++
    this.#network.later(() => {
      if (!this.#dialling.has(to.name)) return
      if (to.up && to.accepts(this.name)) {
        this.#network.later(() => {
          if (!this.#dialling.has(to.name)) return
          this.take(to.name)
          to.take(this.name)
        })
        return
      }
      this.#dialling.delete(to.name)
      again(to.up ? PATIENCE : backoff.next())
    })
  }
}

/**
 * Nodes that know all names, as with `localEpmd` or `staticNodes`. Some of them are watched: their connectors, backoff and
 * gate are the real ones, and each dials all others. A connector for each of a million ends would take gigabytes: of the
 * other nodes only what they have to do with the watched ones is played. What lies below (EPMD, sockets, handshakes, frames)
 * is a delay of some milliseconds, and nothing ever gets lost.
 */
export class Network {
  readonly clock = new BucketClock()
  readonly random: () => number
  /** Dials to or from watched nodes. */
  attempts = 0
  readonly #peers = new Map<string, Peer>()
  readonly #watched: Watched[] = []
  readonly #slow: number

  /** @param slow milliseconds that each of the two parts of a connect takes at most */
  constructor(seed: number, slow: number) {
    this.random = random(seed)
    this.#slow = slow
  }

  get watched(): readonly WatchedNode[] {
    return this.#watched
  }

  /** Starts so many nodes, each at a moment within the first `spread` ms, and has them dial each other; watches each nth. */
  start(count: number, each: number, spread: number): void {
    const names = Array.from({ length: count }, (_, i) => `n${i}@127.0.0.1`)
    for (const [i, name] of names.entries()) {
      if (i % each !== 0) {
        this.#peers.set(name, new Other(name, this))
        continue
      }
      const node = new Watched(name, this.clock, this)
      this.#peers.set(name, node)
      this.#watched.push(node)
    }
    for (const peer of this.#peers.values()) {
      this.clock.after(this.random() * spread, () => {
        peer.up = true
        if (peer instanceof Watched)
          for (const name of names) if (name !== peer.name) peer.connector(name).want(INTEREST)
        if (!(peer instanceof Other)) return
        for (const [i, to] of this.#watched.entries()) {
          this.clock.after(((i * each) / MAX_PER_SECOND) * 1000, () => peer.dial(to))
        }
      })
    }
  }

  /** All links of watched nodes to each other go down at once, as in a network that fails for a moment. */
  cutAll(): void {
    for (const { connectors } of this.#watched) {
      for (const connector of connectors.values()) {
        if (connector.link !== undefined) connector.linkDown(connector.link, 'connection_closed', undefined)
      }
    }
  }

  dial(from: Watched, name: string, signal: AbortSignal): Promise<Dialled> {
    this.attempts++
    from.dials.push(this.clock.now())
    from.mostUnderWay = Math.max(from.mostUnderWay, ++from.underWay)
    return new Promise<Dialled>((resolve, reject) => {
      const end = (): void => {
        signal.removeEventListener('abort', abort)
        from.underWay--
      }
      const abort = (): void => {
        end()
        reject(signal.reason)
      }
      const fail = (code: 'ERR_CONNECT_NOT_REGISTERED' | 'ERR_CONNECT_SIMULTANEOUS'): void => {
        end()
        reject(new ConnectError(code, name, code))
      }
      signal.addEventListener('abort', abort, { once: true })
      this.later(() => {
        const to = this.#peers.get(name) as Peer
        if (signal.aborted) return
        if (!to.up) return fail('ERR_CONNECT_NOT_REGISTERED')
        if (!to.accepts(from.name)) return fail('ERR_CONNECT_SIMULTANEOUS')
        this.later(() => {
          if (signal.aborted) return
          end()
          to.take(from.name)
          resolve(DIALLED)
        })
      })
    })
  }

  later(work: () => void): void {
    this.clock.after(this.random() * this.#slow, work)
  }
}

/** Nobody looks into it: links are not made of it here. */
const DIALLED = { ours: true } as unknown as Dialled
