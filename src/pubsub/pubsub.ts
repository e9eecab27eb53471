import { EventEmitter } from 'node:events'
import { inspect } from 'node:util'
import { OptionError, TsunagiError } from '../base/errors.ts'
import { boolean, fn, instance, integer, knownOnly } from '../base/options.ts'
import { WAIT_OPTIONS, type WaitOptions } from '../node/waiting.ts'
import { type Atom, atom, type DecodeOptions, isAtom, Pid, type Term } from '../term/index.ts'
import { isDefault } from './dispatcher.ts'
import type { Engine, EngineCapabilities, EngineContext, Incoming, Outgoing, ReadyOptions } from './engine.ts'
import type { Presence } from './presence/presence.ts'
import type { PresenceOptions } from './presence/presence-options.ts'
import { Presences } from './presence/presences.ts'
import type { PubSubEvent, PubSubEvents } from './pubsub-events.ts'
import type { PubSubHost } from './pubsub-host.ts'
import {
  checkCapacity,
  checkOverflow,
  DECODE_OPTIONS,
  decodeOptions,
  type Overflow,
  type ResolvedPubSubOptions,
} from './pubsub-options.ts'
import { PubSubReports } from './pubsub-reports.ts'
import { MessageStream } from './stream.ts'
import { SubscribedProcesses } from './subscribed-processes.ts'
import type { Except } from './subscriber-group.ts'
import { Subscribers } from './subscribers.ts'
import {
  CallbackSubscription,
  type OnMessage,
  ProcessSubscription,
  Subscription,
  type SubscriptionOwner,
  type SubscriptionSettings,
} from './subscription.ts'

/** Options of every `pubsub.subscribe`. */
export interface SubscribeOptions extends DecodeOptions {
  /**
   * The topic is a pattern: `*` in it stands for any characters, none included, and `\` takes the one after it as it is.
   * Default false, since a topic may well contain a star.
   */
  readonly pattern?: boolean
  /** For dispatchers of one's own: they see it beside each subscription. */
  readonly metadata?: unknown
  /** Closes the subscription. */
  readonly signal?: AbortSignal | undefined
}

/** Options of a subscription that is read with `for await`. */
export interface StreamOptions extends SubscribeOptions {
  /** Messages held for a slow reader. Default: the pub/sub's. */
  readonly capacity?: number
  /** What happens above that. Default: the pub/sub's. */
  readonly overflow?: Overflow
}

/** Options of a subscription that calls a function. */
export interface CallbackOptions<T = Term> extends SubscribeOptions {
  /** Called with each message, in the turn in which it arrives or is broadcast. */
  readonly onMessage: OnMessage<T>
}

/** Options of a subscription of a process. */
export interface ProcessOptions extends SubscribeOptions {
  /** A process of this node, which gets the messages in its mailbox, as they are. */
  readonly to: Pid
}

/** Options of a broadcast. */
export interface BroadcastOptions {
  /** The module that dispatches the message on each node, such as `Elixir.Phoenix.Channel.Server`. */
  readonly dispatcher?: Atom | string
}

