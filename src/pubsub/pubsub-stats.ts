import type { DropCause } from './engine.ts'

/** How a pub/sub counts, since it was made, and stands. */
export interface PubSubStats {
  /** Subscriptions there are now. */
  readonly subscriptions: number
  /** Topics that have any, without those of patterns. */
  readonly topics: number
  /** Messages broadcast on this node to others, those to one node included. */
  readonly published: number
  /** Messages that came from other nodes. */
  readonly received: number
  /** Messages handed to subscriptions of this node, counted for each. */
  readonly delivered: number
  /** Messages that were lost, by cause. */
  readonly dropped: Readonly<Partial<Record<DropCause, number>>>
  /** Retained values kept here. */
  readonly retained: { readonly topics: number; readonly bytes: number }
}
