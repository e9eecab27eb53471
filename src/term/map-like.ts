import { atom } from './atom.ts'
import type { Term } from './term.ts'

/** The two forms a map can have here. */
export type MapLike = ReadonlyMap<Term, Term> | { readonly [key: string]: Term }

/** Whether it is an object as `{}` or `Object.create(null)` make one, and not of some class. */
export function isPlainObject(value: unknown): value is { readonly [key: string]: Term } {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

/** Whether it is a map in one of its two forms. */
export function isMapLike(value: unknown): value is MapLike {
  return value instanceof Map || isPlainObject(value)
}

/** The pairs of a map; the keys of a plain object as atoms. */
export function* entries(map: MapLike): Iterable<[Term, Term]> {
  if (map instanceof Map) yield* map
  else for (const [name, value] of Object.entries(map)) yield [atom(name), value as Term]
}
