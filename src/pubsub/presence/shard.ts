import type { Subscription } from '../subscription.ts'
import type { PresenceHost } from './presence-host.ts'
import { EXACT } from './present.ts'
import type { ReplicaKey } from './replica.ts'
import { Tracker, type TrackerEvents, type TrackerSetup } from './tracker.ts'

/** One of the trackers that a presence spreads its topics over, with its line: a topic of the pub/sub. */
export class Shard {
  readonly number: number
  readonly tracker: Tracker
  readonly replica: ReplicaKey
  readonly #subscription: Subscription

  /** @throws TsunagiError `ERR_CLOSED`, `ERR_UNSUPPORTED` */
  constructor(
    number: number,
    setup: Omit<TrackerSetup, 'line' | 'events'>,
    { pubsub, node }: PresenceHost,
    events: TrackerEvents,
  ) {
    const topic = `phx_presence:${setup.options.name}_shard${number}`
    this.number = number
    this.replica = setup.replica
    const subscription = pubsub.subscribe(topic, {
      ...EXACT,
      onMessage: (message, delivery) => {
        if (delivery.node !== node.name) this.tracker.receive(message, delivery.node)
      },
    })
    this.#subscription = subscription
    this.tracker = new Tracker({
      ...setup,
      events,
      line: {
        broadcast: (message) => void pubsub.broadcastFrom(subscription, topic, message),
        send: (to, message) => void pubsub.directBroadcast(to, topic, message),
      },
    })
  }

  close(permdown: boolean): void {
    this.tracker.close(permdown)
    this.#subscription.close()
  }
}
