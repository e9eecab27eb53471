export { type Broadcast, makeBroadcast, readBroadcast } from './broadcast.ts'
export type { Delivery } from './delivery.ts'
export { type Dispatcher, PHOENIX_CHANNEL, PHOENIX_PUBSUB, type Recipient } from './dispatcher.ts'
export type {
  DropCause,
  DropDetail,
  Engine,
  EngineCapabilities,
  EngineContext,
  EngineFactory,
  Incoming,
  Outgoing,
  ReadyOptions,
  RetainedStamp,
} from './engine.ts'
export { type MeshOptions, mesh } from './engines/mesh.ts'
export { MessageError } from './message-error.ts'
export type { Presence } from './presence/presence.ts'
export type {
  CloseOptions as PresenceCloseOptions,
  PresenceNode,
  PresenceReadyOptions,
  TrackOptions,
  WatchOptions as PresenceWatchOptions,
} from './presence/presence-calls.ts'
export type { PresenceDiff } from './presence/presence-diff.ts'
export type { PresenceEvents, PresenceMismatch, PresenceRefusal } from './presence/presence-events.ts'
export type { PresenceHandle } from './presence/presence-handle.ts'
export type { PresenceOptions } from './presence/presence-options.ts'
export type { PresenceWatch } from './presence/presence-watch.ts'
export type { Meta, Present } from './presence/present.ts'
export type { RefusalCause } from './presence/tracker.ts'
export type { PubSub } from './pubsub.ts'
export type { Dropped, PubSubEvent, PubSubEvents } from './pubsub-events.ts'
export type { PubSubHost } from './pubsub-host.ts'
export type { Overflow, PubSubOptions, RetainOptions } from './pubsub-options.ts'
export type { PubSubStats } from './pubsub-stats.ts'
export type { Retained, RetainedValues } from './retained.ts'
export type { MessageStream } from './stream.ts'
export type {
  BroadcastOptions,
  CallbackOptions,
  ProcessOptions,
  StreamOptions,
  SubscribeOptions,
} from './subscribe-options.ts'
export type { OnMessage, Subscription } from './subscription.ts'
export type { Topic } from './topic.ts'
