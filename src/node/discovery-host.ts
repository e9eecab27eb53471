import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { NodeName } from '../base/node-name.ts'
import type { ConnectError } from '../dist/connect-error.ts'
import type { Welcome } from '../dist/handshake-state.ts'
import { type Atom, atom } from '../term/index.ts'
import type { Connector } from './connector.ts'
import { MESH } from './mesh/learned-names.ts'
import type { NodeHost, NodeService } from './service.ts'

/** How a node stands with a peer. */
export interface Standing {
  /** `dialling`: a dial is under way. `waiting`: the next one is due later. `idle`: it is not dialled. */
  readonly state: 'connected' | 'dialling' | 'waiting' | 'idle'
  /** Why the last dial failed; undefined after a success, and before the first has ended. */
  readonly error: ConnectError | undefined
  /** How the peer let us in; undefined when it dialled, and where there is no link. */
  readonly welcome?: Welcome | undefined
}

/** Hears of every peer's links and dials. Must not throw. */
export interface PeerObserver {
  onUp(peer: string): void
  onDown(peer: string): void
  /** `error` is a `ConnectError`. */
  onFailed(peer: string, error: Error): void
}

/**
 * What discovery has of a node: whom to keep connected, on whose behalf, and what has become of it. Dialling itself, with
 * its backoff and its limits, is the connectors'.
 */
export class DiscoveryHost implements NodeService {
  readonly self: NodeName
  readonly clock: Clock
  readonly logger: Logger
  /** The node's `netTickTime`, in milliseconds. */
  readonly netTickTime: number
  /** Whether the node takes part in `global`. */
  readonly visible: boolean
  /** Names one source may have; `limits.topologyNames`. */
  readonly maxNames: number
  /** Where the node's own EPMD is; undefined: it uses none. */
  readonly epmd: { readonly host: string; readonly port: number } | undefined
  readonly #cookie: () => string
  readonly #forgo: (peer: Atom) => void
  readonly #peers: NodeHost['peers']
  readonly #observers = new Set<PeerObserver>()
  /** Whose port a connector has at present, and which one it had before. */
  readonly #ports = new Map<string, { readonly owner: string; readonly before: number | undefined }>()

  /** `forgo` keeps the mesh, on both sides, from bringing a link back that ends on purpose. */
  constructor({ options, peers }: NodeHost, cookie: () => string, forgo: (peer: Atom) => void) {
    this.self = options.name
    this.clock = options.clock
    this.logger = options.logger
    this.netTickTime = options.netTickTime
    this.visible = options.visible
    this.maxNames = options.limits.topologyNames
    this.epmd = options.resolvedEpmd
    this.#peers = peers
    this.#cookie = cookie
    this.#forgo = forgo
  }

  /** The node's cookie; secret. */
  get cookie(): string {
    return this.#cookie()
  }

  /** Keeps a peer connected on behalf of `owner`; again with another `port`, or with none, when that has changed. */
  want(name: string, owner: string, port?: number): void {
    const connector = this.#peers.connector(name)
    this.#setPort(connector, owner, port)
    connector.want(owner)
  }

  /** Names that the mesh hears of are dialled only when `means` says so, or another owner does; undefined: it says no more. */
  judge(owner: string, means: ((name: string) => boolean) | undefined): void {
    this.#peers.hearsay.judge(owner, means)
  }

  /** A source shows a peer anew: dial at once instead of at the end of the backoff. */
  renew(name: string): void {
    this.#find(name)?.retryNow()
  }

  /** Withdraws an interest. A link that is up stays. */
  unwant(name: string, owner: string): void {
    const connector = this.#find(name)
    if (connector === undefined) {
      this.#ports.delete(name)
      return
    }
    this.#setPort(connector, owner, undefined)
    connector.unwant(owner)
  }

  /**
   * Cuts the link to a peer, unless somebody wants it. `absent`: there is none. The mesh does not count: it wants the peer
   * again when that comes up anew.
   */
  cut(name: string): 'cut' | 'wanted' | 'absent' {
    const connector = this.#find(name)
    // A dial that is under way may still bring a link.
    if (connector?.link === undefined) return connector?.pending === true ? 'wanted' : 'absent'
    // Others still report a node that they have not lost yet: in a mesh nobody could ever begin.
    if ([...connector.interests].some((interest) => interest !== MESH)) return 'wanted'
    this.#forgo(connector.peer)
    connector.link.close('disconnect')
    return 'cut'
  }

  standing(name: string): Standing {
    const connector = this.#find(name)
    if (connector === undefined) return { state: 'idle', error: undefined }
    return { state: stateOf(connector), error: connector.lastError, welcome: connector.link?.welcome }
  }

  /** Tells `observer` from now on. Answers what ends that. */
  observe(observer: PeerObserver): () => void {
    this.#observers.add(observer)
    return () => void this.#observers.delete(observer)
  }

  up({ peer }: Connector): void {
    for (const observer of this.#observers) observer.onUp(peer.name)
  }

  down(peer: Atom): void {
    for (const observer of this.#observers) observer.onDown(peer.name)
  }

  failed({ peer }: Connector, error: ConnectError): void {
    for (const observer of this.#observers) observer.onFailed(peer.name, error)
  }

  close(): void {
    this.#observers.clear()
    this.#ports.clear()
  }

  /** Who found a port and finds it no more leaves the one there was: a user's, or none. */
  #setPort(connector: Connector, owner: string, port: number | undefined): void {
    const { name } = connector.peer
    const found = this.#ports.get(name)
    if (port !== undefined) {
      this.#ports.set(name, { owner, before: found === undefined ? connector.port : found.before })
      connector.port = port
    } else if (found?.owner === owner) {
      this.#ports.delete(name)
      connector.port = found.before
    }
  }

  #find(name: string): Connector | undefined {
    return this.#peers.find(atom(name))
  }
}

function stateOf(connector: Connector): Standing['state'] {
  if (connector.link !== undefined) return 'connected'
  if (connector.pending) return 'dialling'
  return connector.retryIn === undefined ? 'idle' : 'waiting'
}
