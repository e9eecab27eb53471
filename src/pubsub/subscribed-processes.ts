import { TsunagiError } from '../base/errors.ts'
import { ReferenceMap } from '../process/reference-map.ts'
import type { ServiceProcess } from '../process/service-process.ts'
import { atom, isTuple, type Pid, Reference, type Term } from '../term/index.ts'
import type { PubSubHost } from './pubsub-host.ts'
import type { Subscription } from './subscription.ts'

const SHUTDOWN = atom('shutdown')
const DOWN = atom('DOWN')

/** Brings messages to processes of this node that subscribed, and ends their subscriptions when they end. */
export class SubscribedProcesses {
  readonly #host: PubSubHost
  /** Made for the first of them. */
  #process: ServiceProcess | undefined
  readonly #watched = new ReferenceMap<Subscription>()
  readonly #refs = new Map<Subscription, Reference>()

  constructor(host: PubSubHost) {
    this.#host = host
  }

  /** @throws TsunagiError `ERR_NOPROC` */
  watch(subscription: Subscription): void {
    this.#process ??= this.#host.serviceHost.serve(undefined, {}, (message) => this.#receive(message))
    const to = subscription.to as Pid
    if (this.#process.table.find(to) === undefined) throw new TsunagiError('ERR_NOPROC', `${to} is no living process`)
    const ref = this.#process.monitor(to)
    this.#refs.set(subscription, ref)
    this.#watched.add(ref, subscription)
  }

  unwatch(subscription: Subscription): void {
    const ref = this.#refs.get(subscription)
    if (ref === undefined) return
    this.#refs.delete(subscription)
    this.#watched.delete(ref)
    if (this.#process?.ended === false) this.#process.demonitor(ref)
  }

  /** Into the mailbox of a process. False when it is gone. */
  readonly send = (to: Pid, message: Term, bytes: number): boolean => {
    const receiver = this.#process?.table.find(to)
    receiver?.deliver(message, bytes)
    return receiver !== undefined
  }

  close(): void {
    this.#process?.end(SHUTDOWN)
    this.#process = undefined
  }

  #receive(message: Term): void {
    if (!isTuple(message) || message[0] !== DOWN || !(message[1] instanceof Reference)) return
    this.#watched.get(message[1])?.close()
  }
}
