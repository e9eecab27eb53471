import { atom, type Term } from '../../term/index.ts'

const STRUCT = atom('__struct__')
const MAP_SET = atom('Elixir.MapSet')
const MAP = atom('map')
const VERSION = atom('version')

/**
 * How an Elixir version lays out a `MapSet`. All have `map`, whose keys are the elements; up to 1.14 at least there is also
 * `version: 2`, which 1.18 and later do not have.
 */
export type MapSetShape = 'versioned' | 'plain'

/** The elements of a `MapSet` of any Elixir version, and its shape; undefined for anything else. */
export function readMapSet(term: Term): { readonly elements: Iterable<Term>; readonly shape: MapSetShape } | undefined {
  if (!(term instanceof Map) || term.get(STRUCT) !== MAP_SET) return undefined
  const map: unknown = term.get(MAP)
  if (!(map instanceof Map)) return undefined
  return { elements: map.keys() as Iterable<Term>, shape: term.has(VERSION) ? 'versioned' : 'plain' }
}

export function makeMapSet(elements: Iterable<Term>, shape: MapSetShape): Term {
  const map = new Map<Term, Term>()
  for (const element of elements) map.set(element, [])
  const set = new Map<Term, Term>([
    [STRUCT, MAP_SET],
    [MAP, map],
  ])
  return shape === 'versioned' ? set.set(VERSION, 2) : set
}
