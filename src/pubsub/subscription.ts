import { inspect } from 'node:util'
import type { DecodeOptions, Pid, Term } from '../term/index.ts'
import type { Delivery } from './delivery.ts'
import type { DropDetail } from './engine.ts'
import { onRejection } from './rejection.ts'
import type { SchemaGate } from './schema-gate.ts'

/** How a subscription can lose a message. */
export type SubscriptionLoss = 'slow-subscriber' | 'no-process' | 'undecodable' | 'invalid'

/** What a subscription tells the pub/sub it belongs to. */
export interface SubscriptionOwner {
  /** It has ended. */
  ended(subscription: Subscription): void
  /** Its `onMessage` threw, or rejected. */
  failed(subscription: Subscription, error: unknown): void
  /** It lost a message. */
  lost(subscription: Subscription, cause: SubscriptionLoss, detail?: DropDetail): void
}

/** What all subscriptions have. */
export interface SubscriptionSettings {
  readonly topic: string
  readonly pattern: boolean
  readonly metadata: unknown
  /** Other options to decode by than the pub/sub's. */
  readonly terms: DecodeOptions | undefined
  /** Wants retained values. */
  readonly replay: boolean
  /** Lets only messages through that a schema accepts. */
  readonly gate: SchemaGate | undefined
  readonly owner: SubscriptionOwner
}

/**
 * Interest in a topic, or in all topics of a pattern. In effect from when `subscribe` returns until it is closed; made by
 * `pubsub.subscribe`.
 */
export abstract class Subscription implements AsyncDisposable {
  /** The topic, or the pattern. */
  readonly topic: string
  /** Whether `topic` is a pattern. */
  readonly pattern: boolean
  /** For dispatchers. */
  readonly metadata: unknown
  /** The process that gets the messages, if it is one. */
  readonly to: Pid | undefined
  /** @internal Other options to decode by than the pub/sub's. */
  readonly terms: DecodeOptions | undefined
  /** @internal Wants retained values. */
  readonly replay: boolean
  /** @internal Its place among the subscriptions of its topic. */
  place = -1
  readonly #gate: SchemaGate | undefined
  protected readonly owner: SubscriptionOwner
  #closed = false
  #dropped = 0

  protected constructor(settings: SubscriptionSettings, to?: Pid) {
    this.topic = settings.topic
    this.pattern = settings.pattern
    this.metadata = settings.metadata
    this.terms = settings.terms
    this.replay = settings.replay
    this.#gate = settings.gate
    this.owner = settings.owner
    this.to = to
  }

  get closed(): boolean {
    return this.#closed
  }

  /** Messages this subscription lost: its reader was too slow, its process gone, or they are not what it takes. */
  get dropped(): number {
    return this.#dropped
  }

  /** @internal A message arrives. Never throws. `bytes`: its size on the wire; 0 for one of this node. */
  take(delivery: Delivery, bytes: number): void {
    if (this.#gate === undefined) this.receive(delivery, bytes)
    else this.#gate.take(this, delivery, bytes)
  }

  /** @internal A message has come through. Never throws. */
  abstract receive(delivery: Delivery, bytes: number): void

  /** @internal A message is lost. */
  drop(cause: SubscriptionLoss, detail?: DropDetail): void {
    this.#dropped++
    this.owner.lost(this, cause, detail)
  }

  /** Gets nothing more, from now on. An iterator still yields what waits in its buffer. Idempotent. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.owner.ended(this)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
  }

  [inspect.custom](): string {
    const state = this.#closed ? 'closed' : this.describeState()
    return `${this.constructor.name}<${this.topic}, ${state}>`
  }

  /** What `inspect` shows of one that is not closed. */
  protected describeState(): string {
    return `${this.#dropped} dropped`
  }
}

/** Hears of each message the moment it arrives. What it returns is ignored; what it throws costs this message only. */
export type OnMessage<T = Term> = (message: T, delivery: Delivery) => unknown

/** A subscription that calls a function. */
export class CallbackSubscription extends Subscription {
  readonly #onMessage: OnMessage

  constructor(settings: SubscriptionSettings, onMessage: OnMessage) {
    super(settings)
    this.#onMessage = onMessage
  }

  override receive(delivery: Delivery): void {
    try {
      const result = this.#onMessage(delivery.message, delivery)
      if (result !== undefined) onRejection(result, (error) => this.owner.failed(this, error))
    } catch (error) {
      this.owner.failed(this, error)
    }
  }
}

/** A subscription whose messages go to the mailbox of a process of this node, as they are. Ends with the process. */
export class ProcessSubscription extends Subscription {
  readonly #send: (to: Pid, message: Term, bytes: number) => boolean

  constructor(settings: SubscriptionSettings, to: Pid, send: (to: Pid, message: Term, bytes: number) => boolean) {
    super(settings, to)
    this.#send = send
  }

  override receive(delivery: Delivery, bytes: number): void {
    if (!this.#send(this.to as Pid, delivery.message, bytes)) this.drop('no-process')
  }
}
