import { channel } from 'node:diagnostics_channel'
import type { EventEmitter } from 'node:events'
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import { AsyncQueue } from '../base/queue.ts'
import type { Delivery } from './delivery.ts'
import type { DropCause, DropDetail } from './engine.ts'
import type { Dropped, PubSubEvent, PubSubEvents } from './pubsub-events.ts'
import { QuietCount } from './quiet-count.ts'
import type { Subscription } from './subscription.ts'
import { tellListeners } from './tell-listeners.ts'

/** What happens to a pub/sub: a {@link PubSubEvent}, with the node and the name of the pub/sub. */
const happened = channel('tsunagi:pubsub:event')

/** Losses that wait to be told of; those beyond are only counted and logged. */
const MAX_LATER = 1_000

/** Tells the world what a pub/sub does: its log, its counters, its listeners, and those who iterate over its events. */
export class PubSubReports {
  readonly #name: string
  readonly #self: string
  readonly #emitter: EventEmitter<PubSubEvents>
  readonly #logger: Logger
  readonly #clock: Clock
  readonly #queues = new Set<AsyncQueue<PubSubEvent>>()
  readonly #losses = new Map<DropCause, QuietCount>()
  readonly #subscriberFailures = new QuietCount()
  readonly #dispatcherFailures = new QuietCount()
  /** Losses that came of what listeners did when they heard of a loss. */
  readonly #later: Dropped[] = []
  #telling = false
  /** Why the engine has no connection, as it was told; undefined when that is not known to be so. */
  #notConnected: string | undefined
  #left = false
  #over = false

  constructor(
    of: { readonly name: string; readonly self: string },
    emitter: EventEmitter<PubSubEvents>,
    logger: Logger,
    clock: Clock,
  ) {
    this.#name = of.name
    this.#self = of.self
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
    if (!this.#telling) this.#tell(dropped)
    else if (this.#later.length < MAX_LATER) this.#later.push(dropped)
  }

  subscriberFailed(subscription: Subscription, error: unknown): void {
    this.#logFailure(subscription.topic, error, 'a subscriber', this.#subscriberFailures)
    this.#emit({ type: 'subscriber-error', error, subscription }, 'subscriber-error', error, subscription)
  }

  engineUp(): void {
    this.#notConnected = undefined
    this.#logger.info(this.#data({}), `pub/sub ${this.#name}: connected`)
    this.#emit({ type: 'engine-up' }, 'engine-up')
  }

  engineDown(error: Error | undefined): void {
    const why = error === undefined ? '' : `: ${error.message}`
    // It tries again and again.
    if (why === this.#notConnected) return
    this.#notConnected = why
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
    this.#logFailure(topic, error, 'a dispatcher', this.#dispatcherFailures)
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

  /** A listener may broadcast what is lost in turn: that is told of when all else had its turn, so that it never becomes a circle. */
  #tell(dropped: Dropped): void {
    this.#telling = true
    this.#emit({ type: 'dropped', ...dropped }, 'dropped', dropped)
    if (this.#later.length === 0) this.#telling = false
    else setImmediate(this.#tellNext)
  }

  readonly #tellNext = (): void => {
    const next = this.#later.shift()
    if (next !== undefined) this.#tell(next)
  }

  #logLoss(cause: DropCause, count: number, { topic, node, error }: DropDetail): void {
    let losses = this.#losses.get(cause)
    if (losses === undefined) {
      losses = new QuietCount()
      this.#losses.set(cause, losses)
    }
    const unsaid = losses.add(count, this.#clock.now())
    if (unsaid === 0) return
    const where = `${topic === undefined ? '' : ` of ${shown(topic)}`}${node === undefined ? '' : ` (${node})`}`
    this.#logger.warn(
      this.#data({ cause, count: unsaid, topic, node, err: error }),
      `pub/sub ${this.#name}: ${unsaid} message${unsaid === 1 ? '' : 's'} lost, the last${where}: ${cause}`,
    )
  }

  /** What the user's own code did to messages. */
  #logFailure(topic: string, error: unknown, who: string, failures: QuietCount): void {
    const unsaid = failures.add(1, this.#clock.now())
    if (unsaid === 0) return
    const times = unsaid === 1 ? '' : ` ${unsaid} times, the last time`
    this.#logger.error(
      this.#data({ topic, count: unsaid, err: error }),
      `pub/sub ${this.#name}: ${who} threw${times} on a message of ${shown(topic)}`,
    )
  }

  #data(data: object): object {
    return { pubsub: this.#name, ...data }
  }

  #emit<K extends keyof PubSubEvents>(event: PubSubEvent, name: K, ...args: PubSubEvents[K]): void {
    if (this.#over) return
    for (const queue of this.#queues) queue.push(event)
    if (happened.hasSubscribers) happened.publish({ self: this.#self, pubsub: this.#name, ...event })
    tellListeners<PubSubEvents, K>(this.#emitter, name, args)
  }
}

function shown(topic: string): string {
  return JSON.stringify(topic.length > 60 ? `${topic.slice(0, 57)}...` : topic)
}
