import type { DiscoveryError } from './discovery-error.ts'
import type { FoundNode } from './strategy.ts'

/** Something in an answer that is no node name. */
export interface RejectedName {
  /** The value, shortened. */
  readonly value: string
  readonly reason: string
}

/** A node that could not be connected, or not be cut. */
export interface FailedNode {
  readonly node: string
  readonly action: 'connect' | 'disconnect'
  /** A `ConnectError` whose `reason` says why; with functions of one's own, what they threw. */
  readonly error: unknown
}

/** What came of a refresh. */
export interface RefreshResult {
  /** All nodes that count as found. A node that was disconnected by hand is in none of the following lists. */
  readonly found: readonly string[]
  /** Those of them that are connected. */
  readonly connected: readonly string[]
  /** Those that are being dialled, and have not failed yet. */
  readonly connecting: readonly string[]
  readonly failed: readonly FailedNode[]
  /** Links cut in this refresh. */
  readonly pruned: readonly string[]
  /** At most 100. */
  readonly rejected: readonly RejectedName[]
  /** What went wrong with parts of the answer. */
  readonly errors: readonly unknown[]
}

/** Events of a topology with their arguments. */
export interface TopologyEvents {
  /** A lookup succeeded; the dials that it began have ended, or the next lookup begins. */
  refreshed: [result: RefreshResult]
  /** A lookup failed. What was found before stays, and nothing is pruned. */
  'discovery-failed': [error: DiscoveryError]
  /** A node is in the answer that was not in the last one. */
  found: [node: FoundNode]
  /** A node of the last answer is not in this one, which is whole. It is dialled no more. */
  lost: [name: string]
  paused: []
  resumed: []
  /** The topology was closed, by itself or with its node. */
  stopped: []
}

/** One event of `topology.events()`. */
export type TopologyEvent =
  | { readonly type: 'refreshed'; readonly result: RefreshResult }
  | { readonly type: 'discovery-failed'; readonly error: DiscoveryError }
  | { readonly type: 'found'; readonly node: FoundNode }
  | { readonly type: 'lost'; readonly node: string }
  | { readonly type: 'paused' }
  | { readonly type: 'resumed' }
  | { readonly type: 'stopped' }

/** How a topology looks for nodes, and when. Times in milliseconds. */
export interface TopologySchedule {
  /** The strategy's name. */
  readonly strategy: string
  /** `pull`: it is asked each `interval`. `push`: it tells by itself. */
  readonly mode: 'pull' | 'push'
  /** `Infinity`: it is asked once, and then only when somebody wants it. */
  readonly interval: number
  /** Since the last refresh that succeeded; undefined before the first. */
  readonly refreshedAgo: number | undefined
  /** Until the next lookup; undefined while one runs, while it is paused, and where the strategy tells by itself. */
  readonly nextIn: number | undefined
}
