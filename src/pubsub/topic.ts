import { inspect } from 'node:util'
import type { WaitOptions } from '../node/waiting.ts'
import type { Pid, Term } from '../term/index.ts'
import type { PubSub } from './pubsub.ts'
import type { MessageStream } from './stream.ts'
import type { BroadcastOptions, CallbackOptions, ProcessOptions, StreamOptions } from './subscribe-options.ts'
import type { Subscription } from './subscription.ts'

/** How a {@link Topic} subscribes: as its pub/sub, with its schema. */
export interface TopicBacking {
  readonly pubsub: PubSub
  subscribe(options: StreamOptions | CallbackOptions | ProcessOptions): Subscription
}

/** Options of a typed topic's subscriptions: it is one topic and no pattern. */
type Plain<Options> = Omit<Options, 'pattern'>

/**
 * A topic whose messages have a type. With a schema only messages that it accepts reach subscribers, wherever they came
 * from, as the schema made them; the others are lost, with the event `dropped` and cause `invalid`. Made by `pubsub.topic`.
 */
export class Topic<T = Term> {
  readonly name: string
  readonly #backing: TopicBacking

  /** Use `pubsub.topic`. */
  constructor(name: string, backing: TopicBacking) {
    this.name = name
    this.#backing = backing
  }

  /** As {@link PubSub.subscribe}. */
  subscribe(options: Plain<CallbackOptions<T>> | Plain<ProcessOptions>): Subscription
  subscribe(options?: Plain<StreamOptions>): MessageStream<T>
  subscribe(options: Plain<StreamOptions> | Plain<CallbackOptions<T>> | Plain<ProcessOptions> = {}): Subscription {
    return this.#backing.subscribe(options as StreamOptions)
  }

  /** As {@link PubSub.broadcast}. */
  broadcast(message: T, options?: BroadcastOptions): boolean {
    return this.#backing.pubsub.broadcast(this.name, message as Term, options)
  }

  /** As {@link PubSub.broadcastFrom}. */
  broadcastFrom(from: Subscription | Pid, message: T, options?: BroadcastOptions): boolean {
    return this.#backing.pubsub.broadcastFrom(from, this.name, message as Term, options)
  }

  /** As {@link PubSub.localBroadcast}. */
  localBroadcast(message: T, options?: BroadcastOptions): void {
    this.#backing.pubsub.localBroadcast(this.name, message as Term, options)
  }

  /** As {@link PubSub.directBroadcast}. */
  directBroadcast(node: string, message: T, options?: BroadcastOptions): boolean {
    return this.#backing.pubsub.directBroadcast(node, this.name, message as Term, options)
  }

  /** As {@link PubSub.count}. */
  count(options?: WaitOptions): Promise<Map<string, number>> {
    return this.#backing.pubsub.count(this.name, options)
  }

  [inspect.custom](): string {
    return `Topic<${this.name}>`
  }
}
