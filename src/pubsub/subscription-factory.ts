import { OptionError, TsunagiError } from '../base/errors.ts'
import { boolean, fn, instance, knownOnly } from '../base/options.ts'
import { type DecodeOptions, Pid } from '../term/index.ts'
import { DECODE_OPTIONS, resolveTermOptions } from '../term/term-options.ts'
import { refusingNone } from './decodings.ts'
import { unsupported } from './outgoing.ts'
import type { PubSubHost } from './pubsub-host.ts'
import { checkCapacity, checkOverflow, type ResolvedPubSubOptions } from './pubsub-options.ts'
import type { PubSubReports } from './pubsub-reports.ts'
import type { SchemaGate } from './schema-gate.ts'
import { MessageStream } from './stream.ts'
import type { CallbackOptions, ProcessOptions, StreamOptions } from './subscribe-options.ts'
import { SubscribedProcesses } from './subscribed-processes.ts'
import type { Subscribers } from './subscribers.ts'
import {
  CallbackSubscription,
  ProcessSubscription,
  type Subscription,
  type SubscriptionOwner,
  type SubscriptionSettings,
} from './subscription.ts'
import { SubscriptionSignals } from './subscription-signals.ts'

type Options = StreamOptions | CallbackOptions | ProcessOptions

const KNOWN = ['pattern', 'metadata', 'replay', 'signal', ...DECODE_OPTIONS]

/** Makes the subscriptions of a pub/sub, and takes them off the list when they end. */
export class SubscriptionFactory {
  readonly #host: PubSubHost
  readonly #options: ResolvedPubSubOptions
  readonly #subscribers: Subscribers
  readonly #processes: SubscribedProcesses
  readonly #owner: SubscriptionOwner
  readonly #signals = new SubscriptionSignals()

  constructor(host: PubSubHost, options: ResolvedPubSubOptions, subscribers: Subscribers, reports: PubSubReports) {
    this.#host = host
    this.#options = options
    this.#subscribers = subscribers
    this.#processes = new SubscribedProcesses(host)
    this.#owner = {
      ended: (subscription) => this.#ended(subscription),
      failed: (subscription, error) => reports.subscriberFailed(subscription, error),
      lost: ({ topic }, cause, detail) => reports.lost(cause, 1, { topic, ...detail }),
    }
  }

  /** A subscription that is in effect. @throws OptionError, TsunagiError `ERR_UNSUPPORTED`, `ERR_NOPROC` */
  open(topic: string, options: Options, gate: SchemaGate | undefined): Subscription {
    instance(options, 'options', 'an object of options of a subscription', (it) => !Array.isArray(it))
    if (this.#options.publishOnly) {
      throw new TsunagiError('ERR_UNSUPPORTED', 'this pub/sub only publishes (publishOnly)')
    }
    const { pattern = false, metadata, replay = false, signal } = options
    const { name: engine, capabilities } = this.#options.engine
    if (replay && !capabilities.retained) throw unsupported('retained values', engine)
    if (signal !== undefined) instance(signal, 'signal', 'an AbortSignal', (it) => it instanceof AbortSignal)
    const settings: SubscriptionSettings = {
      topic,
      pattern: boolean(pattern, 'pattern'),
      metadata,
      terms: this.#ownTerms(options),
      replay: boolean(replay, 'replay'),
      gate,
      owner: this.#owner,
    }
    const subscription = this.#make(settings, options)
    if (signal?.aborted === true) {
      subscription.close()
      return subscription
    }
    if (subscription.to !== undefined) this.#processes.watch(subscription)
    this.#subscribers.add(subscription)
    if (signal !== undefined) this.#signals.follow(signal, subscription)
    return subscription
  }

  close(): void {
    this.#processes.close()
  }

  #make(settings: SubscriptionSettings, options: Options): Subscription {
    if ('onMessage' in options && options.onMessage !== undefined) {
      knownOnly(options, [...KNOWN, 'onMessage'])
      return new CallbackSubscription(settings, fn(options.onMessage, 'onMessage'))
    }
    if ('to' in options && options.to !== undefined) {
      knownOnly(options, [...KNOWN, 'to'])
      const { to } = options
      if (to instanceof Pid && to.node === this.#host.name) {
        return new ProcessSubscription(settings, to, this.#processes.send)
      }
      throw new OptionError('to', to, `a pid of this node, ${this.#host.name}`)
    }
    knownOnly(options, [...KNOWN, 'capacity', 'overflow', 'onMessage', 'to'])
    const { capacity, overflow } = options as StreamOptions
    return new MessageStream(
      settings,
      checkCapacity(capacity ?? this.#options.capacity, 'capacity'),
      checkOverflow(overflow ?? this.#options.overflow, 'overflow'),
      this.#host.serviceHost.limits.mailboxBytes,
    )
  }

  /** Undefined when messages come decoded like that anyway. */
  #ownTerms(options: DecodeOptions): DecodeOptions | undefined {
    const { terms } = this.#options
    const own = resolveTermOptions(options, terms)
    const usual = refusingNone(terms)
    return DECODE_OPTIONS.every((key) => own[key] === usual[key]) ? undefined : own
  }

  #ended(subscription: Subscription): void {
    this.#subscribers.delete(subscription)
    if (subscription.to !== undefined) this.#processes.unwatch(subscription)
    this.#signals.forget(subscription)
  }
}
