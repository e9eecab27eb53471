import type { Topology } from '../../cluster/topology.ts'
import type { TopologyEvents } from '../../cluster/topology-events.ts'
import type { ConnectError } from '../../dist/connect-error.ts'
import type { LocalNodeEvents } from '../../node/local-node.ts'
import type { PubSub } from '../../pubsub/pubsub.ts'
import type { PubSubEvents } from '../../pubsub/pubsub-events.ts'
import type { Store } from '../../store/store.ts'
import type { StoreEvents } from '../../store/store-events.ts'
import type { Journal } from './journal.ts'
import type { ObservedNode } from './observed-node.ts'

/** Lost messages are told of so often at most, in milliseconds: there can be many. */
const DROPS = 5000

/**
 * Writes down what happens to a node: to its links, and to the topologies, pub/subs and stores that are open on it.
 */
export class Chronicle {
  readonly #node: ObservedNode
  readonly #journal: Journal
  /** What was listened to, with how to stop. */
  readonly #parts = new Map<Topology | PubSub | Store, () => void>()
  readonly #stop: (() => void)[]

  constructor(node: ObservedNode, journal: Journal) {
    this.#node = node
    this.#journal = journal
    this.#stop = [
      listen<LocalNodeEvents, 'nodeup'>(node, 'nodeup', (peer, { nodeType }) => {
        const text = nodeType === 'hidden' ? `${peer} is up (hidden)` : `${peer} is up`
        journal.add({ kind: 'node-up', severity: 'good', peer, text })
      }),
      listen<LocalNodeEvents, 'nodedown'>(node, 'nodedown', (peer, { reason }) => {
        const severity = reason === 'disconnect' || reason === 'replaced' ? 'info' : 'error'
        journal.add({ kind: 'node-down', severity, peer, text: `${peer} is down`, reason })
      }),
      listen<LocalNodeEvents, 'connect-failed'>(node, 'connect-failed', (peer, error) => this.#dialFailed(peer, error)),
      listen<LocalNodeEvents, 'accept-failed'>(node, 'accept-failed', (address, error) => {
        const text = `a connection from ${address ?? 'somewhere'} was refused`
        journal.add({ kind: 'accept-failed', severity: 'warning', text, reason: textOf(error) })
      }),
      listen<LocalNodeEvents, 'send-failed'>(node, 'send-failed', (peer, _dropped, error) => {
        const text = `messages to ${peer} were lost`
        journal.add({ kind: 'send-failed', severity: 'warning', peer, text, reason: textOf(error) })
      }),
      listen<LocalNodeEvents, 'certificate-expiring'>(node, 'certificate-expiring', ({ subject }, days) => {
        const text = days <= 0 ? `the certificate of ${subject} has expired` : `the certificate of ${subject} expires`
        const reason = days <= 0 ? null : `in ${days} ${days === 1 ? 'day' : 'days'}`
        journal.add({ kind: 'certificate', severity: days <= 0 ? 'error' : 'warning', text, reason })
      }),
    ]
    this.look()
  }

