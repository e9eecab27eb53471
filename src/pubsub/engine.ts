import type { Clock } from '../base/clock.ts'
import type { TsunagiError } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import type { WaitOptions } from '../node/waiting.ts'
import type { Atom, DecodeOptions, Term } from '../term/index.ts'
import type { PubSubHost } from './pubsub-host.ts'
import type { ResolvedPubSubOptions } from './pubsub-options.ts'
import type { RetainedValues } from './retained.ts'

/** Why messages were lost or refused. */
export type DropCause =
  /** More bytes than `limits.linkMax` wait for a node, or the engine's connection takes no more. */
  | 'link-full'
  /** A node's share of atoms is used up: `limits.peerAtoms`, `limits.keyAtoms`. */
  | 'atom-limit'
  /** A subscription's buffer was full. */
  | 'slow-subscriber'
  /** The process that subscribed has a full mailbox, or has ended. */
  | 'no-process'
  /** What came is no message of this protocol, or its topic is no text; or a subscription's `maps: 'object'` does not take it. */
  | 'undecodable'
  /** A message names a dispatcher that nobody has: this node, or the one it was for. */
  | 'unknown-dispatcher'
  /** The schema of a typed topic refused it. */
  | 'invalid'
  /** The engine has no connection, or lost messages on it. */
  | 'disconnected'
  /** The engine's server does not allow it. */
  | 'refused'
  /** The engine refuses a message of this size. */
  | 'too-large'

/** What belongs to a loss; for events and logs. */
export interface DropDetail {
  readonly topic?: string
  /** The node it came from or was for. */
  readonly node?: string
  readonly error?: unknown
}

/** What an engine can do. Asking for what it cannot throws `ERR_UNSUPPORTED`: at creation, or at the call. */
export interface EngineCapabilities {
  /** Messages can name a dispatcher that the receiving side dispatches them with. */
  readonly dispatchers: boolean
  /** A message can go to one node only. */
  readonly directBroadcast: boolean
  /** It can ask other nodes how many subscribers they have. */
  readonly counts: boolean
  /** It keeps retained values in step between nodes, so that late subscribers can get the last one. */
  readonly retained: boolean
  /** Presence can run over it: it has direct broadcasts, and tells of nodes. */
  readonly presence: boolean
}

/** A message on its way out. */
export interface Outgoing {
  readonly topic: string
  readonly message: Term
  /** Undefined: the default one. */
  readonly dispatcher: Atom | undefined
  /** Whether the keys of plain objects become binaries. */
  readonly stringKeys: boolean
  /** To be kept by all who keep retained values; undefined for ordinary messages. */
  readonly retained: RetainedStamp | undefined
}

/** Which of two retained values of a topic is the later one: by `time`, then by `node`. */
export interface RetainedStamp {
  /** Milliseconds since 1970 of the publisher's clock; never less than, or the same as, a stamp it has seen of that topic. */
  readonly time: number
  /** The publisher. */
  readonly node: string
}

/** A message that came from another node. */
export interface Incoming {
  readonly topic: string
  /** Decoded as {@link EngineContext.terms} say. */
  readonly message: Term
  /** The node that sent it, as the connection says and not as the message claims; undefined when it cannot be known. */
  readonly node: string | undefined
  /** Undefined: the default one. */
  readonly dispatcher: Atom | undefined
  readonly retained?: RetainedStamp | undefined
  /** Its size on the wire, which counts against the mailboxes of subscribed processes. */
  readonly bytes: number
  /**
   * Decodes the message anew, for a subscription with options of its own; throws `DecodeError` for what has no form with them.
   * Called, if at all, before `deliver` returns.
   */
  readonly as: (terms: DecodeOptions) => Term
}

