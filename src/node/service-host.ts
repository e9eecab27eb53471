import type { Clock } from '../base/clock.ts'
import type { Limits } from '../base/limits.ts'
import type { Logger } from '../base/logger.ts'
import type { Link } from '../dist/link.ts'
import type { CallTracer } from '../process/call-trace.ts'
import type { ServiceHandler, ServiceProcess } from '../process/service-process.ts'
import type { Atom, DecodeOptions, TermOptions } from '../term/index.ts'
import type { Connector } from './connector.ts'
import type { NodeHost, NodeService } from './service.ts'

/** Hears of every link of a node. Must not throw. */
export interface LinkObserver {
  /** There is a link; nothing that the peer sent was read yet. */
  up?(peer: Atom): void
  /** A link is gone; monitors over it have fired. */
  down?(peer: Atom): void
}

/**
 * What is built upon a node, such as publish-subscribe and the store, has of it: processes without a mailbox of their own,
 * and news of its links.
 */
export class ServiceHost implements NodeService {
  /** The node's name, final. */
  readonly self: Atom
  /** This incarnation of it. */
  readonly creation: number
  readonly clock: Clock
  readonly logger: Logger
  readonly limits: Limits
  /** How the node translates terms unless told otherwise. */
  readonly terms: TermOptions
  readonly #host: NodeHost
  readonly #observers = new Set<LinkObserver>()
  readonly #closers = new Set<() => Promise<void> | void>()

  constructor(host: NodeHost) {
    const { clock, limits, logger, terms } = host.options
    this.self = host.self
    this.creation = host.creation
    this.clock = clock
    this.logger = logger
    this.limits = limits
    this.terms = terms
    this.#host = host
  }

  /**
   * A process that handles each message the moment it arrives, and knows which peer it came from.
   *
   * @throws TsunagiError `ERR_NAME_TAKEN`, `ERR_CLOSED`
   */
  serve(name: string | undefined, terms: DecodeOptions, handler: ServiceHandler): ServiceProcess {
    return this.#host.processes.serve(name, terms, handler)
  }

  /** Tells of links from now on, until what it returns is called. Those that are up are told of at once. */
  follow(observer: LinkObserver): () => void {
    this.#observers.add(observer)
    for (const link of [...this.#host.peers.links]) observer.up?.(link.peer)
    return () => this.#observers.delete(observer)
  }

  /**
   * Has something closed with the node: before any link, scope or process of it goes, and waited for. Must not reject.
   * What this returns takes it back.
   */
  closeFirst(closer: () => Promise<void> | void): () => void {
    this.#closers.add(closer)
    return () => this.#closers.delete(closer)
  }

  /** Follows the calls that are made and answered on this node. */
  set tracer(tracer: CallTracer | undefined) {
    this.#host.processes.tracer = tracer
  }

  /** Whether there is a link to a peer. */
  isConnected(peer: Atom): boolean {
    return this.#host.peers.linkTo(peer) !== undefined
  }

  /** Whether a peer is known to be a node of this package; it may turn out to be one later. */
  isOurs(peer: Atom): boolean {
    return this.#host.peers.find(peer)?.ours === true
  }

  /** The link to a peer, if there is one: for what must not dial. */
  linkTo(peer: Atom): Link | undefined {
    return this.#host.peers.linkTo(peer)
  }

  /** Whether there is anything that has to close first. */
  get hasToFinish(): boolean {
    return this.#closers.size > 0
  }

  /** Resolves when everything that has to close first has closed. */
  async finish(): Promise<void> {
    await Promise.all(Array.from(this.#closers, (closer) => closer()))
  }

  up(_connector: Connector, link: Link): void {
    for (const observer of [...this.#observers]) observer.up?.(link.peer)
  }

  down(peer: Atom): void {
    for (const observer of [...this.#observers]) observer.down?.(peer)
  }
}
