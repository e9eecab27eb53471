import { resolveCollision } from '../dist/collision.ts'
import { ConnectError } from '../dist/connect-error.ts'
import type { Decision } from '../dist/handshake-state.ts'
import type { Link, LinkDownReason, LinkOptions } from '../dist/link.ts'
import type { Established } from '../dist/setup.ts'
import type { InboundSignals } from '../process/router.ts'
import { type Atom, atom } from '../term/index.ts'
import { AllowList } from './allow-list.ts'
import { Connector } from './connector.ts'
import type { ConnectorHost } from './connector-host.ts'
import type { Dialled } from './dial.ts'
import { DialGate } from './dial-gate.ts'
import { Hearsay } from './hearsay.ts'
import { Inbound, type SpawnHandler } from './inbound.ts'
import type { Held } from './link-waiters.ts'
import type { ResolvedNodeOptions } from './node-options.ts'

/** What happens to a node's links. */
export interface PeersEvents {
  onUp(connector: Connector, link: Link): void
  onDown(connector: Connector, link: Link, reason: LinkDownReason, error: Error | undefined): void
  onFailed(connector: Connector, error: ConnectError, dropped: number): void
  /** A signal that had waited for the link could not be sent; it is lost. */
  onUnsent(peer: Atom, error: unknown): void
  /** A link that was over its high-water mark has room again. */
  onDrained(peer: Atom): void
  onSpawn: SpawnHandler
}

/** How a node gets at others. Tests put a network of their own in its place. */
export interface Transport {
  /** Finds a node, connects, and shakes hands. Rejects with a ConnectError, or the signal's reason. */
  dial(name: string, port: number | undefined, signal: AbortSignal): Promise<Dialled>
  /** Makes a link of a connection; `open` starts it. */
  link(options: LinkOptions): Link
}

/** All peers of a node: one {@link Connector} for each that is connected, being dialled, or wanted. */
export class Peers {
  readonly allowed: AllowList
  readonly hearsay = new Hearsay()
  readonly #options: ResolvedNodeOptions
  readonly #transport: Transport
  readonly #events: PeersEvents
  readonly #connectors = new Map<Atom, Connector>()
  readonly #links = new Map<Atom, Link>()
  readonly #host: ConnectorHost
  /** Peers that were up once: `distAutoConnect: 'once'` dials them no more. */
  readonly #met = new Set<Atom>()
  #processes: InboundSignals | undefined
  #leaving = false
  #closed = false

