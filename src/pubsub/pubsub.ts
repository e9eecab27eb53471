import { EventEmitter } from 'node:events'
import { inspect } from 'node:util'
import { TsunagiError } from '../base/errors.ts'
import { instance, integer, knownOnly, string } from '../base/options.ts'
import { checkSchema, type StandardSchemaV1 } from '../node/rpc/standard-schema.ts'
import { WAIT_OPTIONS, type WaitOptions } from '../node/waiting.ts'
import { Pid, type Term } from '../term/index.ts'
import { makeBroadcast } from './broadcast.ts'
import { refusingNone } from './decodings.ts'
import { PHOENIX_CHANNEL } from './dispatcher.ts'
import type {
  Engine,
  EngineCapabilities,
  EngineContext,
  Incoming,
  Outgoing,
  ReadyOptions,
  RetainedStamp,
} from './engine.ts'
import { LocalDelivery } from './local-delivery.ts'
import { checkTopic, exceptFor, OutgoingMessages, unsupported } from './outgoing.ts'
import type { Presence } from './presence/presence.ts'
import type { PresenceOptions } from './presence/presence-options.ts'
import { Presences } from './presence/presences.ts'
import type { PubSubEvent, PubSubEvents } from './pubsub-events.ts'
import type { PubSubHost } from './pubsub-host.ts'
import { differingOption, type ResolvedPubSubOptions } from './pubsub-options.ts'
import { PubSubReports } from './pubsub-reports.ts'
import type { PubSubStats } from './pubsub-stats.ts'
import { Replay } from './replay.ts'
import { SchemaGate } from './schema-gate.ts'
import type { MessageStream } from './stream.ts'
import type { BroadcastOptions, CallbackOptions, ProcessOptions, StreamOptions } from './subscribe-options.ts'
import type { Except } from './subscriber-group.ts'
import { Subscribers, type TopicCount } from './subscribers.ts'
import type { Subscription } from './subscription.ts'
import { SubscriptionFactory } from './subscription-factory.ts'
import { Topic } from './topic.ts'

/**
 * Topics that the subscribers of all nodes share. Made by `node.pubsub`.
 *
 * Messages arrive at most once, and in order as far as one node broadcast them. Subscribers of this node get the very object
 * that was broadcast here, uncopied: treat messages as immutable.
 *
 * ```ts
 * const pubsub = node.pubsub('MyApp.PubSub')
 * const subscription = pubsub.subscribe('sensors')
 * pubsub.broadcast('sensors', { temperature: 21.5 })
 * for await (const message of subscription) console.log(message)
 * ```
 */
export class PubSub extends EventEmitter<PubSubEvents> implements AsyncDisposable {
  /** Its name, without a leading `Elixir.`. */
  readonly name: string
  readonly #host: PubSubHost
  readonly #options: ResolvedPubSubOptions
  readonly #onClose: () => void
  readonly #reports: PubSubReports
  readonly #subscribers: Subscribers
  readonly #subscriptions: SubscriptionFactory
  readonly #local: LocalDelivery
  readonly #replay: Replay | undefined
  readonly #messages: OutgoingMessages
  readonly #engine: Engine
  readonly #presences: Presences
  #published = 0
  #received = 0
  #withdrawn = false
  #closed = false
  #closing: Promise<void> | undefined

