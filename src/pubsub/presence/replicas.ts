import type { ResolvedPresenceOptions } from './presence-options.ts'
import { type ReplicaKey, replicaName } from './replica.ts'

/** What is known of another node's tracker. */
export interface Replica {
  readonly key: ReplicaKey
  readonly name: string
  /** It was not heard of for `downPeriod`. */
  readonly down: boolean
  /** The clock's time at which it was last heard of. */
  readonly heardAt: number
}

/** What is to be done about replicas, in this order. */
export type ReplicaStep =
  | { readonly step: 'down' | 'up'; readonly replica: ReplicaKey }
  /** Gone for good. */
  | { readonly step: 'permdown'; readonly replica: ReplicaKey }

/** How long is too long, in milliseconds. */
export type ReplicaPeriods = Pick<ResolvedPresenceOptions, 'broadcastPeriod' | 'downPeriod' | 'permdownPeriod'>

/**
 * Which trackers of other nodes are there. There is one per node: one of another version takes the place of what was there
 * before.
 *
 * | state | left by |
 * |---|---|
 * | up | not heard of for longer than `downPeriod`: down |
 * | down | heard of: up. Not heard of for longer than `permdownPeriod`: gone |
 */
export class Replicas {
  readonly #broadcastPeriod: number
  readonly #downPeriod: number
  readonly #permdownPeriod: number
  readonly #replicas = new Map<string, Replica>()
  #lookedAt: number | undefined

  constructor({ broadcastPeriod, downPeriod, permdownPeriod }: ReplicaPeriods) {
    this.#broadcastPeriod = broadcastPeriod
    this.#downPeriod = downPeriod
    this.#permdownPeriod = permdownPeriod
  }

  get all(): Iterable<Replica> {
    return this.#replicas.values()
  }

  get(name: string): Replica | undefined {
    return this.#replicas.get(name)
  }

  /** Heard of a replica. */
  heard(key: ReplicaKey, now: number): ReplicaStep[] {
    const name = replicaName(key)
    const before = this.#replicas.get(name)
    this.#replicas.set(name, { key, name, down: false, heardAt: now })
    if (before === undefined) return [{ step: 'up', replica: key }]
    if (before.key !== key) {
      return [
        { step: 'permdown', replica: before.key },
        { step: 'up', replica: key },
      ]
    }
    return before.down ? [{ step: 'up', replica: key }] : []
  }

  /** Who was not heard of for too long. Asked in each period. */
  overdue(now: number): ReplicaStep[] {
    this.#excuse(now)
    const steps: ReplicaStep[] = []
    for (const replica of [...this.#replicas.values()]) {
      const silent = now - replica.heardAt
      if (silent > this.#permdownPeriod) {
        this.#replicas.delete(replica.name)
        steps.push({ step: 'permdown', replica: replica.key })
      } else if (silent > this.#downPeriod && !replica.down) {
        this.#replicas.set(replica.name, { ...replica, down: true })
        steps.push({ step: 'down', replica: replica.key })
      }
    }
    return steps
  }

  /** A replica said that it goes for good. */
  leave(key: ReplicaKey): ReplicaStep[] {
    const name = replicaName(key)
    if (this.#replicas.get(name)?.key !== key) return []
    this.#replicas.delete(name)
    return [{ step: 'permdown', replica: key }]
  }

  /** Time in which this node itself stood still, so that it could hear of nobody, is no silence of the others. */
  #excuse(now: number): void {
    const stoodStill = now - (this.#lookedAt ?? now) - this.#broadcastPeriod
    this.#lookedAt = now
    if (stoodStill < this.#broadcastPeriod) return
    for (const replica of this.#replicas.values()) {
      this.#replicas.set(replica.name, { ...replica, heardAt: Math.min(now, replica.heardAt + stoodStill) })
    }
  }
}