const SUBSCRIBE_OPTIONS = [
  'pattern',
  'metadata',
  'signal',
  'capacity',
  'overflow',
  'onMessage',
  'to',
  ...DECODE_OPTIONS,
] as const

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
  readonly #processes: SubscribedProcesses
  readonly #engine: Engine
  readonly #owner: SubscriptionOwner
  readonly #presences: Presences
  #closed = false
  #closing: Promise<void> | undefined

  /** Use `node.pubsub`. @throws OptionError, TsunagiError `ERR_NAME_TAKEN` */
  constructor(name: string, options: ResolvedPubSubOptions, host: PubSubHost, onClose: () => void) {
    super()
    this.name = name
    this.#host = host
    this.#options = options
    this.#onClose = onClose
    const { clock, logger } = host.serviceHost
    this.#reports = new PubSubReports(name, this, logger, clock)
    this.#subscribers = new Subscribers((kind, topic, on) => {
      if (!this.#closed) this.#engine.interest?.(kind, topic, on)
    })
    this.#processes = new SubscribedProcesses(host)
    this.#owner = {
      ended: (subscription) => this.#ended(subscription),
      failed: (subscription, error) => this.#reports.subscriberFailed(subscription, error),
      lost: ({ topic }, cause) => this.#reports.lost(cause, 1, { topic }),
    }
    this.#engine = options.engine.open(this.#context())
    this.#presences = new Presences({
      pubsub: this,
      node: host,
      terms: { ...options.terms, keys: options.stringKeys ? 'strings' : 'atoms' },
      hasSubscribers: (topic) => this.#subscribers.has(topic),
    })
  }

  /** What its engine can do. */
  get capabilities(): EngineCapabilities {
    return this.#options.engine.capabilities
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

  /** Whether these options are the ones it has. */
  hasOptions(
    options: ResolvedPubSubOptions,
    same: (a: ResolvedPubSubOptions, b: ResolvedPubSubOptions) => boolean,
  ): boolean {
    return same(this.#options, options)
  }

  /**
   * Resolves when `nodes` other nodes take part (default 1), or, with an engine that has one, when its connection is there.
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
    this.#assertOpen()
    checkTopic(topic)
    knownOnly(options, SUBSCRIBE_OPTIONS)
    if (this.#options.publishOnly) {
      throw new TsunagiError('ERR_UNSUPPORTED', `the pub/sub ${this.name} only publishes (publishOnly)`)
    }
    const { pattern = false, metadata, signal } = options
    const settings: SubscriptionSettings = {
      topic,
      pattern: boolean(pattern, 'pattern'),
      metadata,
      terms: this.#ownTerms(options),
      owner: this.#owner,
    }
    const subscription = this.#make(settings, options as StreamOptions | CallbackOptions | ProcessOptions)
    if (signal?.aborted === true) {
      subscription.close()
      return subscription
    }
    if (subscription.to !== undefined) this.#processes.watch(subscription)
    this.#subscribers.add(subscription)
    signal?.addEventListener('abort', () => subscription.close(), { once: true })
    return subscription
  }

  /**
   * Closes subscriptions to a topic: with `to` those of that process, otherwise all that are of no process. Answers how
   * many there were.
   */
  unsubscribe(topic: string, options: { readonly to?: Pid } = {}): number {
    knownOnly(options, ['to'])
    const { to } = options
    const those = [...this.#subscribers.of(topic)].filter((subscription) =>
      to === undefined ? subscription.to === undefined : subscription.to?.equals(to) === true,
    )
    for (const subscription of those) subscription.close()
    return those.length
  }

  /**
   * Broadcasts a message to the subscribers of a topic on all nodes. True, or false when a link is over its high-water mark,
   * as `node.send`: then slow down. A node whose link is full does not get it, which is counted.
   *
   * @throws EncodeError with the path to what has no Erlang form; nobody got anything then. OptionError for what is no topic;
   *   TsunagiError `ERR_CLOSED`, `ERR_UNSUPPORTED`
   */
  broadcast(topic: string, message: Term, options?: BroadcastOptions): boolean {
    return this.#broadcast(undefined, topic, message, options)
  }

  /** As {@link PubSub.broadcast}, but not to a subscription, or to the subscriptions of a process, of this node. */
  broadcastFrom(from: Subscription | Pid, topic: string, message: Term, options?: BroadcastOptions): boolean {
    return this.#broadcast(exceptFor(from), topic, message, options)
  }

  /** Broadcasts to the subscribers of this node only. Nothing is encoded. */
  localBroadcast(topic: string, message: Term, options?: BroadcastOptions): void {
    this.#local(this.#outgoing(topic, message, options), undefined)
  }

  /** As {@link PubSub.localBroadcast}, but not to a subscription, or to the subscriptions of a process. */
  localBroadcastFrom(from: Subscription | Pid, topic: string, message: Term, options?: BroadcastOptions): void {
    this.#local(this.#outgoing(topic, message, options), exceptFor(from))
  }

  /**
   * Broadcasts to the subscribers of one node. To one that does not take part nothing is sent, without an error, as with
   * Phoenix.PubSub.
   */
  directBroadcast(node: string, topic: string, message: Term, options?: BroadcastOptions): boolean {
    const outgoing = this.#outgoing(topic, message, options)
    if (node === this.#host.name) {
      this.#local(outgoing, undefined)
      return true
    }
    if (!this.capabilities.directBroadcast) throw this.#unsupported('broadcasts to one node')
    return this.#engine.direct(node, outgoing)
  }

  /**
   * How many subscriptions a topic has, by node: this one, and others of this package that take part. Subscriptions by
   * patterns do not count, and BEAM nodes cannot be asked.
   *
   * @throws TsunagiError `ERR_UNSUPPORTED`, `ERR_CLOSED`
   */
  async count(topic: string, options: WaitOptions = {}): Promise<Map<string, number>> {
    checkTopic(topic)
    knownOnly(options, WAIT_OPTIONS)
    options.signal?.throwIfAborted()
    this.#assertOpen()
    const counts = new Map([[this.#host.name, this.#subscribers.count(topic)]])
    if (this.#engine.count === undefined) throw this.#unsupported('counts of subscribers')
    for (const [node, count] of await this.#engine.count(topic, options)) counts.set(node, count)
    return counts
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

  /** Ends all subscriptions, and takes part no longer. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#presences.close()
    this.#closed = true
    this.#onClose()
    for (const subscription of this.#subscribers.all()) subscription.close()
    this.#processes.close()
    await this.#engine.close()
    this.#reports.closed()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  [inspect.custom](): string {
    const state = this.closed ? 'closed' : `${this.#subscribers.size} subscriptions`
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
      terms: this.#options.terms,
      deliver: (incoming) => this.#deliver(incoming),
      dropped: (cause, count, detail) => this.#reports.lost(cause, count, detail),
      connected: (up, error) => (up ? this.#reports.engineUp() : this.#reports.engineDown(error)),
      nodeUp: (name) => this.#reports.nodeUp(name),
      nodeDown: (name) => this.#reports.nodeDown(name),
      hasSubscribers: (topic) => this.#subscribers.has(topic),
      localCount: (topic) => this.#subscribers.count(topic),
    }
  }

  #make(settings: SubscriptionSettings, options: StreamOptions | CallbackOptions | ProcessOptions): Subscription {
    const { onMessage, to, capacity, overflow } = options as Partial<CallbackOptions & ProcessOptions & StreamOptions>
    if (onMessage !== undefined) {
      if (to !== undefined) throw new OptionError('to', to, 'not both onMessage and to')
      return new CallbackSubscription(settings, fn(onMessage, 'onMessage'))
    }
    if (to !== undefined) {
      instance(
        to,
        'to',
        `a pid of this node, ${this.#host.name}`,
        (it) => it instanceof Pid && it.node === this.#host.name,
      )
      return new ProcessSubscription(settings, to, this.#processes.send)
    }
    return new MessageStream(
      settings,
      checkCapacity(capacity ?? this.#options.capacity, 'capacity'),
      checkOverflow(overflow ?? this.#options.overflow, 'overflow'),
    )
  }

  /** Undefined when they are the pub/sub's. */
  #ownTerms(options: DecodeOptions): DecodeOptions | undefined {
    const { terms } = this.#options
    const own = { ...terms, ...decodeOptions(options) }
    return DECODE_OPTIONS.every((key) => own[key] === terms[key]) ? undefined : own
  }

  #ended(subscription: Subscription): void {
    this.#subscribers.delete(subscription)
    if (subscription.to !== undefined) this.#processes.unwatch(subscription)
  }

  #broadcast(except: Except | undefined, topic: string, message: Term, options: BroadcastOptions = {}): boolean {
    const outgoing = this.#outgoing(topic, message, options)
    const room = this.#engine.broadcast(outgoing)
    this.#local(outgoing, except)
    return room
  }

  #outgoing(topic: string, message: Term, options: BroadcastOptions = {}): Outgoing {
    this.#assertOpen()
    checkTopic(topic)
    knownOnly(options, ['dispatcher'])
    const dispatcher = dispatcherOf(options.dispatcher)
    if (dispatcher !== undefined && !this.capabilities.dispatchers) throw this.#unsupported('dispatchers')
    return { topic, message, dispatcher, stringKeys: this.#options.stringKeys, retained: undefined }
  }

  #local({ topic, message, dispatcher }: Outgoing, except: Except | undefined): void {
    const delivery = { topic, message, node: this.#host.name, replayed: false }
    this.#dispatch({ delivery, bytes: 0, as: undefined, except }, dispatcher)
  }

  #deliver({ topic, message, node, dispatcher, bytes, as }: Incoming): void {
    if (this.closed) return
    this.#dispatch({ delivery: { topic, message, node, replayed: false }, bytes, as, except: undefined }, dispatcher)
  }

  #dispatch(dispatch: Omit<Parameters<Subscribers['dispatch']>[0], 'dispatcher'>, dispatcher: Atom | undefined): void {
    const known = isDefault(dispatcher) ? undefined : this.#options.dispatchers.get((dispatcher as Atom).name)
    if (known === undefined && !isDefault(dispatcher)) {
      const { topic, node } = dispatch.delivery
      this.#reports.lost('unknown-dispatcher', 1, { topic, ...(node === undefined ? {} : { node }) })
      return
    }
    this.#subscribers.dispatch({ ...dispatch, dispatcher: known })
  }

  #unsupported(what: string): TsunagiError {
    const message = `the pub/sub ${this.name} has an engine (${this.#options.engine.name}) without ${what}`
    return new TsunagiError('ERR_UNSUPPORTED', message)
  }

  #assertOpen(): void {
    if (this.closed) throw new TsunagiError('ERR_CLOSED', `the pub/sub ${this.name} is closed`)
  }
}

function checkTopic(topic: string): void {
  if (typeof topic !== 'string' || !topic.isWellFormed()) {
    throw new OptionError('topic', topic, 'text without lone surrogates')
  }
}

function dispatcherOf(dispatcher: Atom | string | undefined): Atom | undefined {
  if (dispatcher === undefined || isAtom(dispatcher)) return dispatcher
  if (typeof dispatcher === 'string' && dispatcher !== '') return atom(dispatcher)
  throw new OptionError('dispatcher', dispatcher, 'the name of a module')
}

function exceptFor(from: Subscription | Pid): Except {
  if (from instanceof Subscription) return (subscription) => subscription === from
  if (from instanceof Pid) return ({ to }) => to?.equals(from) === true
  throw new OptionError('from', from, 'a subscription, or a pid')
}
