import type { Limits } from '../base/limits.ts'
import type { Atom } from '../term/index.ts'
import type { DecodeAs } from './decodings.ts'
import type { Delivery } from './delivery.ts'
import { type Dispatcher, isDefault } from './dispatcher.ts'
import type { Incoming } from './engine.ts'
import type { PubSubReports } from './pubsub-reports.ts'
import { onRejection } from './rejection.ts'
import type { Except } from './subscriber-group.ts'
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
  readonly #limits: Pick<Limits, 'mailboxMessages' | 'mailboxBytes'>
  #busy = false
  readonly #later: Dispatch[] = []
  #laterBytes = 0
  #closed = false
  /** Messages handed to subscribers, counted for each. */
  delivered = 0

  /** `limits`: of what waits while subscribers broadcast more than one message for each that they get. */
  constructor(
    subscribers: Subscribers,
    dispatchers: ReadonlyMap<string, Dispatcher>,
    reports: PubSubReports,
    limits: Pick<Limits, 'mailboxMessages' | 'mailboxBytes'>,
  ) {
    this.#limits = limits
    this.#subscribers = subscribers
    this.#dispatchers = new Map(Array.from(dispatchers, ([name, dispatcher]) => [name, this.#contained(dispatcher)]))
    this.#reports = reports
  }

  /** A message of this node. */
  own(delivery: Delivery, module: Atom | undefined, except: Except | undefined): void {
    this.#take(delivery, module, 0, undefined, except)
  }

  /** A message of another node. */
  incoming(delivery: Delivery, { dispatcher, bytes, as }: Incoming): void {
    this.#take(delivery, dispatcher, bytes, as, undefined)
  }

  #take(
    delivery: Delivery,
    module: Atom | undefined,
    bytes: number,
    as: DecodeAs | undefined,
    except: Except | undefined,
  ): void {
    if (this.#subscribers.size === 0) return
    const dispatcher = isDefault(module) ? undefined : this.#dispatchers.get((module as Atom).name)
    if (dispatcher !== undefined || isDefault(module)) {
      return this.dispatch(new Dispatch(delivery, bytes, as, except, dispatcher))
    }
    const { topic, node } = delivery
    const error = new Error(`this node has no dispatcher ${module?.name}: see the option dispatchers`)
    this.#reports.lost('unknown-dispatcher', 1, { topic, error, ...(node === undefined ? {} : { node }) })
  }

  /** A message whose recipients are settled. */
  dispatch(dispatch: Dispatch): void {
    if (this.#busy) this.#wait(dispatch)
    else this.#run(dispatch)
  }

  close(): void {
    this.#closed = true
    this.#later.length = 0
    this.#laterBytes = 0
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
      this.#laterBytes -= next.bytes
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
    const { mailboxMessages, mailboxBytes } = this.#limits
    const { length } = this.#later
    if (length >= mailboxMessages || (length > 0 && this.#laterBytes + bytes > mailboxBytes)) {
      return this.#reports.lost('slow-subscriber', 1, { topic: delivery.topic })
    }
    this.#laterBytes += bytes
    if (as === undefined) this.#later.push(dispatch)
    // What came over a link can only be decoded anew while it is being handled.
    else this.#later.push(new Dispatch(delivery, bytes, this.#subscribers.keep(delivery, as), except, dispatcher))
  }
}
