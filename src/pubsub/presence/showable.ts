import { OptionError } from '../../base/errors.ts'
import { EncodeError, Float, isAtom, type Term, Tuple } from '../../term/index.ts'

/**
 * Refuses a key that ends a Phoenix.Presence, which shows all of them as text: `to_string` raises for it.
 *
 * @throws OptionError
 */
export function checkKey(key: Term): void {
  if (typeof key !== 'object' || key === null || isAtom(key)) return
  throw new OptionError('key', key, 'text, a number or an atom, which is what Phoenix.Presence can show (or anyTerms)')
}

/**
 * Refuses a meta that ends a Phoenix.Presence whose topic has channels, for which it is turned into JSON.
 *
 * @param meta decoded with `maps: 'map'` and `floats: 'exact'`.
 * @throws EncodeError with the path to what JSON does not have, such as tuples and bytes.
 */
export function checkMeta(meta: ReadonlyMap<Term, Term>): void {
  checkJson(meta, 'meta')
}

function checkJson(term: Term, path: string): void {
  if (typeof term !== 'object' || term === null || isAtom(term) || term instanceof Float) return
  if (term instanceof Map) {
    for (const [key, value] of term as ReadonlyMap<Term, Term>) {
      if (typeof key !== 'string' && typeof key !== 'number' && !isAtom(key)) refuse('whose keys are text', path)
      checkJson(value, `${path}.${isAtom(key) ? key.name : String(key)}`)
    }
  } else if (Array.isArray(term) && !(term instanceof Tuple)) {
    for (const [i, item] of (term as readonly Term[]).entries()) checkJson(item, `${path}[${i}]`)
  } else refuse('which has no such value', path)
}

function refuse(why: string, path: string): never {
  throw new EncodeError(`Phoenix.Presence shows metas as JSON, ${why} (or anyTerms)`, path)
}
