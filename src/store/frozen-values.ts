import { isAtom } from '../term/atom.ts'
import { Pid, Port, Reference } from '../term/identifiers.ts'
import { decode, type Term, type TermOptions } from '../term/index.ts'
import { isPlainObject } from '../term/map-like.ts'
import { Float, ImproperList } from '../term/special.ts'
import type { ValueReader } from './replication/stored-entry.ts'

/**
 * Decodes values and freezes them all the way down, so that one copy does for all readers. Byte arrays and `Map`s cannot be
 * frozen: a value with one in it is not to be shared.
 */
export class FrozenValues implements ValueReader {
  readonly #terms: TermOptions

  /** @param terms how values are decoded */
  constructor(terms: TermOptions) {
    this.#terms = terms
  }

  /** @throws DecodeError */
  read(bytes: Uint8Array): { readonly value: Term; readonly shared: boolean } {
    const value = decode(bytes, this.#terms)
    return { value, shared: freeze(value) }
  }
}

/** Freezes what can be frozen; false when something in it could not be. */
function freeze(value: Term): boolean {
  if (typeof value !== 'object' || value === null) return true
  let whole = true
  const left: object[] = [value]
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    // These have nothing that can be changed.
    if (isAtom(next) || next instanceof Pid || next instanceof Reference || next instanceof Port) continue
    if (Array.isArray(next)) {
      for (const item of next) if (typeof item === 'object' && item !== null) left.push(item)
    } else if (next instanceof ImproperList) {
      left.push(next.elements)
      if (typeof next.tail === 'object' && next.tail !== null) left.push(next.tail)
    } else if (isPlainObject(next)) {
      for (const item of Object.values(next)) if (typeof item === 'object' && item !== null) left.push(item)
    } else if (!(next instanceof Float)) {
      whole = false
      continue
    }
    Object.freeze(next)
  }
  return whole
}
