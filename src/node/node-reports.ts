import { channel } from 'node:diagnostics_channel'
import type { EventEmitter } from 'node:events'
import type { Logger } from '../base/logger.ts'
import type { ConnectError } from '../dist/connect-error.ts'
import type { Link, LinkDownReason } from '../dist/link.ts'
import type { OwnCertificate } from '../dist/tls-credentials.ts'
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
  /**
   * A certificate of this node, or of an authority it comes from, expires in so many days: at the start or when there are 30, 7
   * and 1 left, and when there are none any more.
   */
  'certificate-expiring': [certificate: OwnCertificate, daysLeft: number]
  /**
   * Somebody connected to this node and failed: `error.code` says how, and `error.node` who it claims to be, if it said so.
   * `address` is where it came from.
   */
  'accept-failed': [address: string | undefined, error: ConnectError]
  /** The node was closed. */
  close: []
}

/** What a message on the channels of links says. */
export interface LinkMessage {
  /** The name of this node. */
  readonly self: string
  /** The other node. */
  readonly node: string
}

const nodeUp = channel('tsunagi:node:up')
const nodeDown = channel('tsunagi:node:down')
const dialError = channel('tsunagi:dial:error')
const sendError = channel('tsunagi:send:error')
const acceptError = channel('tsunagi:accept:error')

/** Told of each node that is connected, and once without a name when this one was closed. */
type Follower = (name?: string) => void

/** Peers whose last failure is remembered. */
const MAX_WARNED = 10_000

/** Tells the world what happens to a node's links: its log, its listeners, and those who iterate over its events. */
export class NodeReports {
  readonly monitors = new NodeMonitors()
  readonly #self: string
  readonly #node: EventEmitter<LocalNodeEvents>
  readonly #logger: Logger
  readonly #connectionIds = new WeakMap<Link, number>()
  /** The kind of failure last logged for a peer: the same one is not worth a second warning. */
  readonly #warned = new Map<Atom, string>()
  readonly #followers = new Set<Follower>()
  #connections = 0

  constructor(self: string, node: EventEmitter<LocalNodeEvents>, logger: Logger) {
    this.#self = self
    this.#node = node
    this.#logger = logger
  }

  up({ peer }: Connector, link: Link): void {
    const info = this.#infoOf(link)
    this.#warned.delete(peer)
    this.#logger.info({ node: peer.name, ...info }, `connected to ${peer.name}`)
    for (const follower of [...this.#followers]) follower(peer.name)
    nodeUp.publish({ ...this.#message(peer), ...info })
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
    nodeDown.publish({ ...this.#message(peer), ...info, error })
    this.#notify(() => this.#node.emit('nodedown', peer.name, info))
    this.monitors.emit({ type: 'nodedown', node: peer.name, info })
  }

  /** The first failure of its kind is a warning; the same one again is worth no more than a debug line. */
  failed({ peer, retryIn }: Connector, error: ConnectError, dropped: number): void {
    const level = this.#warned.get(peer) === error.code ? 'debug' : 'warn'
    this.#logger[level]({ node: peer.name, code: error.code, retryIn, err: error }, error.reason)
    if (this.#warned.size >= MAX_WARNED) this.#warned.clear()
    this.#warned.set(peer, error.code)
    dialError.publish({ ...this.#message(peer), error, retryIn })
    this.#notify(() => this.#node.emit('connect-failed', peer.name, error, retryIn))
    if (dropped > 0) this.unsent(peer, dropped, error, level)
  }

  /** The listener has logged it. */
  notAccepted(address: string | undefined, error: ConnectError): void {
    acceptError.publish({ self: this.#self, address, error })
    this.#notify(() => this.#node.emit('accept-failed', address, error))
  }

  unsent(peer: Atom, dropped: number, error: unknown, level: 'warn' | 'debug' = 'warn'): void {
    const what = dropped === 1 ? 'a message' : `${dropped} messages`
    this.#logger[level]({ node: peer.name, dropped, err: error }, `lost ${what} to ${peer.name}`)
    sendError.publish({ ...this.#message(peer), dropped, error })
    this.#notify(() => this.#node.emit('send-failed', peer.name, dropped, error))
  }

  expiring(certificate: OwnCertificate, daysLeft: number): void {
    this.#notify(() => this.#node.emit('certificate-expiring', certificate, daysLeft))
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

  #message(peer: Atom): LinkMessage {
    return { self: this.#self, node: peer.name }
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
