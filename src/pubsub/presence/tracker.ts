import type { Clock, Timer } from '../../base/clock.ts'
import { type Pid, Reference, type Term } from '../../term/index.ts'
import { keepDominant, restrict, type SeenBy } from './clock.ts'
import { type Delta, extractDelta, type Mergeable } from './delta.ts'
import { DeltaGenerations } from './delta-generations.ts'
import type { Diff, Entry, Tracked } from './entry.ts'
import type { MapSetShape } from './map-set.ts'
import {
  gracefulPermdown,
  heartbeat,
  readMessage,
  type TrackerMessage,
  transferAll,
  transferDelta,
  transferRequest,
} from './messages.ts'
import type { ResolvedPresenceOptions } from './presence-options.ts'
import { type ReplicaKey, replicaName } from './replica.ts'
import { type Replica, type ReplicaStep, Replicas } from './replicas.ts'
import { PresenceState } from './state.ts'

/** Why a message of another tracker was refused. */
export type RefusalCause =
  /** It is no message of a tracker, or speaks for another node than the one it came from. */
  | 'malformed'
  /** It holds, or would make us hold, more than `maxEntries`. */
  | 'limit'
  /** Its sender asks for transfers faster than they can be needed. */
  | 'flood'

/** The way to the trackers of the same shard on other nodes. */
export interface TrackerLine {
  /** To all. */
  broadcast(message: Term): void
  send(node: string, message: Term): void
}

/** What a tracker tells of. */
export interface TrackerEvents {
  changed(diff: Diff): void
  replica(what: ReplicaStep['step'] | 'synced', node: string): void
  refused(cause: RefusalCause, node: string): void
}

/** What a tracker is made of. */
export interface TrackerSetup {
  readonly replica: ReplicaKey
  /** A process of this node: what makes references unique. */
  readonly pid: Pid
  readonly options: ResolvedPresenceOptions
  readonly clock: Clock
  readonly line: TrackerLine
  readonly events: TrackerEvents
}

/** Transfers a node may ask for in one broadcast period: one is what a tracker asks for in two. */
const TRANSFERS_PER_PERIOD = 16

/**
 * One shard of a presence: a replica that keeps itself and those of the other nodes in step.
 *
 * Each broadcast period it tells what has happened here, or after some silent ones that it is there, always with how far
 * it has seen. Each few periods it asks those who together have seen what it has not for a transfer: a delta that covers
 * the gap, or everything. Who is not heard of is down after a while, and after a longer one forgotten.
 *
 * Behaviour: `Phoenix.Tracker.Shard`. In addition, a node that joins is asked at once, and so tells who is there within a
 * round trip instead of with its next heartbeat, which can take 15 s.
 */
export class Tracker {
  readonly #setup: TrackerSetup
  readonly #state: PresenceState
  readonly #replicas: Replicas
  readonly #deltas: DeltaGenerations
  /** The shape of sets that each node was last seen to write. */
  readonly #shapes = new Map<string, MapSetShape>()
  /** How far others have seen, since the last time it was looked at. One of each node. */
  readonly #seen = new Map<string, SeenBy>()
  /** Transfers that nodes asked for in this period. */
  readonly #asked = new Map<string, number>()
  /** How much each replica said it has done. */
  readonly #done = new Map<string, number>()
  /** See {@link Tracker.isSynced}. */
  readonly #synced = new Set<string>()
  #silentPeriods: number
  #samplePeriods: number
  #references = 0
  #timer: Timer | undefined

  constructor(setup: TrackerSetup) {
    const { replica, options, clock } = setup
    this.#setup = setup
    this.#state = new PresenceState(replica)
    this.#replicas = new Replicas(options)
    this.#deltas = new DeltaGenerations(options.maxDeltaSizes)
    this.#silentPeriods = options.maxSilentPeriods
    this.#samplePeriods = options.clockSamplePeriods
    // All shards and nodes that start together do not beat together.
    this.#timer = clock.after(Math.random() * options.broadcastPeriod * 0.25, () => this.#beat())
  }

