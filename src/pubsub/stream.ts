import type { Term } from '../term/index.ts'
import type { Delivery } from './delivery.ts'
import type { Overflow } from './pubsub-options.ts'
import { Subscription, type SubscriptionSettings } from './subscription.ts'

type Waiting = (delivery: Delivery | undefined) => void

/**
 * A subscription that is read with `for await`. It holds up to `capacity` messages for a slow reader; what happens above
 * that says its `overflow`. Leaving the loop closes it.
 */
export class MessageStream<T = Term> extends Subscription implements AsyncIterableIterator<T, undefined> {
  readonly #capacity: number
  readonly #maxBytes: number
  readonly #overflow: Overflow
  /** A ring: the oldest is at `head`. */
  #held: (Delivery | undefined)[] = []
  /** Their sizes on the wire, place by place. */
  #sizes: number[] = []
  #bytes = 0
  #head = 0
  #length = 0
  readonly #waiting: Waiting[] = []

  /** `maxBytes`: what it holds of messages of other nodes, by their size on the wire. */
  constructor(settings: SubscriptionSettings, capacity: number, overflow: Overflow, maxBytes: number) {
    super(settings)
    this.#capacity = capacity
    this.#maxBytes = maxBytes
    this.#overflow = overflow
  }

  /** Messages that wait to be read. */
  get length(): number {
    return this.#length
  }

  override receive(delivery: Delivery, bytes: number): void {
    const waiting = this.#waiting.shift()
    if (waiting !== undefined) return waiting(delivery)
    if (this.#fits(bytes)) return this.#push(delivery, bytes)
    if (this.#overflow === 'drop-oldest') {
      while (!this.#fits(bytes)) {
        this.#shift()
        this.drop('slow-subscriber')
      }
      return this.#push(delivery, bytes)
    }
    this.drop('slow-subscriber')
    if (this.#overflow === 'close') this.close()
  }

  next(): Promise<IteratorResult<T, undefined>> {
    return this.#next((delivery) => delivery.message as T)
  }

  return(): Promise<IteratorResult<T, undefined>> {
    this.#held = []
    this.#sizes = []
    this.#length = 0
    this.#bytes = 0
    this.close()
    return Promise.resolve({ value: undefined, done: true })
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  /** The same messages with their topics and where they came from; for patterns. Each message is read once, here or there. */
  async *deliveries(): AsyncGenerator<Delivery, void, undefined> {
    try {
      for (;;) {
        const { value, done } = await this.#next((delivery) => delivery)
        if (done === true) return
        yield value
      }
    } finally {
      await this.return()
    }
  }

  /** Whoever waits is told that nothing more comes. */
  override close(): void {
    super.close()
    for (const waiting of this.#waiting.splice(0)) waiting(undefined)
  }

  protected override describeState(): string {
    return `${this.#length} waiting, ${super.describeState()}`
  }

  #next<R>(read: (delivery: Delivery) => R): Promise<IteratorResult<R, undefined>> {
    const held = this.#shift()
    if (held !== undefined) return Promise.resolve({ value: read(held), done: false })
    if (this.closed) return Promise.resolve({ value: undefined, done: true })
    return new Promise((resolve) => {
      this.#waiting.push((delivery) =>
        resolve(delivery === undefined ? { value: undefined, done: true } : { value: read(delivery), done: false }),
      )
    })
  }

  /** A message alone always fits. */
  #fits(bytes: number): boolean {
    return this.#length === 0 || (this.#length < this.#capacity && this.#bytes + bytes <= this.#maxBytes)
  }

  #push(delivery: Delivery, bytes: number): void {
    if (this.#length === this.#held.length) this.#grow()
    const place = (this.#head + this.#length) % this.#held.length
    this.#held[place] = delivery
    this.#sizes[place] = bytes
    this.#bytes += bytes
    this.#length++
  }

  #shift(): Delivery | undefined {
    if (this.#length === 0) return undefined
    const delivery = this.#held[this.#head]
    this.#held[this.#head] = undefined
    this.#bytes -= this.#sizes[this.#head] as number
    this.#head = (this.#head + 1) % this.#held.length
    this.#length--
    return delivery
  }

  #grow(): void {
    const held = [...this.#held.slice(this.#head), ...this.#held.slice(0, this.#head)]
    const sizes = [...this.#sizes.slice(this.#head), ...this.#sizes.slice(0, this.#head)]
    const size = Math.min(Math.max(8, held.length * 2), this.#capacity)
    for (let i = held.length; i < size; i++) {
      held.push(undefined)
      sizes.push(0)
    }
    this.#held = held
    this.#sizes = sizes
    this.#head = 0
  }
}