  /** Use `node.pubsub`. @throws OptionError, TsunagiError `ERR_NAME_TAKEN` */
  constructor(name: string, options: ResolvedPubSubOptions, host: PubSubHost, onClose: () => void) {
    super()
    this.name = name
    this.#host = host
    this.#options = options
    this.#onClose = onClose
    const { clock, limits, logger } = host.serviceHost
    this.#reports = new PubSubReports({ name, self: host.name }, this, logger, clock)
    this.#subscribers = new Subscribers((kind, topic, on) => {
      if (!this.#closed) this.#engine.interest?.(kind, topic, on)
    }, options.terms)
    this.#subscriptions = new SubscriptionFactory(host, options, this.#subscribers, this.#reports)
    this.#local = new LocalDelivery(this.#subscribers, options.dispatchers, this.#reports, limits)
    this.#replay = options.retain === undefined ? undefined : new Replay(options.retain, refusingNone(options.terms))
    this.#messages = new OutgoingMessages(options, host.name, this.#replay?.values)
    this.#engine = options.engine.open(this.#context())
    this.#presences = new Presences({
      pubsub: this,
      node: host,
      terms: options.terms,
      hasSubscribers: (topic) => this.#subscribers.has(topic),
    })
  }

  /** What its engine can do. */
  get capabilities(): EngineCapabilities {
    return this.#options.engine.capabilities
  }

  /** Its engine's name: `mesh`, `nats`. */
  get engine(): string {
    return this.#options.engine.name
  }

  /** The topics and patterns that have subscriptions on this node, in no order. */
  topics(): IterableIterator<TopicCount> {
    return this.#subscribers.counts()
  }

  get closed(): boolean {
    return this.#closed
  }

  /** The name of the node it lives on. Phoenix.PubSub: `node_name/1`. */
  nodeName(): string {
    return this.#host.name
  }

  /** The other nodes that take part, as far as the engine can tell. */
  nodes(): string[] {
    return [...this.#engine.nodes()]
  }

  get stats(): PubSubStats {
    return {
      subscriptions: this.#subscribers.size,
      topics: this.#subscribers.topics,
      published: this.#published,
      received: this.#received,
      delivered: this.#local.delivered,
      dropped: this.#reports.dropped,
      retained: { topics: this.#replay?.values.topics ?? 0, bytes: this.#replay?.values.bytes ?? 0 },
    }
  }

  /** @internal The first option that is another one than it has. */
  differingOption(options: ResolvedPubSubOptions): string | undefined {
    return differingOption(this.#options, options)
  }

  /**
   * Resolves when `nodes` other nodes take part (default 1), or, with an engine that has one, when its connection is there:
   * what is broadcast from then on reaches them.
   *
   * @throws TsunagiError `ERR_TIMEOUT` after `timeout` ms (default 5000), `ERR_CLOSED`; the signal's reason
   */
  async ready(options: ReadyOptions = {}): Promise<void> {
    knownOnly(options, ['nodes', ...WAIT_OPTIONS])
    if (options.nodes !== undefined) integer(0, Number.MAX_SAFE_INTEGER)(options.nodes, 'nodes')
    options.signal?.throwIfAborted()
    this.#assertOpen()
    await this.#engine.ready(options)
  }

  /**
   * Subscribes to a topic, in effect when this returns: to be read with `for await`, or with `onMessage` called for each
   * message, or with `to` sent to a process of this node.
   *
   * @throws OptionError; TsunagiError `ERR_CLOSED`; `ERR_UNSUPPORTED` on a pub/sub that only publishes; `ERR_NOPROC` when
   *   the process has ended
   */
  subscribe<T = Term>(topic: string, options: CallbackOptions<T>): Subscription
  subscribe(topic: string, options: ProcessOptions): Subscription
  subscribe<T = Term>(topic: string, options?: StreamOptions): MessageStream<T>
  subscribe<T = Term>(topic: string, options: StreamOptions | CallbackOptions<T> | ProcessOptions = {}): Subscription {
    return this.#subscribe(topic, options as StreamOptions | CallbackOptions | ProcessOptions, undefined)
  }

  /**
   * Closes subscriptions to a topic: with `to` those of that process, otherwise all that are of no process. Those of
   * patterns stay. Answers how many there were.
   *
   * @throws OptionError
   */
  unsubscribe(topic: string, options: { readonly to?: Pid } = {}): number {
    checkTopic(topic)
    instance(options, 'options', 'an object of options', (it) => !Array.isArray(it))
    knownOnly(options, ['to'])
    const { to } = options
    if (to !== undefined) instance(to, 'to', 'a pid', (it) => it instanceof Pid)
    const those = [...this.#subscribers.of(topic)].filter((subscription) =>
      to === undefined ? subscription.to === undefined : subscription.to?.equals(to) === true,
    )
    for (const subscription of those) subscription.close()
    return those.length
  }

  /**
   * A topic with a type. With a schema (any that follows Standard Schema) its subscribers only get what it accepts.
   *
   * @example
   * const sensors = pubsub.topic<{ celsius: number }>('sensors')
   * sensors.broadcast({ celsius: 21.5 })
   */
  topic<T = Term>(name: string, schema?: StandardSchemaV1<unknown, T>): Topic<T> {
    checkTopic(name)
    if (schema !== undefined) checkSchema(schema, 'schema')
    return new Topic<T>(name, {
      pubsub: this,
      subscribe: (options) => this.#subscribe(name, options, schema === undefined ? undefined : new SchemaGate(schema)),
    })
  }

  /**
   * Broadcasts a message to the subscribers of a topic on all nodes. True, or false when a link is over its high-water mark,
   * as `node.send`: then wait for {@link PubSub.drained}. A node whose link is full does not get it, which is counted.
   *
   * @throws EncodeError with the path to what has no Erlang form; nobody got anything then. OptionError for what is no topic;
   *   TsunagiError `ERR_CLOSED`, `ERR_UNSUPPORTED`
   */
  broadcast(topic: string, message: Term, options?: BroadcastOptions): boolean {
    return this.#broadcast(this.#outgoing(topic, message, options), undefined)
  }

  /** As {@link PubSub.broadcast}, but not to a subscription, or to the subscriptions of a process, of this node. */
  broadcastFrom(from: Subscription | Pid, topic: string, message: Term, options?: BroadcastOptions): boolean {
    return this.#broadcast(this.#outgoing(topic, message, options), exceptFor(from))
  }

  /** Broadcasts to the subscribers of this node only. Nothing is encoded. */
  localBroadcast(topic: string, message: Term, options?: BroadcastOptions): void {
    this.#here(this.#outgoing(topic, message, options, true), undefined)
  }

  /** As {@link PubSub.localBroadcast}, but not to a subscription, or to the subscriptions of a process. */
  localBroadcastFrom(from: Subscription | Pid, topic: string, message: Term, options?: BroadcastOptions): void {
    this.#here(this.#outgoing(topic, message, options, true), exceptFor(from))
  }

  /**
   * Broadcasts to the subscribers of one node. To one that does not take part nothing is sent, without an error, as with
   * Phoenix.PubSub.
   */
  directBroadcast(node: string, topic: string, message: Term, options?: BroadcastOptions): boolean {
    const outgoing = this.#outgoing(topic, message, options, true)
    if (!this.capabilities.directBroadcast) throw unsupported('broadcasts to one node', this.#options.engine.name)
    if (string(node, 'node') !== this.#host.name) {
      const room = this.#engine.direct(node, outgoing)
      this.#published++
      return room
    }
    this.#here(outgoing, undefined)
    return true
  }

  /**
   * Broadcasts an event to a topic of Phoenix channels, as `Endpoint.broadcast` does: sockets that joined it get it, and
   * whoever else subscribed gets a `Phoenix.Socket.Broadcast`, see `readBroadcast`. BEAM nodes without Phoenix get nothing.
   *
   * @param payload an object, as for `JSON.stringify`.
   * @throws EncodeError with the path to what JSON does not have; TsunagiError `ERR_CLOSED`, `ERR_UNSUPPORTED`; OptionError
   * @example
   * pubsub.channelBroadcast('room:lobby', 'new_msg', { body: 'hello' })
   */
  channelBroadcast(topic: string, event: string, payload: object, from?: Subscription | Pid): boolean {
    const message = makeBroadcast({ topic: checkTopic(topic), event: string(event, 'event'), payload })
    const outgoing = this.#outgoing(topic, message, { dispatcher: PHOENIX_CHANNEL })
    // The keys of the struct are atoms, whatever those of other messages are.
    return this.#broadcast({ ...outgoing, stringKeys: false }, from === undefined ? undefined : exceptFor(from))
  }

  /**
   * Resolves when what was broadcast has left this node so far that there is room again: wait for it when `broadcast`
   * answered false. By itself it has no time limit.
   *
   * @throws TsunagiError `ERR_TIMEOUT` after `timeout` ms (default: none), `ERR_CLOSED`; the signal's reason
   */
  async drained(options: WaitOptions = {}): Promise<void> {
    knownOnly(options, WAIT_OPTIONS)
    options.signal?.throwIfAborted()
    this.#assertOpen()
    await this.#engine.drained({ timeout: Number.POSITIVE_INFINITY, ...options })
  }

  /**
   * How many subscriptions a topic has, by node: this one, and others of this package that take part. Those that do not
   * answer in time are missing. Subscriptions by patterns do not count, and BEAM nodes cannot be asked.
   *
   * @throws TsunagiError `ERR_UNSUPPORTED`, `ERR_CLOSED`; the signal's reason
   */
  async count(topic: string, options: WaitOptions = {}): Promise<Map<string, number>> {
    checkTopic(topic)
    knownOnly(options, WAIT_OPTIONS)
    options.signal?.throwIfAborted()
    this.#assertOpen()
    if (this.#engine.count === undefined) throw unsupported('counts of subscribers', this.#options.engine.name)
    const others = await this.#engine.count(topic, options)
    return new Map([[this.#host.name, this.#subscribers.count(topic)], ...others])
  }

  /**
   * Who is on which topic, with metadata, as a `Phoenix.Presence` or `Phoenix.Tracker` of that name on BEAM nodes has it.
   * Asking again gives the same; with other options it throws.
   *
   * @throws OptionError, TsunagiError `ERR_CLOSED`, `ERR_UNSUPPORTED`
   */
  presence(options: PresenceOptions): Presence {
    return this.#presences.get(options)
  }

  /** What happens from now on, as an async iterator that holds up to 1,000 events for a slow reader. */
  events(options: { readonly signal?: AbortSignal } = {}): AsyncIterableIterator<PubSubEvent> & AsyncDisposable {
    knownOnly(options, ['signal'])
    this.#assertOpen()
    return this.#reports.events(options.signal)
  }

  /**
   * Other nodes send nothing here any more, while what is broadcast here still goes out. Called when the node leaves;
   * `close` follows. Idempotent.
   */
  withdraw(): void {
    if (this.#withdrawn || this.#closed) return
    this.#withdrawn = true
    this.#reports.leaving()
    this.#engine.withdraw?.()
  }

  /** Ends all subscriptions, and takes part no longer. Idempotent. */
  close(): Promise<void> {
    if (this.#closing === undefined) {
      let settle = (_outcome: Promise<void>): void => {}
      // There before anybody hears of it, who might close it, too.
      this.#closing = new Promise((resolve) => {
        settle = resolve
      })
      settle(this.#close())
    }
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#reports.leaving()
    this.#presences.close()
    this.#closed = true
    this.#onClose()
    this.#local.close()
    for (const subscription of this.#subscribers.all()) subscription.close()
    this.#subscriptions.close()
    await this.#engine.close()
    this.#reports.closed()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  [inspect.custom](): string {
    const state = this.#closed ? 'closed' : `${this.#subscribers.size} subscriptions`
    return `PubSub<${this.name}, ${this.#options.engine.name}, ${state}>`
  }

  #context(): EngineContext {
    const { clock, logger } = this.#host.serviceHost
    return {
      name: this.name,
      host: this.#host,
      options: this.#options,
      clock,
      logger,
      terms: refusingNone(this.#options.terms),
      retained: this.#replay?.values,
      deliver: (incoming) => this.#deliver(incoming),
      restored: (topic, stamp, message) => this.#restored(topic, stamp, message),
      dropped: (cause, count, detail) => this.#reports.lost(cause, count, detail),
      connected: (up, error) => (up ? this.#reports.engineUp() : this.#reports.engineDown(error)),
      nodeUp: (name) => this.#reports.nodeUp(name),
      nodeDown: (name) => this.#reports.nodeDown(name),
      hasSubscribers: (topic) => this.#subscribers.has(topic),
      localCount: (topic) => this.#subscribers.count(topic),
    }
  }

  #subscribe(
    topic: string,
    options: StreamOptions | CallbackOptions | ProcessOptions,
    gate: SchemaGate | undefined,
  ): Subscription {
    this.#assertOpen()
    checkTopic(topic)
    const subscription = this.#subscriptions.open(topic, options, gate)
    if (subscription.replay) this.#replay?.begin(subscription)
    return subscription
  }

  #broadcast(outgoing: Outgoing, except: Except | undefined): boolean {
    const room = this.#engine.broadcast(outgoing)
    this.#published++
    if (outgoing.retained !== undefined) this.#replay?.keep(outgoing, outgoing.retained)
    this.#here(outgoing, except)
    return room
  }

  #here({ topic, message, dispatcher }: Outgoing, except: Except | undefined): void {
    this.#local.own({ topic, message, node: this.#host.name, replayed: false }, dispatcher, except)
  }

  #outgoing(topic: string, message: Term, options: BroadcastOptions | undefined, one = false): Outgoing {
    this.#assertOpen()
    return this.#messages.make(topic, message, options, one)
  }

  #deliver(incoming: Incoming): void {
    if (this.#closed) return
    this.#received++
    const { topic, message, node, retained, as } = incoming
    if (retained !== undefined) this.#replay?.learn(topic, retained, as)
    this.#local.incoming({ topic, message, node, replayed: false }, incoming)
  }

  #restored(topic: string, stamp: RetainedStamp, message: Term): boolean {
    const dispatch = this.#closed ? undefined : this.#replay?.restore(topic, stamp, message)
    if (dispatch === undefined) return false
    if (dispatch.delivery.message !== undefined) this.#local.dispatch(dispatch)
    return true
  }

  #assertOpen(): void {
    if (this.#closed) throw new TsunagiError('ERR_CLOSED', `the pub/sub ${this.name} is closed`)
  }
}
