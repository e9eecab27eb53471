import type { Atom } from '../term/index.ts'
import { type Dispatcher, isDefault } from './dispatcher.ts'
import type { PubSubReports } from './pubsub-reports.ts'
import { onRejection } from './rejection.ts'
import { Dispatch, type Subscribers } from './subscribers.ts'

/** Messages that subscribers broadcast while they get one, delivered before other work has its turn. */
const AT_ONCE = 1_000

/**
 * Hands messages to the subscribers of this node, one after the other: what a subscriber broadcasts while it gets a message
 * comes to all of them after that message, and a circle of subscribers who answer each other does not keep the event loop.
 */
export class LocalDelivery {
  readonly #subscribers: Subscribers
  readonly #dispatchers: ReadonlyMap<string, Dispatcher>
  readonly #reports: PubSubReports
  readonly #maxLater: number
  #busy = false
  readonly #later: Dispatch[] = []
  #closed = false
  /** Messages handed to subscribers, counted for each. */
  delivered = 0

  /** `maxLater`: messages that wait while subscribers broadcast more than one for each that they get. */
  constructor(
    subscribers: Subscribers,
    dispatchers: ReadonlyMap<string, Dispatcher>,
    reports: PubSubReports,
    maxLater: number,
  ) {
    this.#maxLater = maxLater
    this.#subscribers = subscribers
    this.#dispatchers = new Map(Array.from(dispatchers, ([name, dispatcher]) => [name, this.#contained(dispatcher)]))
    this.#reports = reports
  }

  /** The function that dispatches for a module; undefined for the default way, null when this node has none. */
  dispatcher(module: Atom | undefined): Dispatcher | undefined | null {
    return isDefault(module) ? undefined : (this.#dispatchers.get((module as Atom).name) ?? null)
  }

  /** A message is there. */
  dispatch(dispatch: Dispatch): void {
    if (this.#busy) this.#wait(dispatch)
    else this.#run(dispatch)
  }

  close(): void {
    this.#closed = true
    this.#later.length = 0
  }

  #run(first: Dispatch): void {
    this.#busy = true
    this.#hand(first)
    if (this.#later.length > 0) this.#drain()
    else this.#busy = false
  }

  readonly #drain = (): void => {
    for (let i = 0; i < AT_ONCE; i++) {
      const next = this.#later.shift()
      if (next === undefined || this.#closed) {
        this.#busy = false
        return
      }
      this.#hand(next)
    }
    // Still busy: what comes meanwhile waits behind what is here.
    setImmediate(this.#drain)
  }

  #hand(dispatch: Dispatch): void {
    this.delivered += this.#subscribers.dispatch(dispatch)
  }

  /** One of the user's that throws: those it has not reached yet do not get the message. */
  #contained(dispatcher: Dispatcher): Dispatcher {
    return (recipients, delivery) => {
      const failed = (error: unknown): void => this.#reports.dispatcherFailed(delivery, error)
      try {
        onRejection(dispatcher(recipients, delivery), failed)
      } catch (error) {
        failed(error)
      }
    }
  }

  #wait(dispatch: Dispatch): void {
    const { delivery, bytes, as, except, dispatcher } = dispatch
    if (this.#later.length >= this.#maxLater) {
      return this.#reports.lost('slow-subscriber', 1, { topic: delivery.topic })
    }
    if (as === undefined) this.#later.push(dispatch)
    // What came over a link can only be decoded anew while it is being handled.
    else this.#later.push(new Dispatch(delivery, bytes, this.#subscribers.keep(delivery, as), except, dispatcher))
  }
}
