import { TsunagiError } from '../../base/errors.ts'
import { atom, isTuple, Pid, type Term } from '../../term/index.ts'
import type { Context } from './clock.ts'
import { type Delta, type Mergeable, noContext } from './delta.ts'
import { Entry } from './entry.ts'
import { type MapSetShape, readMapSet } from './map-set.ts'
import { type ReplicaKey, readReplica } from './replica.ts'
import { addToValues, type Clouds, type MutableClouds, type MutableValues, type Values } from './tags.ts'

const STRUCT = atom('__struct__')
const STATE = atom('Elixir.Phoenix.Tracker.State')
const MODE = atom('mode')
const DELTA = atom('delta')
const NORMAL = atom('normal')
const CONTEXT = atom('context')
const CLOUDS = atom('clouds')
const VALUES = atom('values')
const RANGE = atom('range')

/**
 * Reads the parts of one message, which share a bound on how much there is of all of them. Everything is undefined when any
 * part of it is not what a tracker writes: taking over the rest would take entries away from others.
 */
export class StateReader {
  /** The shape of the sets that were read. */
  shape: MapSetShape | undefined
  #left: number

  /** `most`: how many entries, tags and clocks there may be. */
  constructor(most: number) {
    this.#left = most
  }

  /** `%Phoenix.Tracker.State{mode: :delta}` */
  delta(term: Term): Delta | undefined {
    if (!isState(term, DELTA)) return undefined
    const range = term.get(RANGE)
    if (!isTuple(range) || range.length !== 2) return undefined
    const start = this.context(range[0])
    const end = this.context(range[1])
    const clouds = this.#clouds(term.get(CLOUDS))
    const values = this.#values(term.get(VALUES))
    if (start === undefined || end === undefined || clouds === undefined || values === undefined) return undefined
    return { context: noContext, clouds, values, start, end }
  }

  /** `{%Phoenix.Tracker.State{mode: :normal}, Values}` */
  state(term: Term, list: Term): Mergeable | undefined {
    if (!isState(term, NORMAL)) return undefined
    const context = this.context(term.get(CONTEXT))
    const clouds = this.#clouds(term.get(CLOUDS))
    const values = this.#values(list)
    if (context === undefined || clouds === undefined || values === undefined) return undefined
    return { context, clouds, values }
  }

  /** `%{{Name, Vsn} => Clock}` */
  context(term: Term): Context | undefined {
    if (!this.#isMap(term)) return undefined
    const context = new Map<ReplicaKey, number>()
    for (const [key, clock] of term) {
      const replica = readReplica(key)
      if (replica === undefined || !isClock(clock)) return undefined
      context.set(replica, clock)
    }
    return context
  }

  /** `%{Replica => MapSet.new([{Replica, Clock}])}` */
  #clouds(term: Term): Clouds | undefined {
    if (!this.#isMap(term)) return undefined
    const clouds: MutableClouds = new Map()
    for (const [key, set] of term) {
      const replica = readReplica(key)
      const read = readMapSet(set)
      if (replica === undefined || read === undefined) return undefined
      this.shape = read.shape
      const cloud = new Set<number>()
      for (const element of read.elements) {
        const tag = --this.#left < 0 ? undefined : readTag(element)
        if (tag === undefined || tag.replica !== replica) return undefined
        cloud.add(tag.clock)
      }
      clouds.set(replica, cloud)
    }
    return clouds
  }

  /** `%{{Replica, Clock} => {Pid, Topic, Key, Meta}}` */
  #values(term: Term): Values | undefined {
    if (!this.#isMap(term)) return undefined
    const values: MutableValues = new Map()
    for (const [key, value] of term) {
      const tag = readTag(key)
      if (tag === undefined || !isTuple(value) || value.length !== 4) return undefined
      const [pid, topic, name, meta] = value as unknown as [Term, Term, Term, Term]
      if (!(pid instanceof Pid) || !(meta instanceof Map)) return undefined
      const entry = makeEntry(tag, { pid, topic, key: name, meta })
      if (entry === undefined) return undefined
      addToValues(values, entry)
    }
    return values
  }

  #isMap(term: Term): term is ReadonlyMap<Term, Term> {
    if (!(term instanceof Map)) return false
    this.#left -= term.size
    return this.#left >= 0
  }
}

function isState(term: Term, mode: Term): term is ReadonlyMap<Term, Term> {
  return term instanceof Map && term.get(STRUCT) === STATE && term.get(MODE) === mode
}

function isClock(term: Term): term is number {
  return typeof term === 'number' && Number.isSafeInteger(term) && term >= 0 && !Object.is(term, -0)
}

function readTag(term: Term): { readonly replica: ReplicaKey; readonly clock: number } | undefined {
  if (!isTuple(term) || term.length !== 2) return undefined
  const replica = readReplica(term[0])
  const clock = term[1]
  return replica === undefined || !isClock(clock) || clock === 0 ? undefined : { replica, clock }
}

/** Undefined for a key that nests too deep. */
function makeEntry(
  { replica, clock }: { readonly replica: ReplicaKey; readonly clock: number },
  tracked: ConstructorParameters<typeof Entry>[2],
): Entry | undefined {
  try {
    return new Entry(replica, clock, tracked)
  } catch (error) {
    if (error instanceof TsunagiError) return undefined
    throw error
  }
}
