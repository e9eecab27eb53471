import type { Entry } from './entry.ts'
import type { ReplicaKey } from './replica.ts'

/** Tags that were seen, by their replicas: what a context has no room for, since earlier ones are missing. */
export type Clouds = ReadonlyMap<ReplicaKey, ReadonlySet<number>>
export type MutableClouds = Map<ReplicaKey, Set<number>>

/** Entries by their tags. */
export type Values = ReadonlyMap<ReplicaKey, ReadonlyMap<number, Entry>>
export type MutableValues = Map<ReplicaKey, Map<number, Entry>>

export function inClouds(clouds: Clouds, replica: ReplicaKey, clock: number): boolean {
  return clouds.get(replica)?.has(clock) === true
}

export function addToClouds(clouds: MutableClouds, replica: ReplicaKey, clock: number): void {
  const cloud = clouds.get(replica)
  if (cloud === undefined) clouds.set(replica, new Set([clock]))
  else cloud.add(clock)
}

export function unionClouds(a: Clouds, b: Clouds): MutableClouds {
  const union = new Map(Array.from(a, ([replica, cloud]) => [replica, new Set(cloud)]))
  for (const [replica, cloud] of b) for (const clock of cloud) addToClouds(union, replica, clock)
  return union
}

export function inValues(values: Values, { replica, clock }: Entry): boolean {
  return values.get(replica)?.has(clock) === true
}

export function addToValues(values: MutableValues, entry: Entry): void {
  const own = values.get(entry.replica)
  if (own === undefined) values.set(entry.replica, new Map([[entry.clock, entry]]))
  else own.set(entry.clock, entry)
}

export function* allValues(values: Values): Generator<Entry, void, undefined> {
  for (const own of values.values()) yield* own.values()
}

/** What one of these maps has of the replicas that `known` names. */
export function restrictKeys<T>(
  map: ReadonlyMap<ReplicaKey, T>,
  known: ReadonlyMap<ReplicaKey, unknown>,
): Map<ReplicaKey, T> {
  return new Map([...map].filter(([replica]) => known.has(replica)))
}

/** How many are in one of these maps, over all replicas. */
export function countAll(map: ReadonlyMap<ReplicaKey, { readonly size: number }>): number {
  let count = 0
  for (const { size } of map.values()) count += size
  return count
}
