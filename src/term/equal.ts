import { atomName } from './atom.ts'
import { ExternalFun, Fun } from './fun.ts'
import { Pid, Port, Reference } from './identifiers.ts'
import { isMapLike, type MapLike } from './map-like.ts'
import { Bitstring, Float, ImproperList, NativeRecord } from './special.ts'
import type { Term } from './term.ts'
import { asBuffer, checkDepth, funParts, recordParts, termKey } from './term-key.ts'
import { Tuple } from './tuple.ts'

/**
 * Whether two values are the same Erlang term: `=:=` as OTP 27 and later have it (0.0 and −0.0 differ).
 *
 * It looks at what the values stand for: `1` and `1n` are equal, a string and the bytes of its UTF-8, a plain object
 * and a `Map` of the same atoms, `true` and `atom('true')`. The integer `1` and `new Float(1)` are not.
 *
 * @throws TsunagiError `ERR_LIMIT` for terms that nest deeper than 2000 levels, or contain themselves.
 */
export function equal(a: Term, b: Term): boolean {
  const pairs = new Pairs()
  pairs.push(a, b, 0)
  return pairs.allSame()
}

/**
 * The value of a key in a decoded map, whether that is a plain object or a `Map`; undefined when it has no such key.
 * Finds keys that are {@link equal}, so tuples, lists and pids too, which `Map.prototype.get` does not; for these it
 * walks the map.
 *
 * @example
 * mapGet(decoded, tuple(atom('connection_id'), atom('a@host')))
 */
export function mapGet(map: MapLike, key: Term): Term | undefined {
  if (!(map instanceof Map)) {
    const name = atomName(key)
    return name !== undefined && Object.hasOwn(map, name) ? (map as Record<string, Term>)[name] : undefined
  }
  const found = keyIn(map, key)
  return found === undefined ? undefined : map.get(found.key)
}

/** Whether {@link mapGet} finds the key. */
export function mapHas(map: MapLike, key: Term): boolean {
  if (map instanceof Map) return keyIn(map, key) !== undefined
  const name = atomName(key)
  return name !== undefined && Object.hasOwn(map, name)
}

/** The key as the map holds it. */
function keyIn(map: ReadonlyMap<Term, Term>, key: Term): { readonly key: Term } | undefined {
  // A Map takes −0 for 0, which are a float and an integer.
  if (map.has(key) && !Object.is(key, -0)) return { key }
  for (const candidate of map.keys()) if (equal(candidate, key)) return { key: candidate }
  return undefined
}

/** Pairs that are still to be compared, and how deep they are. A list, not the stack: terms may be deep. */
class Pairs {
  readonly #terms: Term[] = []
  readonly #depths: number[] = []

  push(a: Term, b: Term, depth: number): void {
    checkDepth(depth)
    this.#terms.push(a, b)
    this.#depths.push(depth)
  }

  /** Whether all of them, and what they contain, are equal. */
  allSame(): boolean {
    for (let depth = this.#depths.pop(); depth !== undefined; depth = this.#depths.pop()) {
      const b = this.#terms.pop()
      const a = this.#terms.pop()
      if (!same(a, b, depth, this)) return false
    }
    return true
  }
}

/** Compares two terms, all but what they contain, which it adds to the pairs. */
function same(a: Term, b: Term, depth: number, pairs: Pairs): boolean {
  if (a === b) return a !== 0 || Object.is(a, b)
  if (typeof a === 'string') return b instanceof Uint8Array && sameBytes(b, a)
  if (isSimple(a)) return isSimple(b) && termKey(a) === termKey(b)
  if (a instanceof Uint8Array) return sameBytes(a, b)
  const elements = (as: readonly Term[], bs: readonly Term[]) => addAll(as, bs, depth + 1, pairs)
  if (a instanceof Tuple) return b instanceof Tuple && elements(a, b)
  if (Array.isArray(a)) return Array.isArray(b) && !(b instanceof Tuple) && elements(a, b)
  if (a instanceof ImproperList) {
    return b instanceof ImproperList && elements([...a.elements, a.tail], [...b.elements, b.tail])
  }
  if (a instanceof Pid || a instanceof Port || a instanceof Reference) return a.equals(b)
  if (a instanceof Bitstring) return b instanceof Bitstring && a.bits === b.bits && sameBytes(a.bytes, b.bytes)
  if (a instanceof ExternalFun) return b instanceof ExternalFun && termKey(a) === termKey(b)
  if (a instanceof Fun) return b instanceof Fun && elements(funParts(a), funParts(b))
  if (a instanceof NativeRecord) return b instanceof NativeRecord && elements(recordParts(a), recordParts(b))
  return isMapLike(a) && isMapLike(b) && addMaps(a, b, depth + 1, pairs)
}

/** Whether the key of a term costs little. */
function isSimple(term: Term): boolean {
  return typeof term !== 'object' || term instanceof Float || atomName(term) !== undefined
}

function addAll(a: readonly Term[], b: readonly Term[], depth: number, pairs: Pairs): boolean {
  if (a.length !== b.length) return false
  // The first on top: what differs early is found early.
  for (let i = a.length - 1; i >= 0; i--) pairs.push(a[i], b[i], depth)
  return true
}

function sameBytes(a: Uint8Array, b: Term): boolean {
  if (b instanceof Uint8Array) return a.length === b.length && asBuffer(a).equals(b)
  return typeof b === 'string' && a.length >= b.length && b.isWellFormed() && asBuffer(a).equals(Buffer.from(b))
}

/** Matches keys by name or identity where that does, else by an index, so that it takes linear time. */
function addMaps(a: MapLike, b: MapLike, depth: number, pairs: Pairs): boolean {
  if (!(a instanceof Map)) return addProperties(a as Record<string, Term>, b, depth, pairs)
  if (!(b instanceof Map)) return addProperties(b as Record<string, Term>, a, depth, pairs)
  if (a.size !== b.size) return false
  let index: Map<unknown, Term> | undefined
  for (const [key, value] of a as ReadonlyMap<Term, Term>) {
    let other = key
    if (!b.has(key)) {
      index ??= new Map(Array.from(b.keys(), (candidate: Term) => [termKey(candidate), candidate]))
      const wanted = termKey(key)
      if (!index.has(wanted)) return false
      other = index.get(wanted)
    }
    pairs.push(value, b.get(other), depth)
  }
  return true
}

function addProperties(a: Readonly<Record<string, Term>>, b: MapLike, depth: number, pairs: Pairs): boolean {
  const others = b instanceof Map ? Array.from(b as ReadonlyMap<Term, Term>) : Object.entries(b)
  if (Object.keys(a).length !== others.length) return false
  for (const [key, value] of others) {
    const name = b instanceof Map ? atomName(key) : (key as string)
    if (name === undefined || !Object.hasOwn(a, name)) return false
    pairs.push(a[name], value, depth)
  }
  return true
}
