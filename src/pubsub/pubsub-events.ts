import type { DropCause, DropDetail } from './engine.ts'
import type { Subscription } from './subscription.ts'

/** Messages that were lost, of one cause. */
export interface Dropped extends DropDetail {
  readonly cause: DropCause
  readonly count: number
}

/** Events of a pub/sub with their arguments. */
export interface PubSubEvents {
  /** Messages were lost. */
  dropped: [dropped: Dropped]
  /** What a subscriber did with a message threw, or rejected. The others got it all the same. */
  'subscriber-error': [error: unknown, subscription: Subscription]
  /** The engine's connection is there. */
  'engine-up': []
  /** The engine's connection is gone, or there is another reason why it does not come back yet; it goes on trying by itself. */
  'engine-down': [error: Error | undefined]
  /** Another node takes part. */
  nodeup: [node: string]
  /** Another node takes part no longer, or cannot be reached. */
  nodedown: [node: string]
  /** It is about to leave: what is broadcast now still goes out. Once. */
  leaving: []
  /** It was closed, by itself or with its node. */
  closed: []
}

/** One event of `pubsub.events()`. */
export type PubSubEvent =
  | ({ readonly type: 'dropped' } & Dropped)
  | { readonly type: 'subscriber-error'; readonly error: unknown; readonly subscription: Subscription }
  | { readonly type: 'engine-up' }
  | { readonly type: 'engine-down'; readonly error: Error | undefined }
  | { readonly type: 'nodeup'; readonly node: string }
  | { readonly type: 'nodedown'; readonly node: string }
  | { readonly type: 'leaving' }
  | { readonly type: 'closed' }
