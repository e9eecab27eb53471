import { isUtf8 } from 'node:buffer'
import { type Atom, atom, MAX_ATOM_CHARACTERS } from './atom.ts'

const SLOTS = 2048

/**
 * From an atom's bytes to the atom, without making a string each time. Direct-mapped, so that it holds on to no more
 * than its slots; one for the whole process.
 */
const slots: (Atom | undefined)[] = new Array(SLOTS).fill(undefined)

/** The atom spelt in UTF-8 by `bytes[start, start + length)`; undefined when that is no valid atom. */
export function atomFromUtf8(bytes: Buffer, start: number, length: number): Atom | undefined {
  let hash = length
  const end = start + length
  for (let i = start; i < end; i++) hash = (Math.imul(hash, 31) + (bytes[i] as number)) | 0
  const slot = (hash ^ (hash >>> 11)) & (SLOTS - 1)
  const known = slots[slot]
  if (known !== undefined && known.utf8.length === length) {
    const { utf8 } = known
    let i = 0
    while (i < length && utf8[i] === bytes[start + i]) i++
    if (i === length) return known
  }
  const spelt = bytes.subarray(start, end)
  if (!isUtf8(spelt)) return undefined
  const name = spelt.toString('utf8')
  if (name.length > MAX_ATOM_CHARACTERS && [...name].length > MAX_ATOM_CHARACTERS) return undefined
  const found = atom(name)
  slots[slot] = found
  return found
}
