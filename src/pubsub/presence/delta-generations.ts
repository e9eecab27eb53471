import { type Context, coversOwn, dominates, restrict } from './clock.ts'
import { type Delta, deltaSize, forgetInDelta, mergeDeltas } from './delta.ts'
import type { ReplicaKey } from './replica.ts'

/**
 * The last deltas of all replicas, merged into a few ever larger ones: who missed some gets the smallest that has them
 * all instead of the whole state. A generation that would grow over its size begins anew with what the one before it
 * had to let go.
 */
export class DeltaGenerations {
  readonly #sizes: readonly number[]
  #deltas: readonly Delta[] = []

  /** `sizes`: the most entries and tags of each generation, the smallest first. */
  constructor(sizes: readonly number[]) {
    this.#sizes = sizes
  }

  get deltas(): readonly Delta[] {
    return this.#deltas
  }

  /** Adds a delta. `pending`: what the own replica has not yet told, with which the first generations begin. */
  push(pending: Delta, delta: Delta): void {
    const current = this.#deltas.length === 0 ? this.#sizes.map(() => pending) : this.#deltas
    let previous = delta
    this.#deltas = current.map((generation, i) => {
      const merged = mergeDeltas(generation, delta)
      if (merged === undefined) {
        previous = generation
        return generation
      }
      const kept = deltaSize(merged) <= (this.#sizes[i] as number) ? merged : previous
      previous = merged
      return kept
    })
  }

  /** The smallest delta that takes whoever has seen `context` further; undefined when only the whole state does. */
  find(context: Context): Delta | undefined {
    return this.#deltas.find((delta) => {
      const start = restrict(delta.start, context)
      const end = restrict(delta.end, context)
      return !coversOwn(start, end) && coversOwn(context, start) && !dominates(context, end)
    })
  }

  /** Takes out what a replica that is gone for good has done. */
  forget(replica: ReplicaKey): void {
    this.#deltas = this.#deltas.map((delta) => forgetInDelta(delta, replica))
  }

  /** Begins anew: the state now holds what no delta told. */
  clear(): void {
    this.#deltas = []
  }
}
