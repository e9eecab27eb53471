import type { Subscription } from './subscription.ts'

/** What is done when a signal aborts, and what it is done to. */
interface Follower {
  readonly subscriptions: Set<Subscription>
  readonly abort: () => void
}

/** Closes subscriptions when their signals abort. A signal that very many have is listened to once. */
export class SubscriptionSignals {
  readonly #followers = new Map<AbortSignal, Follower>()
  readonly #signals = new Map<Subscription, AbortSignal>()

  follow(signal: AbortSignal, subscription: Subscription): void {
    this.#signals.set(subscription, signal)
    const { subscriptions } = this.#followers.get(signal) ?? this.#add(signal)
    subscriptions.add(subscription)
  }

  /** It has ended. */
  forget(subscription: Subscription): void {
    const signal = this.#signals.get(subscription)
    if (signal === undefined) return
    this.#signals.delete(subscription)
    const { subscriptions, abort } = this.#followers.get(signal) as Follower
    subscriptions.delete(subscription)
    if (subscriptions.size > 0) return
    this.#followers.delete(signal)
    signal.removeEventListener('abort', abort)
  }

  #add(signal: AbortSignal): Follower {
    const subscriptions = new Set<Subscription>()
    const abort = (): void => {
      for (const subscription of subscriptions) subscription.close()
    }
    const follower = { subscriptions, abort }
    this.#followers.set(signal, follower)
    signal.addEventListener('abort', abort, { once: true })
    return follower
  }
}
