import { OptionError } from '../../base/errors.ts'
import { decode, encode, Fun, ImproperList, NativeRecord, type Term } from '../../term/index.ts'
import { entries, isMapLike } from '../../term/map-like.ts'
import { floatOf, funParts, recordParts } from '../../term/term-key.ts'

/**
 * A copy of a group's name that stays as it is, whatever becomes of the original: peers are told the same name in all
 * messages, and a BEAM's scope does not outlive a leave of a group it does not know.
 *
 * @throws EncodeError when it is no term.
 */
export function ownName(group: Term): Term {
  const bytes = encode(group)
  return typeof group === 'object' && group !== null ? decode(bytes, { floats: 'exact' }) : group
}

/**
 * Refuses −0.0 in the name of a group: before OTP 27 it is the same as 0.0, so that a node of then would take two groups
 * for one. `key`: what `termKey` makes of the name.
 */
export function checkZeros(group: Term, key: unknown): void {
  if (typeof key !== 'string' || !key.includes('f-0;') || !hasNegativeZero(group)) return
  throw new OptionError('group', group, 'a name without -0.0, which OTP 25 and 26 take for 0.0')
}

function hasNegativeZero(term: Term): boolean {
  return Object.is(floatOf(term), -0) || partsOf(term).some(hasNegativeZero)
}

function partsOf(term: Term): readonly Term[] {
  if (typeof term !== 'object' || term === null || term instanceof Uint8Array) return []
  if (Array.isArray(term)) return term
  if (term instanceof ImproperList) return [...term.elements, term.tail]
  if (term instanceof Fun) return funParts(term)
  if (term instanceof NativeRecord) return recordParts(term)
  return isMapLike(term) ? Array.from(entries(term)).flat() : []
}
