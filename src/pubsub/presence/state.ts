import type { Context } from './clock.ts'
import { type Delta, type Mergeable, noContext } from './delta.ts'
import { type Diff, Entry, noDiff, type Tracked } from './entry.ts'
import type { ReplicaKey } from './replica.ts'
import {
  addToClouds,
  addToValues,
  allValues,
  countAll,
  inClouds,
  inValues,
  type MutableClouds,
  type MutableValues,
  restrictKeys,
  unionClouds,
} from './tags.ts'
import { TopicIndex } from './topic-index.ts'

/** What the own replica has done since it last told the others. */
class Pending {
  readonly clouds: MutableClouds = new Map()
  readonly values: MutableValues = new Map()
  readonly start: Context
  readonly #replica: ReplicaKey

  constructor(replica: ReplicaKey, clock: number) {
    this.#replica = replica
    this.start = new Map([[replica, clock]])
  }

  /** As it is now; `copy` when it is still to grow. */
  toDelta(clock: number, copy: boolean): Delta {
    const clouds = copy ? unionClouds(this.clouds, new Map()) : this.clouds
    const values = copy ? new Map(Array.from(this.values, ([replica, own]) => [replica, new Map(own)])) : this.values
    return { context: noContext, clouds, values, start: this.start, end: new Map([[this.#replica, clock]]) }
  }
}

/**
 * Who is tracked where, as one replica knows it: an add-wins set without tombstones (an ORSWOT). Every entry has a tag, the
 * replica that tracks it and a clock of that replica, which also counts removals. What a replica has seen is kept as one
 * clock per replica (the context) with single tags beyond it (the clouds). An entry that somebody else no longer has,
 * although he has seen its tag, was removed; one whose tag he has not seen is news to him. So states and deltas can be merged
 * in any order and any number of times, and all who have seen the same have the same.
 *
 * Semantics: `Phoenix.Tracker.State`. Deliberate differences: a tag stays seen when its entry is removed before earlier tags
 * came, so that a state that is late cannot bring the entry back; nobody else's word is taken about the own replica; and
 * entries of a replica that is down come and go unseen until it is up.
 */
export class PresenceState {
  readonly replica: ReplicaKey
  readonly #context: Map<ReplicaKey, number>
  readonly #clouds: MutableClouds = new Map()
  readonly #values: MutableValues = new Map()
  readonly #topics = new TopicIndex()
  readonly #down = new Set<ReplicaKey>()
  #pending: Pending

  constructor(replica: ReplicaKey) {
    this.replica = replica
    this.#context = new Map([[replica, 0]])
    this.#pending = new Pending(replica, 0)
  }

  /** How many entries there are, those of replicas that are down included. */
  get size(): number {
    return countAll(this.#values)
  }

  /** How many tags are seen beyond the context, which is how much of what was said is missing in between. */
  get looseTags(): number {
    return countAll(this.#clouds)
  }

  /** What was seen, of all replicas. */
  get context(): Context {
    return this.#context
  }

  /** What was seen, of the replicas that are not down: of those others are told nothing. */
  get clocks(): Context {
    return new Map([...this.#context].filter(([replica]) => !this.#down.has(replica)))
  }

  join(tracked: Tracked): Entry {
    const entry = new Entry(this.replica, this.#tick(), tracked)
    this.#add(entry)
    addToValues(this.#pending.values, entry)
    return entry
  }

  /** Takes out an entry of the own replica. */
  leave(entry: Entry): void {
    this.#remove(entry)
    this.#tick()
  }

  /** Puts another meta in place of an entry of the own replica. */
  update(entry: Entry, meta: Tracked['meta']): Entry {
    this.leave(entry)
    return this.join({ pid: entry.pid, topic: entry.topic, key: entry.key, meta })
  }

  /** The visible entries of a topic. */
  *ofTopic(topic: string): Generator<Entry, void, undefined> {
    for (const entry of this.#topics.ofTopic(topic)) if (this.#isVisible(entry)) yield entry
  }

  /** The visible entries of a key, given by `termKey`. */
  *ofKey(topic: string, keyId: unknown): Generator<Entry, void, undefined> {
    for (const entry of this.#topics.ofKey(topic, keyId)) if (this.#isVisible(entry)) yield entry
  }

  /** Topics with entries, be they visible or not. */
  topics(): Iterable<string> {
    return this.#topics.topics()
  }

  /** All visible entries. */
  *all(): Generator<Entry, void, undefined> {
    for (const entry of allValues(this.#values)) if (this.#isVisible(entry)) yield entry
  }

  /** Whether anything happened here since {@link PresenceState.takeDelta}. */
  get hasDelta(): boolean {
    return this.#pending.clouds.size > 0
  }

  /** What the own replica has done since the last time, which begins anew. */
  takeDelta(): Delta {
    const taken = this.#pending.toDelta(this.#clock, false)
    this.#pending = new Pending(this.replica, this.#clock)
    return taken
  }

  /** What the own replica has done since {@link PresenceState.takeDelta}, which goes on. */
  peekDelta(): Delta {
    return this.#pending.toDelta(this.#clock, true)
  }

  /** All there is of the replicas that somebody knows. */
  extract(known: Context): Mergeable {
    return {
      context: restrictKeys(this.#context, known),
      clouds: unionClouds(restrictKeys(this.#clouds, known), new Map()),
      values: new Map(Array.from(restrictKeys(this.#values, known), ([replica, own]) => [replica, new Map(own)])),
    }
  }

  /** How many entries a merge would add at most. */
  countNew(remote: Mergeable): number {
    let count = 0
    for (const entry of allValues(remote.values)) if (!inValues(this.#values, entry)) count++
    return count
  }

  /** Takes over what another replica has seen. What it says of replicas that are not known here is left out. */
  merge(remote: Mergeable): Diff {
    const joins = Array.from(allValues(remote.values)).filter((entry) => this.#isNew(entry))
    const leaves = this.#removedBy(remote)
    for (const entry of leaves) this.#remove(entry)
    for (const entry of joins) {
      this.#add(entry)
      addToClouds(this.#clouds, entry.replica, entry.clock)
    }
    for (const [replica, cloud] of remote.clouds) {
      if (!this.#isForeign(replica)) continue
      for (const clock of cloud) if (!this.#hasSeen(replica, clock)) addToClouds(this.#clouds, replica, clock)
    }
    for (const [replica, clock] of remote.context) {
      if (this.#isForeign(replica)) this.#context.set(replica, Math.max(clock, this.#context.get(replica) ?? 0))
    }
    this.#compact()
    return this.#seen({ joins, leaves })
  }

  /** A replica is there, for the first time or again; its entries are visible from now on. */
  replicaUp(replica: ReplicaKey): Diff {
    if (!this.#context.has(replica)) this.#context.set(replica, 0)
    if (!this.#down.delete(replica)) return noDiff
    return { joins: this.#entriesOf(replica), leaves: [] }
  }

  /** A replica is not heard of; its entries are kept, and hidden. */
  replicaDown(replica: ReplicaKey): Diff {
    if (this.#down.has(replica) || !this.#isForeign(replica)) return noDiff
    this.#down.add(replica)
    return { joins: [], leaves: this.#entriesOf(replica) }
  }

  /** A replica is gone for good: nothing of it is kept. Tells of its entries if they were visible until now. */
  forget(replica: ReplicaKey): Diff {
    const diff = this.replicaDown(replica)
    for (const entry of this.#entriesOf(replica)) this.#topics.delete(entry)
    this.#values.delete(replica)
    this.#clouds.delete(replica)
    this.#context.delete(replica)
    this.#down.delete(replica)
    this.#pending.clouds.delete(replica)
    return diff
  }

  get #clock(): number {
    return this.#context.get(this.replica) as number
  }

  #tick(): number {
    const clock = this.#clock + 1
    this.#context.set(this.replica, clock)
    addToClouds(this.#pending.clouds, this.replica, clock)
    return clock
  }

  #add(entry: Entry): void {
    addToValues(this.#values, entry)
    this.#topics.add(entry)
  }

  /** The removal is told to others as a tag without an entry. */
  #remove(entry: Entry): void {
    const { replica, clock } = entry
    const own = this.#values.get(replica)
    own?.delete(clock)
    if (own?.size === 0) this.#values.delete(replica)
    this.#topics.delete(entry)
    this.#pending.values.get(replica)?.delete(clock)
    addToClouds(this.#pending.clouds, replica, clock)
  }

  #entriesOf(replica: ReplicaKey): Entry[] {
    return [...(this.#values.get(replica)?.values() ?? [])]
  }

  #isForeign(replica: ReplicaKey): boolean {
    return replica !== this.replica && this.#context.has(replica)
  }

  #hasSeen(replica: ReplicaKey, clock: number): boolean {
    return (this.#context.get(replica) ?? 0) >= clock || inClouds(this.#clouds, replica, clock)
  }

  #isNew({ replica, clock }: Entry): boolean {
    return this.#isForeign(replica) && !this.#hasSeen(replica, clock)
  }

  #isVisible({ replica }: Entry): boolean {
    return this.#down.size === 0 || !this.#down.has(replica)
  }

  /** The entries that the other one has seen and has no more. */
  #removedBy({ context, clouds, values }: Mergeable): Entry[] {
    const removed: Entry[] = []
    for (const [replica, own] of this.#values) {
      if (!this.#isForeign(replica)) continue
      const kept = values.get(replica)
      const upTo = context.get(replica) ?? 0
      if (upTo > 0) {
        for (const [clock, entry] of own) if (clock <= upTo && kept?.has(clock) !== true) removed.push(entry)
      }
      for (const clock of clouds.get(replica) ?? []) {
        const entry = clock <= upTo ? undefined : own.get(clock)
        if (entry !== undefined && kept?.has(clock) !== true) removed.push(entry)
      }
    }
    return removed
  }

  /** Moves what has become contiguous from the clouds into the context. */
  #compact(): void {
    for (const [replica, cloud] of this.#clouds) {
      let clock = this.#context.get(replica) ?? 0
      while (cloud.delete(clock + 1)) clock++
      this.#context.set(replica, clock)
      for (const each of cloud) if (each <= clock) cloud.delete(each)
      if (cloud.size === 0) this.#clouds.delete(replica)
    }
  }

  #seen({ joins, leaves }: Diff): Diff {
    if (this.#down.size === 0) return { joins, leaves }
    return {
      joins: joins.filter((entry) => this.#isVisible(entry)),
      leaves: leaves.filter((entry) => this.#isVisible(entry)),
    }
  }
}
