import type { ReplicaKey } from './replica.ts'

/** How far a replica has seen each replica's history: all up to that clock. */
export type Context = ReadonlyMap<ReplicaKey, number>

/** Whether `a` has seen all that `b` has. One that names fewer replicas has not. */
export function dominates(a: Context, b: Context): boolean {
  if (a.size < b.size) return false
  for (const [replica, clock] of b) if ((a.get(replica) ?? 0) < clock) return false
  return true
}

/** Whether `a` has, of each replica that it names, seen all that `b` has. */
export function coversOwn(a: Context, b: Context): boolean {
  if (a.size === 0) return b.size === 0
  for (const [replica, clock] of a) if (clock < (b.get(replica) ?? 0)) return false
  return true
}

/** Of each replica that either names, the later clock. */
export function upperBound(a: Context, b: Context): Context {
  return merge(a, b, Math.max)
}

/** Of each replica that either names, the earlier clock of those that name it. */
export function lowerBound(a: Context, b: Context): Context {
  return merge(a, b, Math.min)
}

/** What a context says of the replicas that another one names. */
export function restrict(context: Context, known: Context): Context {
  return new Map([...context].filter(([replica]) => known.has(replica)))
}

function merge(a: Context, b: Context, choose: (a: number, b: number) => number): Context {
  const merged = new Map(a)
  for (const [replica, clock] of b) merged.set(replica, choose(clock, merged.get(replica) ?? clock))
  return merged
}

/** A replica and how far it has seen. */
export interface SeenBy {
  readonly replica: ReplicaKey
  readonly context: Context
}

/**
 * Adds one to those that have seen what none of the others has; answers the ones who together have seen everything. Asking
 * only these brings a replica up to date with the fewest transfers.
 */
export function keepDominant(seen: readonly SeenBy[], next: SeenBy): readonly SeenBy[] {
  if (next.context.size === 0) return seen
  const all = seen.reduce<Context>((sum, { context }) => upperBound(sum, context), new Map())
  if (dominates(next.context, all)) return [next]
  if (dominates(all, next.context)) return seen
  const kept = seen.filter(({ context }) => !dominates(next.context, context))
  const adds = kept.length < seen.length || kept.some(({ context }) => !dominates(context, next.context))
  return adds ? [next, ...kept] : kept
}
