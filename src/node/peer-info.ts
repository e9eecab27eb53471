import type { ConnectError } from '../dist/connect-error.ts'
import type { LinkDownReason } from '../dist/link.ts'
import type { Connector } from './connector.ts'

/** How a node stands with one that it knows, be it connected or not. Times in milliseconds. */
export interface PeerInfo {
  readonly node: string
  /**
   * `connecting`: a dial is under way, or has its turn soon. `waiting`: the next one is due in `retryIn`. `barred`:
   * disconnected by hand. `idle`: nobody wants it dialled.
   */
  readonly state: 'connected' | 'connecting' | 'waiting' | 'barred' | 'idle'
  /** Whether it is known to be a node of this package. */
  readonly ours: boolean
  /** On whose behalf it is kept connected: `connectTo`, `mesh`, `topology:app`. */
  readonly wantedBy: readonly string[]
  /** How long the link is up. */
  readonly upFor: number | undefined
  /** Whether this node dialled it; undefined without a link. */
  readonly dialled: boolean | undefined
  /** Links there have been, this one included. */
  readonly ups: number
  readonly retryIn: number | undefined
  /** Why the last dial failed; undefined after a success. */
  readonly error: ConnectError | undefined
  /** Why the last link was lost, and how long ago; undefined while there is one. */
  readonly lost: { readonly reason: LinkDownReason; readonly ago: number } | undefined
}

/** `now`: by the clock of the connector. */
export function peerInfo(connector: Connector, now: number): PeerInfo {
  const { barred, interests, lastError, link, lost, ours, peer, pending, retryIn, ups, upSince } = connector
  return {
    node: peer.name,
    state: stateOf(link !== undefined, pending, barred, retryIn),
    ours,
    wantedBy: interests,
    upFor: upSince === undefined ? undefined : now - upSince,
    dialled: link === undefined ? undefined : link.welcome !== undefined,
    ups,
    retryIn,
    error: lastError,
    lost: lost === undefined ? undefined : { reason: lost.reason, ago: now - lost.at },
  }
}

function stateOf(up: boolean, pending: boolean, barred: boolean, retryIn: number | undefined): PeerInfo['state'] {
  if (up) return 'connected'
  if (pending) return 'connecting'
  if (barred) return 'barred'
  return retryIn === undefined ? 'idle' : 'waiting'
}