  constructor(options: ResolvedNodeOptions, transport: Transport, events: PeersEvents) {
    this.#options = options
    this.#transport = transport
    this.#events = events
    this.allowed = new AllowList(options.allow, options.logger)
    this.#host = {
      clock: options.clock,
      gate: new DialGate(options.clock),
      dialQueue: options.limits.dialQueue,
      patience: options.setupTimeout * 2,
      refusal: ({ peer: { name } }) => (this.allows(name) ? undefined : notAllowed(name)),
      dial: ({ peer, port }, signal) => this.#transport.dial(peer.name, port, signal),
      createLink: (dialled, connector) => this.#createLink(dialled, connector),
      onUp: (connector, link) => this.#onUp(connector, link),
      onDown: (connector, link, reason, error) => this.#onDown(connector, link, reason, error),
      onFailed: (connector, error, dropped) => this.#onFailed(connector, error, dropped),
      onUnsent: (connector, error) => this.#events.onUnsent(connector.peer, error),
      onIdle: (connector) => this.#connectors.delete(connector.peer),
    }
  }

  /** Where signals go; set once, before anything connects. */
  get processes(): InboundSignals {
    if (this.#processes === undefined) throw new TypeError('a node connects before it has processes')
    return this.#processes
  }

  set processes(processes: InboundSignals) {
    this.#processes = processes
  }

  get links(): Iterable<Link> {
    return this.#links.values()
  }

  get connectors(): Iterable<Connector> {
    return this.#connectors.values()
  }

  linkTo(peer: Atom): Link | undefined {
    return this.#links.get(peer)
  }

  find(peer: Atom): Connector | undefined {
    return this.#connectors.get(peer)
  }

  /** Whether a link to a peer is about to come up, or to fail to. */
  isDialling(peer: Atom): boolean {
    return this.#connectors.get(peer)?.pending ?? false
  }

  /** The connector of a peer, made if there is none. */
  connector(name: string): Connector {
    const peer = atom(name)
    let connector = this.#connectors.get(peer)
    if (connector === undefined) {
      connector = new Connector(name, this.#host)
      this.#connectors.set(peer, connector)
    }
    return connector
  }

  /** Holds a signal for a peer and dials it, as `distAutoConnect` allows. See {@link Connector.hold} for `must`. */
  hold(peer: Atom, signal: Held, must = false): 'held' | 'refused' | 'full' {
    const { distAutoConnect } = this.#options
    const barred =
      this.#closed ||
      distAutoConnect === 'never' ||
      (distAutoConnect === 'once' && this.#met.has(peer)) ||
      this.#connectors.get(peer)?.barred === true
    if (barred && !this.isDialling(peer)) {
      // As when a dial fails, but not before the caller has what it waits with.
      queueMicrotask(() => this.processes.linkDown(peer))
      return 'refused'
    }
    return this.connector(peer.name).hold(signal, must) ? 'held' : 'full'
  }

  /** Holds a signal that must not fail, for a peer that is being dialled. */
  holdAnswer(peer: Atom, signal: Held): void {
    this.#connectors.get(peer)?.hold(signal, true)
  }

  /** Whether a peer may be dialled that was only heard of. */
  allowsHearsay(peerName: string): boolean {
    return this.allows(peerName) && this.hearsay.means(peerName)
  }

  /** Whether a peer may be connected. */
  allows(peerName: string): boolean {
    return this.allowed.allows(peerName)
  }

  /** What becomes of a peer that dials us. Nothing of it is proven yet. */
  decide(peerName: string): Decision {
    if (this.#leaving || this.#closed || peerName === this.#options.name.full) return 'not_allowed'
    if (!this.allows(peerName)) return 'not_allowed'
    const connector = this.#connectors.get(atom(peerName))
    const state = connector?.link !== undefined ? 'up' : connector?.dialling === true ? 'dialling' : 'none'
    const decision = resolveCollision(this.#options.name.full, peerName, state)
    if (decision === 'ok_simultaneous') connector?.yieldDial()
    return decision
  }

  /** A peer's connect is complete. */
  accepted(established: Established): void {
    if (this.#closed) return established.carrier.destroy()
    this.connector(established.peerName).take({ established, ours: false })
  }

  /** A peer is about to replace the link we have to it. */
  replaced(peerName: string): void {
    this.#links.get(atom(peerName))?.close('replaced')
  }

  /** Nobody is kept connected any more, and who dials is refused. Links that are up stay. */
  leave(): void {
    this.#leaving = true
    for (const connector of [...this.#connectors.values()]) connector.unwantAll()
  }

  close(): void {
    this.#closed = true
    for (const connector of [...this.#connectors.values()]) connector.close()
    this.#connectors.clear()
  }

  #createLink({ established }: Dialled, connector: Connector): Link {
    const { clock, limits, netTickTime, terms } = this.#options
    const { peer } = connector
    const link: Link = this.#transport.link({
      established,
      handler: new Inbound(peer, this.processes, this.#events.onSpawn, limits),
      clock,
      limits,
      netTickTime,
      terms,
      stringKeys: terms.keys === 'strings',
      ours: connector.ours,
      onDown: (reason, error) => connector.linkDown(link, reason, error),
      onDrained: () => this.#events.onDrained(peer),
    })
    return link
  }

  #onUp(connector: Connector, link: Link): void {
    this.#links.set(connector.peer, link)
    if (this.#options.distAutoConnect === 'once') this.#met.add(connector.peer)
    this.#events.onUp(connector, link)
    // The carrier delivers only after this turn; what was left over of the handshake comes at once.
    link.open()
  }

  #onFailed(connector: Connector, error: ConnectError, dropped: number): void {
    this.processes.linkDown(connector.peer)
    this.#events.onFailed(connector, error, dropped)
  }

  #onDown(connector: Connector, link: Link, reason: LinkDownReason, error: Error | undefined): void {
    this.#links.delete(connector.peer)
    this.processes.linkDown(connector.peer)
    this.#events.onDown(connector, link, reason, error)
  }
}

function notAllowed(name: string): ConnectError {
  const reason = `${name} is not among the nodes this one may connect to (allow)`
  return new ConnectError('ERR_CONNECT_NOT_ALLOWED', name, reason, { permanent: true })
}
