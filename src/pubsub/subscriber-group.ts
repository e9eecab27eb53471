import type { Delivery } from './delivery.ts'
import type { Subscription } from './subscription.ts'

/** Says who a broadcast is not meant for. */
export type Except = (subscription: Subscription) => boolean

/** The subscriptions of one topic or pattern, in the order they were made. Adding and taking is O(1). */
export class SubscriberGroup {
  /** Those that are gone leave a hole until there are many. */
  #places: (Subscription | undefined)[] = []
  #size = 0
  /** How many loops over the places there are now, in which no place may move. */
  #loops = 0

  get size(): number {
    return this.#size
  }

  add(subscription: Subscription): void {
    subscription.place = this.#places.length
    this.#places.push(subscription)
    this.#size++
  }

  delete(subscription: Subscription): void {
    if (this.#places[subscription.place] !== subscription) return
    this.#places[subscription.place] = undefined
    subscription.place = -1
    this.#size--
    this.#close()
  }

  /** All of them, now. */
  *[Symbol.iterator](): Generator<Subscription, void, undefined> {
    for (const subscription of [...this.#places]) if (subscription?.closed === false) yield subscription
  }

  /** Hands a message to each. Those that subscribe meanwhile do not get it; those that are closed meanwhile neither. */
  dispatch(delivery: Delivery, bytes: number, except: Except | undefined): number {
    const places = this.#places
    const end = places.length
    let reached = 0
    this.#loops++
    for (let i = 0; i < end; i++) {
      const subscription = places[i]
      if (subscription === undefined || except?.(subscription) === true) continue
      subscription.take(delivery, bytes)
      reached++
    }
    this.#loops--
    if (this.#size < places.length) this.#close()
    return reached
  }

  /** Closes the holes when there are more of them than subscriptions. */
  #close(): void {
    if (this.#loops > 0 || this.#places.length < 2 * this.#size + 8) return
    this.#places = this.#places.filter((subscription) => subscription !== undefined)
    for (const [place, subscription] of this.#places.entries()) (subscription as Subscription).place = place
  }
}
