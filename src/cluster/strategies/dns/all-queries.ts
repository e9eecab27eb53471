import type { FoundNode, PartialAnswer } from '../../strategy.ts'
import { manyFailed, type Records } from './dns-lookup.ts'

/** Questions asked at a time. */
const PARALLEL = 16

/** More errors than these become one. */
const MAX_ERRORS = 10

/**
 * Asks for each item. What fails hides none of the others; rejects when not one of them was answered.
 */
export async function askAll<I>(
  items: readonly I[],
  ask: (item: I) => Promise<Records<FoundNode>>,
): Promise<PartialAnswer & Records<FoundNode>> {
  const outcomes: (Records<FoundNode> | undefined)[] = items.map(() => undefined)
  const errors: Error[] = []
  const queue = items.entries()
  const work = async (): Promise<void> => {
    for (const [i, item] of queue) {
      try {
        outcomes[i] = await ask(item)
      } catch (error) {
        errors.push(error as Error)
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(PARALLEL, items.length) }, work))
  if (errors.length === items.length && items.length > 0) throw errors.length === 1 ? errors[0] : manyFailed(errors)
  const answered = outcomes.filter((it) => it !== undefined)
  const records = answered.flatMap((it) => it.records)
  const all = [...errors, ...answered.flatMap((it) => it.errors)]
  return { nodes: records, records, errors: all.length > MAX_ERRORS ? [manyFailed(all)] : all }
}