  get state(): Pick<PresenceState, 'ofTopic' | 'ofKey' | 'topics' | 'all' | 'size'> {
    return this.#state
  }

  get replicas(): Iterable<Replica> {
    return this.#replicas.all
  }

  /** Whether all that a node's tracker had when it was first heard of has come. */
  isSynced(node: string): boolean {
    return this.#synced.has(node)
  }

  track(tracked: Tracked): Entry {
    const entry = this.#state.join(tracked)
    this.#changed({ joins: [entry], leaves: [] })
    return entry
  }

  update(entry: Entry, meta: Term): Entry {
    const updated = this.#state.update(entry, meta)
    this.#changed({ joins: [updated], leaves: [entry] })
    return updated
  }

  untrack(entries: readonly Entry[]): void {
    for (const entry of entries) this.#state.leave(entry)
    this.#changed({ joins: [], leaves: entries })
  }

  /** A node takes part in the pub/sub from now on: is asked at once. */
  nodeUp(node: string): void {
    this.#requestTransfer(node)
    // So that it hears of us, too, with the next beat.
    this.#silentPeriods = this.#setup.options.maxSilentPeriods
  }

  /** A message of another node, decoded with `maps: 'map'` and `floats: 'exact'`. Never throws. */
  receive(message: Term, node: string | undefined): void {
    const read = readMessage(message, this.#setup.options.maxEntries * 4)
    if (read === undefined || replicaName(read.replica) !== node) return this.#refuse('malformed', node)
    if (read.shape !== undefined) this.#shapes.set(node, read.shape)
    this.#take(read, node)
  }

  /** Tells nobody any more. `permdown`: the others forget at once what is tracked here, instead of after a while. */
  close(permdown: boolean): void {
    if (this.#timer === undefined) return
    this.#timer.cancel()
    this.#timer = undefined
    if (permdown) this.#setup.line.broadcast(gracefulPermdown(this.#setup.replica))
  }

  #take(message: TrackerMessage, node: string): void {
    const { replica } = message
    switch (message.kind) {
      case 'heartbeat':
        this.#heard(replica)
        this.#seen.set(node, { replica, context: message.context })
        this.#done.set(node, message.context.get(replica) ?? 0)
        if (message.delta !== undefined) this.#mergeDelta(message.delta, node)
        return this.#check(replica, node)
      case 'transfer-request':
        return this.#answer(message, node)
      case 'transfer':
        this.#met(replica, node)
        this.#mergeDelta(message.delta, node)
        return this.#check(replica, node)
      case 'transfer-all':
        this.#met(replica, node)
        if (!this.#merge(message.state, node)) return
        // Deltas from before no longer follow on each other.
        this.#deltas.clear()
        this.#done.set(node, message.state.context.get(replica) ?? this.#done.get(node) ?? Number.POSITIVE_INFINITY)
        return this.#check(replica, node)
      case 'permdown':
        return this.#steps(this.#replicas.leave(replica))
    }
  }

  #heard(replica: ReplicaKey): void {
    this.#steps(this.#replicas.heard(replica, this.#setup.clock.now()))
  }

  /** Who answers before it was heard of could tell us nothing of itself yet, and is asked again now that we know it. */
  #met(replica: ReplicaKey, node: string): void {
    if (this.#replicas.get(node) !== undefined) return
    this.#heard(replica)
    this.#requestTransfer(node)
  }

  /** What replicas nobody knows here have done is not passed on; nor is what others say that was done here. */
  #mergeDelta(delta: Delta, node: string): void {
    if (!this.#merge(delta, node)) return
    const known = new Map(this.#state.context)
    known.delete(this.#setup.replica)
    this.#deltas.push(this.#state.peekDelta(), extractDelta(delta, known))
  }

  /** Notes when all that a replica says it has done is here. */
  #check(replica: ReplicaKey, node: string): void {
    const done = this.#done.get(node)
    if (done === undefined || this.#synced.has(node) || (this.#state.context.get(replica) ?? 0) < done) return
    this.#synced.add(node)
    this.#setup.events.replica('synced', node)
  }

  #merge(news: Mergeable, node: string): boolean {
    const { maxEntries } = this.#setup.options
    if (this.#state.size + this.#state.countNew(news) > maxEntries || this.#state.looseTags > maxEntries) {
      this.#refuse('limit', node)
      return false
    }
    this.#changed(this.#state.merge(news))
    return true
  }

  #answer({ ref, context }: TrackerMessage & { readonly kind: 'transfer-request' }, node: string): void {
    const asked = (this.#asked.get(node) ?? 0) + 1
    this.#asked.set(node, asked)
    if (asked > TRANSFERS_PER_PERIOD) return this.#refuse('flood', node)
    const { line, replica: own } = this.#setup
    const shape = this.#shapes.get(node) ?? this.#shapeForAll()
    const delta = this.#deltas.find(context)
    line.send(
      node,
      delta === undefined
        ? transferAll(ref, own, this.#state.extract(context), shape)
        : transferDelta(ref, own, extractDelta(delta, context), shape),
    )
  }

  #requestTransfer(node: string): void {
    const { line, replica, pid } = this.#setup
    const ref = new Reference(pid.nodeAtom, [++this.#references % 2 ** 18, pid.id, pid.serial], pid.creation)
    line.send(node, transferRequest(ref, replica, this.#state.clocks))
  }

  #beat(): void {
    const { clock, options } = this.#setup
    this.#timer = clock.after(options.broadcastPeriod, () => this.#beat())
    this.#asked.clear()
    this.#tell()
    this.#askThoseAhead()
    this.#steps(this.#replicas.overdue(clock.now()))
  }

  #tell(): void {
    const { line, replica, options } = this.#setup
    if (this.#state.hasDelta) {
      const delta = this.#state.takeDelta()
      line.broadcast(heartbeat(replica, delta, this.#state.clocks, this.#shapeForAll()))
      this.#deltas.push(this.#state.peekDelta(), delta)
      this.#silentPeriods = 0
    } else if (this.#silentPeriods >= options.maxSilentPeriods) {
      line.broadcast(heartbeat(replica, undefined, this.#state.clocks, 'plain'))
      this.#silentPeriods = 0
    } else this.#silentPeriods++
  }

  #askThoseAhead(): void {
    if (--this.#samplePeriods > 0) return
    this.#samplePeriods = this.#setup.options.clockSamplePeriods
    const own = this.#setup.replica
    const context = this.#state.clocks
    let ahead: readonly SeenBy[] = []
    // What they have seen of replicas that we do not know, or that are down, they would not send.
    for (const { replica, context: theirs } of this.#seen.values()) {
      ahead = keepDominant(ahead, { replica, context: restrict(theirs, context) })
    }
    this.#seen.clear()
    for (const { replica } of keepDominant(ahead, { replica: own, context })) {
      if (replica !== own) this.#requestTransfer(replicaName(replica))
    }
  }

  #steps(steps: readonly ReplicaStep[]): void {
    for (const { step, replica } of steps) {
      const name = replicaName(replica)
      if (step === 'up') this.#changed(this.#state.replicaUp(replica))
      else if (step === 'down') this.#changed(this.#state.replicaDown(replica))
      else {
        this.#changed(this.#state.forget(replica))
        this.#deltas.forget(replica)
        this.#seen.delete(name)
        this.#synced.delete(name)
        this.#done.delete(name)
        if (this.#replicas.get(name) === undefined) this.#shapes.delete(name)
      }
      this.#setup.events.replica(step, name)
    }
  }

  /** All Elixir versions read both; older ones are given what they write themselves. */
  #shapeForAll(): MapSetShape {
    for (const shape of this.#shapes.values()) if (shape === 'versioned') return 'versioned'
    return 'plain'
  }

  #changed(diff: Diff): void {
    if (diff.joins.length > 0 || diff.leaves.length > 0) this.#setup.events.changed(diff)
  }

  #refuse(cause: RefusalCause, node: string | undefined): void {
    this.#setup.events.refused(cause, node ?? '')
  }
}
