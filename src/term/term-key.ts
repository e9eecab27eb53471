import { isUtf8 } from 'node:buffer'
import { TsunagiError } from '../base/errors.ts'
import { defaultLimits } from '../base/limits.ts'
import { atomName, isAtom } from './atom.ts'
import { ExternalFun, Fun } from './fun.ts'
import { Pid, Port, Reference } from './identifiers.ts'
import { entries, type MapLike } from './map-like.ts'
import { Bitstring, Float, ImproperList, NativeRecord } from './special.ts'
import type { Term } from './term.ts'
import { Tuple } from './tuple.ts'

/** What a number is when it is a float on the wire: `Float`, with a fraction, −0, or beyond the safe integers. */
export function floatOf(value: unknown): number | undefined {
  if (value instanceof Float) return value.value
  if (typeof value !== 'number') return undefined
  return Number.isSafeInteger(value) && !Object.is(value, -0) ? undefined : value
}

/**
 * A primitive that is the same (as `Map` and `Set` compare) for two terms exactly when Erlang's `=:=` holds between them.
 *
 * @throws TsunagiError `ERR_LIMIT` for a term that nests deeper than 2000 levels, or contains itself.
 */
export function termKey(term: Term): unknown {
  if (typeof term === 'number' && floatOf(term) === undefined) return term
  if (typeof term === 'bigint') return Number.isSafeInteger(Number(term)) ? Number(term) : term
  const name = atomName(term)
  if (name !== undefined) return isAtom(term) ? term.value : term
  try {
    return spell(term, 0)
  } catch (error) {
    // Little of the stack was left.
    if (error instanceof RangeError) checkDepth(Number.POSITIVE_INFINITY)
    throw error
  }
}

/** Throws when a walk over a term got too deep for the stack. */
export function checkDepth(depth: number): void {
  if (depth <= defaultLimits.termDepth) return
  throw new TsunagiError('ERR_LIMIT', `a term nests deeper than ${defaultLimits.termDepth} levels, or contains itself`)
}

/** A text for each term. Its parts say how long they are, so that no two terms are spelt alike. */
function spell(term: Term, depth: number): string {
  checkDepth(depth)
  const name = atomName(term)
  if (name !== undefined) return text('a', name)
  const float = floatOf(term)
  if (float !== undefined) return `f${Object.is(float, -0) ? '-0' : float};`
  if (typeof term === 'number' || typeof term === 'bigint') return `i${term};`
  if (typeof term === 'string') return text('s', term)
  if (term instanceof Uint8Array) return bytes(term)
  if (term instanceof Tuple) return all('t', term, depth)
  if (Array.isArray(term)) return all('l', term, depth)
  if (term instanceof ImproperList) return all('h', [...term.elements, term.tail], depth)
  if (term instanceof Pid) return text('p', term.key)
  if (term instanceof Port) return text('o', term.key)
  if (term instanceof Reference) return text('r', term.key)
  if (term instanceof Bitstring) return text(`x${term.bits}.`, latin1(term.bytes))
  if (term instanceof ExternalFun) return all('e', [term.module, term.function, term.arity], depth)
  if (term instanceof Fun) return all('u', funParts(term), depth)
  if (term instanceof NativeRecord) return all('n', recordParts(term), depth)
  const pairs = Array.from(entries(term as MapLike), (pair) => all('k', pair, depth))
  return `m${pairs.length}:${pairs.sort().join('')}`
}

function all(kind: string, terms: readonly Term[], depth: number): string {
  let spelt = `${kind}${terms.length}:`
  for (const term of terms) spelt += spell(term, depth + 1)
  return spelt
}

function text(kind: string, value: string): string {
  return `${kind}${value.length}:${value}`
}

/** Bytes that are UTF-8 are the same binary as their text. */
function bytes(value: Uint8Array): string {
  return isUtf8(value) ? text('s', asBuffer(value).toString('utf8')) : text('b', latin1(value))
}

function latin1(value: Uint8Array): string {
  return asBuffer(value).toString('latin1')
}

/** A view of the same memory. */
export function asBuffer(value: Uint8Array): Buffer {
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength)
}

/** What makes two local functions the same to Erlang: not the process that made them. */
export function funParts({ fields }: Fun): Term[] {
  const { module, arity, index, uniq, oldIndex, oldUniq, free } = fields
  return [module, arity, index, uniq, oldIndex, oldUniq, ...free]
}

/** What makes two native records the same: also the order of their fields, and whether they are exported. */
export function recordParts({ module, name, flags, fields }: NativeRecord): Term[] {
  return [module, name, flags, ...fields.keys(), ...fields.values()]
}
