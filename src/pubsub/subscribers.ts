import { DecodeError, type DecodeOptions } from '../term/index.ts'
import { type DecodeAs, Decodings } from './decodings.ts'
import type { Delivery } from './delivery.ts'
import type { Dispatcher, Recipient } from './dispatcher.ts'
import { matcher } from './pattern.ts'
import { type Except, SubscriberGroup } from './subscriber-group.ts'
import type { Subscription } from './subscription.ts'

/** A message for the subscribers of this node. A class, since there is one for each message. */
export class Dispatch {
  readonly delivery: Delivery
  /** Bytes it took on the wire; 0 for a message of this node. */
  readonly bytes: number
  /** Decodes it anew, while it is dispatched; undefined for a message of this node, which everybody gets as it is. */
  readonly as: DecodeAs | undefined
  readonly except: Except | undefined
  /** Undefined: the default one. */
  readonly dispatcher: Dispatcher | undefined

  constructor(delivery: Delivery, bytes = 0, as?: DecodeAs, except?: Except, dispatcher?: Dispatcher) {
    this.delivery = delivery
    this.bytes = bytes
    this.as = as
    this.except = except
    this.dispatcher = dispatcher
  }
}

/** How many subscriptions a topic or a pattern has on this node. */
export interface TopicCount {
  readonly topic: string
  /** It is a pattern, such as `sensor:*`. */
  readonly pattern: boolean
  readonly subscriptions: number
}

/** Hears of the first subscription to a topic or pattern, and of the end of the last one. */
export type OnInterest = (kind: 'topic' | 'pattern', topic: string, on: boolean) => void

/** The subscriptions to a pattern. */
interface Pattern {
  readonly group: SubscriberGroup
  readonly matches: (topic: string) => boolean
}

/** Who is subscribed on this node. */
export class Subscribers {
  readonly #topics = new Map<string, SubscriberGroup>()
  readonly #patterns = new Map<string, Pattern>()
  /** Subscriptions with decode options of their own: while there are none, nobody has to be looked at for them. */
  #special = 0
  readonly #onInterest: OnInterest
  readonly #forDispatchers: DecodeOptions
  #size = 0

  /** `forDispatchers`: how messages are decoded for dispatchers of the user's. */
  constructor(onInterest: OnInterest, forDispatchers: DecodeOptions) {
    this.#onInterest = onInterest
    this.#forDispatchers = forDispatchers
  }

  get size(): number {
    return this.#size
  }

  get topics(): number {
    return this.#topics.size
  }

  add(subscription: Subscription): void {
    const { topic, pattern } = subscription
    this.#size++
    if (subscription.terms !== undefined) this.#special++
    const group = pattern ? this.#patterns.get(topic)?.group : this.#topics.get(topic)
    if (group !== undefined) return group.add(subscription)
    const fresh = new SubscriberGroup()
    fresh.add(subscription)
    if (pattern) this.#patterns.set(topic, { group: fresh, matches: matcher(topic) })
    else this.#topics.set(topic, fresh)
    this.#onInterest(pattern ? 'pattern' : 'topic', topic, true)
  }

  delete(subscription: Subscription): void {
    const { topic, pattern } = subscription
    const group = pattern ? this.#patterns.get(topic)?.group : this.#topics.get(topic)
    if (group === undefined || subscription.place === -1) return
    group.delete(subscription)
    this.#size--
    if (subscription.terms !== undefined) this.#special--
    if (group.size > 0) return
    if (pattern) this.#patterns.delete(topic)
    else this.#topics.delete(topic)
    this.#onInterest(pattern ? 'pattern' : 'topic', topic, false)
  }