  /** Also what was opened since the last look is listened to from now on. */
  look(): void {
    const open = new Set<Topology | PubSub | Store>()
    for (const topology of this.#node.topologies()) this.#add(topology, open, () => this.#topology(topology))
    for (const pubsub of this.#node.pubsubs()) this.#add(pubsub, open, () => this.#pubsub(pubsub))
    for (const store of this.#node.stores()) this.#add(store, open, () => this.#store(store))
    for (const [part, stop] of this.#parts) {
      if (open.has(part)) continue
      stop()
      this.#parts.delete(part)
    }
  }

  close(): void {
    for (const stop of this.#stop) stop()
    for (const stop of this.#parts.values()) stop()
    this.#parts.clear()
  }

  #add<P extends Topology | PubSub | Store>(part: P, open: Set<Topology | PubSub | Store>, listen: () => () => void) {
    open.add(part)
    if (!this.#parts.has(part)) this.#parts.set(part, listen())
  }

  #dialFailed(peer: string, error: ConnectError): void {
    const text = `${peer} cannot be connected`
    this.#journal.add({ kind: 'dial-failed', severity: 'warning', peer, text, reason: error.reason })
  }

  #topology(topology: Topology): () => void {
    const { name } = topology
    const tell = (text: string, peer: string | null = null): void => {
      this.#journal.add({ kind: 'topology', severity: 'info', peer, text: `topology ${name} ${text}` })
    }
    return all(
      listen<TopologyEvents, 'found'>(topology, 'found', (node) => tell(`found ${node.name}`, node.name)),
      listen<TopologyEvents, 'lost'>(topology, 'lost', (node) => tell(`does not find ${node} any more`, node)),
      listen<TopologyEvents, 'paused'>(topology, 'paused', () => tell('was paused')),
      listen<TopologyEvents, 'resumed'>(topology, 'resumed', () => tell('was resumed')),
      listen<TopologyEvents, 'discovery-failed'>(topology, 'discovery-failed', (error) => {
        const text = `topology ${name} could not look for nodes`
        this.#journal.add({ kind: 'discovery-failed', severity: 'warning', text, reason: textOf(error.cause ?? error) })
      }),
    )
  }

  #pubsub(pubsub: PubSub): () => void {
    const { clock } = this.#node.serviceHost
    const told = new Map<string, number>()
    const tell = (severity: 'good' | 'warning', text: string, reason: string | null = null): void => {
      this.#journal.add({ kind: 'pubsub', severity, text: `pub/sub ${pubsub.name} ${text}`, reason })
    }
    return all(
      listen<PubSubEvents, 'engine-up'>(pubsub, 'engine-up', () => tell('good', 'is connected')),
      listen<PubSubEvents, 'engine-down'>(pubsub, 'engine-down', (error) => {
        tell('warning', 'has no connection', textOf(error))
      }),
      listen<PubSubEvents, 'dropped'>(pubsub, 'dropped', ({ cause }) => {
        const now = clock.now()
        if (now - (told.get(cause) ?? Number.NEGATIVE_INFINITY) < DROPS) return
        told.set(cause, now)
        tell('warning', 'lost messages', cause)
      }),
    )
  }

  #store(store: Store): () => void {
    const tell = (
      severity: 'info' | 'good' | 'warning' | 'error',
      text: string,
      reason: string | null = null,
    ): void => {
      this.#journal.add({ kind: 'store', severity, text: `store ${store.name} ${text}`, reason })
    }
    return all(
      listen<StoreEvents, 'loader'>(store, 'loader', (loader) => {
        if (loader === undefined) tell('warning', 'has no loader')
        else tell('info', `has the loader ${loader}`)
      }),
      listen<StoreEvents, 'conflict'>(store, 'conflict', ({ key }) => tell('warning', 'discarded a value', key)),
      listen<StoreEvents, 'failed'>(store, 'failed', (error) => tell('error', 'cannot be written', error.message)),
      listen<StoreEvents, 'recovered'>(store, 'recovered', () => tell('good', 'can be written again')),
      listen<StoreEvents, 'refresh-failed'>(store, 'refresh-failed', (key, error) => {
        tell('warning', `could not compute ${key} anew`, textOf(error))
      }),
    )
  }
}

/** What has listeners: an emitter, or a store. */
interface Emitter {
  on(event: never, listener: never): unknown
  off(event: never, listener: never): unknown
}

function listen<E extends Record<keyof E, unknown[]>, K extends keyof E>(
  emitter: Emitter,
  event: K,
  listener: (...args: E[K]) => void,
): () => void {
  emitter.on(event as never, listener as never)
  return () => void emitter.off(event as never, listener as never)
}

function all(...stops: (() => void)[]): () => void {
  return () => {
    for (const stop of stops) stop()
  }
}

/** What an error says; null for none. */
export function textOf(error: unknown): string | null {
  if (error === undefined || error === null) return null
  return error instanceof Error ? error.message : String(error)
}
