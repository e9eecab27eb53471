import type { EventEmitter } from 'node:events'
import type { Logger } from '../base/logger.ts'
import type { ConnectError } from '../dist/connect-error.ts'
import type { Link, LinkDownReason } from '../dist/link.ts'
import type { Atom } from '../term/index.ts'
import type { Connector } from './connector.ts'
import { type NodeDownReason, type NodeInfo, NodeMonitors } from './node-monitor.ts'

/** Events of a `LocalNode` with their arguments. */
export interface LocalNodeEvents {
  /** A link came up, whoever dialled. */
  nodeup: [name: string, info: NodeInfo]
  /** A link is gone. Its processes' links and monitors have fired before. */
  nodedown: [name: string, info: NodeInfo & { readonly reason: NodeDownReason }]
  /** A dial failed. `error.reason` says why; the next one is due in `retryIn` ms, or not at all. */
  'connect-failed': [name: string, error: ConnectError, retryIn: number | undefined]
  /** Messages that had waited for a node were dropped. */
  'send-failed': [name: string, dropped: number, error: unknown]
  /** The node was closed. */
  close: []
}

/** Told of each node that is connected, and once without a name when this one was closed. */
type Follower = (name?: string) => void

/** Peers whose last failure is remembered. */
const MAX_WARNED = 10_000

/** Tells the world what happens to a node's links: its log, its listeners, and those who iterate over its events. */
export class NodeReports {
  readonly monitors = new NodeMonitors()
  readonly #node: EventEmitter<LocalNodeEvents>
  readonly #logger: Logger
  readonly #connectionIds = new WeakMap<Link, number>()
  /** The kind of failure last logged for a peer: the same one is not worth a second warning. */
  readonly #warned = new Map<Atom, string>()
  readonly #followers = new Set<Follower>()
  #connections = 0

  constructor(node: EventEmitter<LocalNodeEvents>, logger: Logger) {
    this.#node = node
    this.#logger = logger
  }

  up({ peer }: Connector, link: Link): void {
    const info = this.#infoOf(link)
    this.#warned.delete(peer)
    this.#logger.info({ node: peer.name, ...info }, `connected to ${peer.name}`)
    for (const follower of [...this.#followers]) follower(peer.name)
    this.#notify(() => this.#node.emit('nodeup', peer.name, info))
    this.monitors.emit({ type: 'nodeup', node: peer.name, info })
  }

  /** A guest that leaves in good order is no news to anybody but those who ask for it. */
  down({ peer, wanted }: Connector, link: Link, reason: LinkDownReason, error: Error | undefined): void {
    const info = { ...this.#infoOf(link), reason }
    const log = { node: peer.name, reason, ...(error === undefined ? {} : { err: error }) }
    const text = `lost the connection to ${peer.name}: ${reason}${error === undefined ? '' : ` (${error.message})`}`
    const orderly = reason === 'connection_closed' && error === undefined && !wanted
    if (orderly || reason === 'disconnect' || reason === 'replaced') this.#logger.info(log, text)
    else this.#logger.warn(log, text)
    this.#notify(() => this.#node.emit('nodedown', peer.name, info))
    this.monitors.emit({ type: 'nodedown', node: peer.name, info })
  }

  /** The first failure of its kind is a warning; the same one again is worth no more than a debug line. */
  failed({ peer, retryIn }: Connector, error: ConnectError, dropped: number): void {
    const level = this.#warned.get(peer) === error.code ? 'debug' : 'warn'
    this.#logger[level]({ node: peer.name, code: error.code, retryIn, err: error }, error.reason)
    if (this.#warned.size >= MAX_WARNED) this.#warned.clear()
    this.#warned.set(peer, error.code)
    this.#notify(() => this.#node.emit('connect-failed', peer.name, error, retryIn))
    if (dropped > 0) this.unsent(peer, dropped, error, level)
  }

  unsent(peer: Atom, dropped: number, error: unknown, level: 'warn' | 'debug' = 'warn'): void {
    const what = dropped === 1 ? 'a message' : `${dropped} messages`
    this.#logger[level]({ node: peer.name, dropped, err: error }, `lost ${what} to ${peer.name}`)
    this.#notify(() => this.#node.emit('send-failed', peer.name, dropped, error))
  }

  closed(): void {
    for (const follower of [...this.#followers]) follower()
    this.#notify(() => this.#node.emit('close'))
  }

  /** For waits of the node's own, of which there can be more than listeners, and which nobody takes away as those. */
  follow(follower: Follower): () => void {
    this.#followers.add(follower)
    return () => void this.#followers.delete(follower)
  }

  #infoOf(link: Link): NodeInfo {
    let connectionId = this.#connectionIds.get(link)
    if (connectionId === undefined) {
      connectionId = ++this.#connections
      this.#connectionIds.set(link, connectionId)
    }
    return { nodeType: link.hidden ? 'hidden' : 'visible', connectionId }
  }

  /** A listener that throws is reported as uncaught, as usual, but not in the midst of our own work. */
  #notify(emit: () => void): void {
    try {
      emit()
    } catch (error) {
      process.nextTick(() => {
        throw error
      })
    }
  }
}