  /** Keeps a message for later in all ways that those who would get it now want it decoded. */
  keep(delivery: Delivery, as: DecodeAs): DecodeAs {
    const decodings = new Decodings(delivery, as)
    decodings.for(this.#forDispatchers)
    if (this.#special > 0) {
      for (const group of this.#groupsOf(delivery.topic)) for (const { terms } of group) decodings.for(terms)
    }
    return decodings.kept
  }

  /** How many subscriptions a topic has; those of patterns do not count. */
  count(topic: string): number {
    return this.#topics.get(topic)?.size ?? 0
  }

  has(topic: string): boolean {
    if (this.#topics.has(topic)) return true
    for (const { matches } of this.#patterns.values()) if (matches(topic)) return true
    return false
  }

  /** Every topic and pattern with how many subscriptions it has. */
  *counts(): Generator<TopicCount, void, undefined> {
    for (const [topic, { size }] of this.#topics) yield { topic, pattern: false, subscriptions: size }
    for (const [topic, { group }] of this.#patterns) yield { topic, pattern: true, subscriptions: group.size }
  }

  /** The subscriptions of a topic. */
  of(topic: string): Iterable<Subscription> {
    return this.#topics.get(topic) ?? []
  }

  *all(): Generator<Subscription, void, undefined> {
    for (const group of [...this.#topics.values()]) yield* group
    for (const { group } of [...this.#patterns.values()]) yield* group
  }

  /** Hands a message to those of its topic, then to those whose pattern it matches. Answers to how many. */
  dispatch(dispatch: Dispatch): number {
    const { delivery } = dispatch
    const group = this.#topics.get(delivery.topic)
    if (this.#patterns.size === 0) {
      if (group === undefined) return 0
      // One way to decode, and nobody to ask who gets it: the usual case.
      if (dispatch.dispatcher === undefined && (this.#special === 0 || dispatch.as === undefined)) {
        return group.dispatch(delivery, dispatch.bytes, dispatch.except)
      }
    }
    return this.#toGroups(this.#groupsOf(delivery.topic), dispatch)
  }

  #groupsOf(topic: string): SubscriberGroup[] {
    const group = this.#topics.get(topic)
    const groups = group === undefined ? [] : [group]
    for (const pattern of this.#patterns.values()) if (pattern.matches(topic)) groups.push(pattern.group)
    return groups
  }

  #toGroups(groups: readonly SubscriberGroup[], { delivery, bytes, as, except, dispatcher }: Dispatch): number {
    if (dispatcher === undefined && (this.#special === 0 || as === undefined)) {
      let reached = 0
      for (const group of groups) reached += group.dispatch(delivery, bytes, except)
      return reached
    }
    const chosen: Subscription[] = []
    for (const group of groups) {
      for (const subscription of group) if (except?.(subscription) !== true) chosen.push(subscription)
    }
    const decodings = new Decodings(delivery, as)
    const usual = dispatcher === undefined ? undefined : decodings.for(this.#forDispatchers)
    if (dispatcher !== undefined && usual !== undefined && !(usual instanceof DecodeError)) {
      dispatcher(
        chosen.map((subscription) => recipient(subscription, usual, bytes)),
        usual,
      )
      return chosen.length
    }
    // All ways to decode it are gone through before any subscriber is called, which may take the message's place.
    const own = chosen.map(({ terms }) => usual ?? decodings.for(terms))
    for (const [i, subscription] of chosen.entries()) {
      if (!subscription.closed) hand(subscription, own[i] as Delivery | DecodeError, delivery, bytes)
    }
    return chosen.length
  }
}

function recipient(subscription: Subscription, delivery: Delivery, bytes: number): Recipient {
  return {
    metadata: subscription.metadata,
    deliver: (message) => {
      if (!subscription.closed) subscription.take({ ...delivery, message }, bytes)
    },
  }
}

/** One that has no form for a message as it wants it decoded loses it; the others do not. */
function hand(subscription: Subscription, own: Delivery | DecodeError, { topic, node }: Delivery, bytes: number): void {
  if (!(own instanceof DecodeError)) return subscription.take(own, bytes)
  subscription.drop('undecodable', { topic, error: own, ...(node === undefined ? {} : { node }) })
}
