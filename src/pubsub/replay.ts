import { DecodeError, type DecodeOptions, type Term } from '../term/index.ts'
import { type DecodeAs, tryDecode } from './decodings.ts'
import type { Delivery } from './delivery.ts'
import type { Outgoing, RetainedStamp } from './engine.ts'
import { matcher } from './pattern.ts'
import type { RetainOptions } from './pubsub-options.ts'
import { EXACT, isLater, messageOf, type Retained, RetainedValues } from './retained.ts'
import { Dispatch } from './subscribers.ts'
import type { Subscription } from './subscription.ts'

/** Gives late subscribers the last retained values. */
export class Replay {
  readonly values: RetainedValues
  readonly #terms: DecodeOptions

  /** `terms`: how messages are decoded for who does not say otherwise; no message is refused by them. */
  constructor(limits: Required<RetainOptions>, terms: DecodeOptions) {
    this.values = new RetainedValues(limits)
    this.#terms = terms
  }

  /** A subscription begins with what there is; of a pattern with the value of each topic, the oldest first. */
  begin(subscription: Subscription): void {
    for (const kept of this.#keptFor(subscription)) {
      if (subscription.closed) return
      const message = tryDecode(subscription.terms ?? this.#terms, (terms) => messageOf(kept, terms))
      // What was taken away.
      if (message === undefined) continue
      const { topic, stamp, encoded } = kept
      if (message instanceof DecodeError) subscription.drop('undecodable', { topic, node: stamp.node, error: message })
      else subscription.take({ topic, message, node: stamp.node, replayed: true }, encoded.bytes.length)
    }
  }

  /** A value of this node. */
  keep({ topic, message, stringKeys }: Outgoing, stamp: RetainedStamp): void {
    this.values.put(topic, stamp, message, stringKeys)
  }

  /** A value that another node broadcasts. */
  learn(topic: string, stamp: RetainedStamp, as: DecodeAs): void {
    if (this.values.isNews(topic, stamp)) this.values.put(topic, stamp, as(EXACT))
  }

  /** A value that another node has kept; undefined when it is no news. Otherwise who is to get it. */
  restore(topic: string, stamp: RetainedStamp, exact: Term): Dispatch | undefined {
    if (!this.values.put(topic, stamp, exact)) return undefined
    const kept = this.values.get(topic)
    if (kept === undefined) return undefined
    const as: DecodeAs = (terms) => messageOf(kept, terms)
    const delivery: Delivery = { topic, message: as(this.#terms), node: stamp.node, replayed: true }
    return new Dispatch(delivery, kept.encoded.bytes.length, as, ({ replay }) => !replay)
  }

  #keptFor({ topic, pattern }: Subscription): readonly Retained[] {
    if (!pattern) {
      const kept = this.values.get(topic)
      return kept === undefined ? [] : [kept]
    }
    const matches = matcher(topic)
    const kept = [...this.values.all()].filter((value) => matches(value.topic))
    return kept.sort((a, b) => (isLater(a.stamp, b.stamp) ? 1 : -1))
  }
}