/** What an engine has of the pub/sub that it carries messages for. None of the methods throws. */
export interface EngineContext {
  /** The name of the pub/sub, without a leading `Elixir.`: `MyApp.PubSub`. */
  readonly name: string
  /** The node it lives on. */
  readonly host: PubSubHost
  readonly options: ResolvedPubSubOptions
  readonly clock: Clock
  readonly logger: Logger
  /** How messages are to be decoded. None is refused by these, so that one decodes unless it is no term at all. */
  readonly terms: DecodeOptions
  /** Hands a message to the subscribers on this node. */
  deliver(incoming: Incoming): void
  /** Tells that messages were lost: counted, an event, and logged once and then at backoff. */
  dropped(cause: DropCause, count: number, detail?: DropDetail): void
  /** The engine's connection is there, or gone; for engines that have one. Begins as gone where `up` is called at all. */
  connected(up: boolean, error?: TsunagiError): void
  /** A node takes part from now on, or no longer. */
  nodeUp(name: string): void
  nodeDown(name: string): void
  /** Whether anybody here would get a message of this topic. */
  hasSubscribers(topic: string): boolean
  /** How many subscriptions a topic has on this node; patterns do not count. */
  localCount(topic: string): number
  /** The retained values of this node; undefined when it keeps none. */
  readonly retained: RetainedValues | undefined
  /**
   * A retained value that another node has kept, decoded without a loss (`binaries: 'auto'`, `maps: 'map'`,
   * `floats: 'exact'`). False when it is no news here.
   */
  restored(topic: string, stamp: RetainedStamp, message: Term): boolean
}

/** Options of `pubsub.ready`. */
export interface ReadyOptions extends WaitOptions {
  /** How many other nodes have to take part. Default 1 for the mesh, 0 for an engine with a connection. */
  readonly nodes?: number
}

/**
 * Carries the messages of one pub/sub to other nodes and back. Subscribers of this node are none of its business: the
 * pub/sub serves them itself, also for its own broadcasts.
 */
export interface Engine {
  /** Resolves when `nodes` others take part (mesh), or when the connection is there. Rejects with `ERR_TIMEOUT`, `ERR_CLOSED`. */
  ready(options: ReadyOptions): Promise<void>
  /**
   * The first subscription to a topic or pattern on this node is there, or the last one is gone. An engine whose broker
   * filters tells the broker; the mesh has nothing to do. Patterns are as `subscribe` takes them: `sensor:*`.
   */
  interest?(kind: 'topic' | 'pattern', topic: string, on: boolean): void
  /**
   * To all other nodes. False when something is over its high-water mark, as `node.send`. What cannot be delivered to some
   * node is told by `context.dropped`.
   *
   * @throws EncodeError with the path to the value; nothing was sent to anyone then
   */
  broadcast(outgoing: Outgoing): boolean
  /** To one other node. @throws EncodeError */
  direct(node: string, outgoing: Outgoing): boolean
  /**
   * Resolves when everything is below its high-water mark: what to wait for when `broadcast` answered false. Rejects with
   * `ERR_TIMEOUT`, `ERR_CLOSED`.
   */
  drained(options: WaitOptions): Promise<void>
  /** Names of the other nodes that take part. */
  nodes(): readonly string[]
  /** Subscriptions of a topic on other nodes that can say so; those that do not answer in time are missing. */
  count?(topic: string, options: WaitOptions): Promise<ReadonlyMap<string, number>>
  /** The node leaves: others send nothing here any more, but what is broadcast here still goes out. */
  withdraw?(): void
  /** Leaves nothing behind. Idempotent. */
  close(): Promise<void> | void
}

/** Makes the engine of a pub/sub: what `mesh()` and `nats()` return. */
export interface EngineFactory {
  /** For logs and `inspect`: `mesh`. */
  readonly name: string
  readonly capabilities: EngineCapabilities
  /** @throws OptionError, TsunagiError `ERR_NAME_TAKEN` */
  open(context: EngineContext): Engine
  /** Whether another factory would make the same engine. Default: whether it is this very object. */
  same?(other: EngineFactory): boolean
}
