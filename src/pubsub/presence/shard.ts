import { phash2Binary } from '../../term/phash2.ts'
import type { Subscription } from '../subscription.ts'
import type { PresenceHost } from './presence-host.ts'
import { EXACT } from './present.ts'
import type { ReplicaKey } from './replica.ts'
import { Tracker, type TrackerEvents, type TrackerSetup } from './tracker.ts'

/** What a shard tells of. */
export interface ShardEvents extends TrackerEvents {
  /** The pub/sub would not take a message: for all, or for one node. */
  failed(error: unknown, node: string | undefined): void
}

/** The shard that a topic is in. Phoenix.Tracker: `phash2(topic, pool_size)`. */
export function shardNumber(topic: string, poolSize: number): number {
  return poolSize === 1 ? 0 : phash2Binary(topic, poolSize)
}

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
    events: ShardEvents,
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
    // What could not be sent is caught up with later, as what was lost is.
    const attempt = (send: () => void, to: string | undefined): void => {
      try {
        send()
      } catch (error) {
        events.failed(error, to)
      }
    }
    this.tracker = new Tracker({
      ...setup,
      events,
      line: {
        broadcast: (message) => attempt(() => pubsub.broadcastFrom(subscription, topic, message), undefined),
        send: (to, message) => attempt(() => pubsub.directBroadcast(to, topic, message), to),
      },
    })
  }

  close(permdown: boolean): void {
    this.tracker.close(permdown)
    this.#subscription.close()
  }
}
