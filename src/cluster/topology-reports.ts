import type { EventEmitter } from 'node:events'
import type { Logger } from '../base/logger.ts'
import { AsyncQueue } from '../base/queue.ts'
import { type DiscoveryError, textOf } from './discovery-error.ts'
import type { FoundNode } from './strategy.ts'
import type { RefreshResult, RejectedName, TopologyEvent, TopologyEvents } from './topology-events.ts'

/** Values that were once reported as no node names. */
const MAX_REPORTED = 1000

/** Tells the world what a topology does: its log, its listeners, and those who iterate over its events. */
export class TopologyReports {
  readonly #topology: string
  readonly #emitter: EventEmitter<TopologyEvents>
  readonly #logger: Logger
  readonly #queues = new Set<AsyncQueue<TopologyEvent>>()
  /** What the last lookup failed of: the same again is not worth a second warning. */
  #failing: string | undefined
  readonly #rejected = new Set<string>()
  /** It has told of its end: nothing comes after that. */
  #over = false

  constructor(topology: string, emitter: EventEmitter<TopologyEvents>, logger: Logger) {
    this.#topology = topology
    this.#emitter = emitter
    this.#logger = logger
  }

  events(signal?: AbortSignal): AsyncQueue<TopologyEvent> {
    const queue = new AsyncQueue<TopologyEvent>({ signal, onClose: () => void this.#queues.delete(queue) })
    if (!queue.closed) this.#queues.add(queue)
    return queue
  }

  found(node: FoundNode): void {
    this.#logger.info(this.#data({ node: node.name }), `topology ${this.#topology}: found ${node.name}`)
    this.#emit({ type: 'found', node }, 'found', node)
  }

  lost(name: string): void {
    this.#logger.info(this.#data({ node: name }), `topology ${this.#topology}: ${name} is not found any more`)
    this.#emit({ type: 'lost', node: name }, 'lost', name)
  }

  refreshed(result: RefreshResult): void {
    for (const name of result.pruned) {
      this.#logger.info(this.#data({ node: name }), `topology ${this.#topology}: cut the link to ${name}`)
    }
    this.#emit({ type: 'refreshed', result }, 'refreshed', result)
  }

  /** A lookup succeeded, as far as `errors` and `rejected` let it. */
  answered(errors: readonly unknown[], rejected: readonly RejectedName[]): void {
    if (errors.length > 0) this.#warnOnce(`a part of the answer is missing: ${errors.map(textOf).join('; ')}`, errors)
    else if (this.#failing !== undefined) {
      this.#failing = undefined
      this.#logger.info(this.#data({}), `topology ${this.#topology}: discovery works again`)
    }
    for (const { value, reason } of rejected) {
      if (this.#rejected.has(value) || this.#rejected.size >= MAX_REPORTED) continue
      this.#rejected.add(value)
      this.#logger.warn(this.#data({ value }), `topology ${this.#topology}: ${value} was found and left out: ${reason}`)
    }
  }

  failed(error: DiscoveryError): void {
    this.#warnOnce(textOf(error.cause), error)
    this.#emit({ type: 'discovery-failed', error }, 'discovery-failed', error)
  }

  paused(): void {
    this.#emit({ type: 'paused' }, 'paused')
  }

  resumed(): void {
    this.#emit({ type: 'resumed' }, 'resumed')
  }

  /** Ends the iterators too, once they have read what is left. */
  stopped(): void {
    this.#emit({ type: 'stopped' }, 'stopped')
    this.#over = true
    for (const queue of [...this.#queues]) queue.close()
  }

  #warnOnce(text: string, err: unknown): void {
    const level = this.#failing === text ? 'debug' : 'warn'
    this.#failing = text
    this.#logger[level](this.#data({ err }), `topology ${this.#topology}: ${text}`)
  }

  #data(data: object): object {
    return { topology: this.#topology, ...data }
  }

  /** One listener that throws keeps nobody else from hearing of it, and is reported as uncaught, but not in our midst. */
  #emit<K extends keyof TopologyEvents>(event: TopologyEvent, name: K, ...args: TopologyEvents[K]): void {
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
