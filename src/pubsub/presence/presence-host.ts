import type { DecodeOptions, EncodeOptions } from '../../term/index.ts'
import type { PubSub } from '../pubsub.ts'
import type { PubSubHost } from '../pubsub-host.ts'

/** What a presence has of the pub/sub and of the node it lives on. */
export interface PresenceHost {
  readonly pubsub: Pick<
    PubSub,
    | 'name'
    | 'capabilities'
    | 'nodes'
    | 'subscribe'
    | 'broadcastFrom'
    | 'directBroadcast'
    | 'localBroadcast'
    | 'on'
    | 'closed'
  >
  readonly node: Pick<PubSubHost, 'name' | 'serviceHost'>
  /** How the pub/sub translates terms. */
  readonly terms: DecodeOptions & EncodeOptions
  /** Whether anybody on this node would get a message of this topic. */
  hasSubscribers(topic: string): boolean
}
