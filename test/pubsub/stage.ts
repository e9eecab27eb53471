import { once } from 'node:events'
import type { PubSub } from '../../src/pubsub/pubsub.ts'
import type { PubSubEvents } from '../../src/pubsub/pubsub-events.ts'
import type { Subscription } from '../../src/pubsub/subscription.ts'
import type { Term } from '../../src/term/index.ts'

/** Messages of a topic as they come, and a way to wait for them. */
export class Inbox {
  readonly messages: Term[] = []
  readonly subscription: Subscription
  readonly #waiting = new Set<() => void>()

  constructor(pubsub: PubSub, topic: string, options: { pattern?: boolean; replay?: boolean } = {}) {
    this.subscription = pubsub.subscribe(topic, {
      ...options,
      onMessage: (message) => {
        this.messages.push(message)
        for (const check of this.#waiting) check()
      },
    })
  }

  /** All messages so far, when there are at least so many. */
  async atLeast(count: number): Promise<readonly Term[]> {
    await this.until(() => this.messages.length >= count)
    return this.messages
  }

  /** All messages so far, when one of them is this. */
  async including(last: Term): Promise<readonly Term[]> {
    await this.until(() => this.messages.includes(last))
    return this.messages
  }

  until(done: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const check = (): void => {
        if (!done()) return
        this.#waiting.delete(check)
        resolve()
      }
      this.#waiting.add(check)
      check()
    })
  }
}

/** The next event of a pub/sub for which `match` holds. */
export async function event<E extends keyof PubSubEvents>(
  pubsub: PubSub,
  name: E,
  match: (...args: PubSubEvents[E]) => boolean = () => true,
): Promise<PubSubEvents[E]> {
  for (;;) {
    const args = (await once(pubsub, name)) as PubSubEvents[E]
    if (match(...args)) return args
  }
}
