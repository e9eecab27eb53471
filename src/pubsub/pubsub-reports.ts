import type { EventEmitter } from 'node:events'
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import { AsyncQueue } from '../base/queue.ts'
import type { Delivery } from './delivery.ts'
import type { DropCause, DropDetail } from './engine.ts'
import type { PubSubEvent, PubSubEvents } from './pubsub-events.ts'
import type { Subscription } from './subscription.ts'

/** Losses of one cause are logged at most this often after the first, in milliseconds; each time twice as long. */
const QUIET_FROM = 1_000
const QUIET_MAX = 60_000

interface Losses {
  total: number
  /** Not logged yet. */
  unsaid: number
  /** No word before. */
  notBefore: number
  quiet: number
}

/** Tells the world what a pub/sub does: its log, its counters, its listeners, and those who iterate over its events. */
export class PubSubReports {
  readonly #name: string
  readonly #emitter: EventEmitter<PubSubEvents>
  readonly #logger: Logger
  readonly #clock: Clock
  readonly #queues = new Set<AsyncQueue<PubSubEvent>>()
  readonly #losses = new Map<DropCause, Losses>()
  #left = false
  #over = false

  constructor(name: string, emitter: EventEmitter<PubSubEvents>, logger: Logger, clock: Clock) {
    this.#name = name
    this.#emitter = emitter
    this.#logger = logger
    this.#clock = clock
  }

  /** How many messages were lost, by cause. */
  get dropped(): Partial<Record<DropCause, number>> {
    return Object.fromEntries(Array.from(this.#losses, ([cause, { total }]) => [cause, total]))
  }

  events(signal?: AbortSignal): AsyncQueue<PubSubEvent> {
    const queue = new AsyncQueue<PubSubEvent>({ signal, onClose: () => void this.#queues.delete(queue) })
    if (!queue.closed) this.#queues.add(queue)
    return queue
  }

  lost(cause: DropCause, count: number, detail: DropDetail = {}): void {
    this.#logLoss(cause, count, detail)
    const dropped = { cause, count, ...detail }
    this.#emit({ type: 'dropped', ...dropped }, 'dropped', dropped)
  }

  subscriberFailed(subscription: Subscription, error: unknown): void {
    this.#logger.error(
      this.#data({ topic: subscription.topic, err: error }),
      `pub/sub ${this.#name}: a subscriber of ${JSON.stringify(subscription.topic)} threw`,
    )
    this.#emit({ type: 'subscriber-error', error, subscription }, 'subscriber-error', error, subscription)
  }

  engineUp(): void {
    this.#logger.info(this.#data({}), `pub/sub ${this.#name}: connected`)
    this.#emit({ type: 'engine-up' }, 'engine-up')
  }

  engineDown(error: Error | undefined): void {
    const why = error === undefined ? '' : `: ${error.message}`
    this.#logger.warn(this.#data({ err: error }), `pub/sub ${this.#name}: not connected${why}`)
    this.#emit({ type: 'engine-down', error }, 'engine-down', error)
  }

  nodeUp(node: string): void {
    this.#logger.debug(this.#data({ node }), `pub/sub ${this.#name}: ${node} takes part`)
    this.#emit({ type: 'nodeup', node }, 'nodeup', node)
  }

  nodeDown(node: string): void {
    this.#logger.debug(this.#data({ node }), `pub/sub ${this.#name}: ${node} takes part no longer`)
    this.#emit({ type: 'nodedown', node }, 'nodedown', node)
  }

  dispatcherFailed({ topic }: Delivery, error: unknown): void {
    this.#logger.error(
      this.#data({ topic, err: error }),
      `pub/sub ${this.#name}: a dispatcher threw on a message of ${JSON.stringify(topic)}`,
    )
  }

  leaving(): void {
    if (this.#left) return
    this.#left = true
    this.#emit({ type: 'leaving' }, 'leaving')
  }

  /** Ends the iterators too, once they have read what is left. */
  closed(): void {
    this.#emit({ type: 'closed' }, 'closed')
    this.#over = true
    for (const queue of [...this.#queues]) queue.close()
  }

  /** The first loss is worth a line, the next ones a line each second, then each two, …: how many they were. */
  #logLoss(cause: DropCause, count: number, detail: DropDetail): void {
    const now = this.#clock.now()
    let losses = this.#losses.get(cause)
    if (losses === undefined) {
      losses = { total: 0, unsaid: 0, notBefore: now, quiet: QUIET_FROM }
      this.#losses.set(cause, losses)
    }
    losses.total += count
    losses.unsaid += count
    if (now < losses.notBefore) return
    const { topic, node, error } = detail
    const where = `${topic === undefined ? '' : ` of ${JSON.stringify(shortened(topic))}`}${node === undefined ? '' : ` (${node})`}`
    this.#logger.warn(
      this.#data({ cause, count: losses.unsaid, topic, node, err: error }),
      `pub/sub ${this.#name}: ${losses.unsaid} message${losses.unsaid === 1 ? '' : 's'} lost, the last${where}: ${cause}`,
    )
    losses.quiet = now > losses.notBefore + QUIET_MAX ? QUIET_FROM : Math.min(losses.quiet * 2, QUIET_MAX)
    losses.notBefore = now + losses.quiet
    losses.unsaid = 0
  }

  #data(data: object): object {
    return { pubsub: this.#name, ...data }
  }

  /** One listener that throws keeps nobody else from hearing of it, and is reported as uncaught, but not in our midst. */
  #emit<K extends keyof PubSubEvents>(event: PubSubEvent, name: K, ...args: PubSubEvents[K]): void {
    if (this.#over) return
    for (const queue of this.#queues) queue.push(event)
    for (const listener of this.#emitter.rawListeners(name) as ((...args: unknown[]) => void)[]) {
      try {
        listener.apply(this.#emitter, args)
      } catch (error) {
        process.nextTick(() => {
          throw error
        })
      }
    }
  }
}

function shortened(text: string): string {
  return text.length > 60 ? `${text.slice(0, 57)}...` : text
}
