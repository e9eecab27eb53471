import { type Context, coversOwn, lowerBound, upperBound } from './clock.ts'
import type { ReplicaKey } from './replica.ts'
import {
  addToValues,
  allValues,
  type Clouds,
  countAll,
  inClouds,
  inValues,
  type MutableValues,
  restrictKeys,
  unionClouds,
  type Values,
} from './tags.ts'

/** What can be merged into a state: tags that were seen, and the entries among them that are still there. */
export interface Mergeable {
  /** All tags up to these clocks were seen. */
  readonly context: Context
  /** Further tags that were seen. */
  readonly clouds: Clouds
  readonly values: Values
}

/** What happened to replicas between two contexts. Immutable; its own context is empty, as its tags are in its clouds. */
export interface Delta extends Mergeable {
  readonly start: Context
  readonly end: Context
}

/** Nothing: of a delta's context. */
export const noContext: Context = new Map()

/** Entries and seen tags of a delta. */
export function deltaSize({ clouds, values }: Delta): number {
  return countAll(values) + countAll(clouds)
}

/** Two deltas as one; undefined when something between them is in neither. */
export function mergeDeltas(a: Delta, b: Delta): Delta | undefined {
  if (!coversOwn(b.end, a.start) || !coversOwn(a.end, b.start)) return undefined
  const values: MutableValues = new Map()
  for (const entry of allValues(a.values)) {
    if (inValues(b.values, entry) || !inClouds(b.clouds, entry.replica, entry.clock)) addToValues(values, entry)
  }
  for (const entry of allValues(b.values)) {
    if (!inClouds(a.clouds, entry.replica, entry.clock)) addToValues(values, entry)
  }
  return {
    context: noContext,
    clouds: unionClouds(a.clouds, b.clouds),
    values,
    start: lowerBound(a.start, b.start),
    end: upperBound(a.end, b.end),
  }
}

/** What a delta has of the replicas that somebody knows. */
export function extractDelta(delta: Delta, known: Context): Delta {
  return {
    context: noContext,
    clouds: restrictKeys(delta.clouds, known),
    values: restrictKeys(delta.values, known),
    start: restrictKeys(delta.start, known),
    end: restrictKeys(delta.end, known),
  }
}

/** A delta without anything of a replica that is gone for good. */
export function forgetInDelta(delta: Delta, replica: ReplicaKey): Delta {
  return {
    context: noContext,
    clouds: without(delta.clouds, replica),
    values: without(delta.values, replica),
    start: without(delta.start, replica),
    end: without(delta.end, replica),
  }
}

function without<T>(map: ReadonlyMap<ReplicaKey, T>, replica: ReplicaKey): ReadonlyMap<ReplicaKey, T> {
  const rest = new Map(map)
  rest.delete(replica)
  return rest
}
