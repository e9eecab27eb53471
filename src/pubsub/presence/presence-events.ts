import type { PresenceDiff } from './presence-diff.ts'
import type { Present } from './present.ts'
import type { RefusalCause } from './tracker.ts'

/** What does not fit between this node and another one. */
export interface PresenceMismatch {
  readonly node: string
  /** A topic that it keeps in another shard than this node does: its `poolSize` is another one. */
  readonly topic: string
}

/** A message of another node's tracker that was refused as a whole. */
export interface PresenceRefusal {
  readonly node: string
  readonly cause: RefusalCause
}

/** Events of a presence with their arguments. */
export interface PresenceEvents {
  /** Somebody is on a topic from now on. */
  join: [present: Present]
  /** Somebody is no longer on a topic, or was updated: then a `join` follows, whose meta has the old `phx_ref` as `phx_ref_prev`. */
  leave: [present: Present]
  /** All that changed on a topic at once, after its `leave` and `join` events. */
  diff: [diff: PresenceDiff]
  /** The tracker of another node is heard of, for the first time or again. */
  nodeup: [node: string]
  /** The tracker of another node was not heard of for `downPeriod`; what it tracks is hidden. */
  nodedown: [node: string]
  /** What the tracker of another node tracked is forgotten: it said so, was restarted, or was not heard of for `permdownPeriod`. */
  nodegone: [node: string]
  /** All that another node tracked when it was first heard of is here. */
  synced: [node: string]
  /** Another node's configuration does not go with this one's. Told once of each node. */
  mismatch: [mismatch: PresenceMismatch]
  /** A message of another node was refused. */
  refused: [refusal: PresenceRefusal]
  /**
   * The pub/sub would not take what was to be told to all, or to one node: it is more than the engine carries in a message, say.
   * It is tried again when it is asked for again.
   */
  'send-failed': [error: unknown, node: string | undefined]
  /** It was closed, by itself or with its pub/sub. */
  closed: []
}
