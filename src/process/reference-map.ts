import type { Reference } from '../term/identifiers.ts'

interface Entry<Value> {
  readonly ref: Reference
  readonly value: Value
}

/**
 * A map by reference that builds no key text, for references that peers made. Entries are found by a number made of
 * two words; those few (or those of a peer that wants to be slow) that share one are kept in a map by text.
 */
export class ReferenceMap<Value> {
  readonly #entries = new Map<number, Entry<Value> | Map<string, Entry<Value>>>()
  #size = 0

  get size(): number {
    return this.#size
  }

  get(ref: Reference): Value | undefined {
    const found = this.#entries.get(hash(ref))
    if (found === undefined) return undefined
    if (found instanceof Map) return found.get(ref.key)?.value
    return same(found.ref, ref) ? found.value : undefined
  }

  /** Adds an entry; the reference must not be in the map. */
  add(ref: Reference, value: Value): void {
    const at = hash(ref)
    const entry = { ref, value }
    const found = this.#entries.get(at)
    if (found === undefined) this.#entries.set(at, entry)
    else if (found instanceof Map) found.set(ref.key, entry)
    else {
      this.#entries.set(
        at,
        new Map([
          [found.ref.key, found],
          [ref.key, entry],
        ]),
      )
    }
    this.#size++
  }

  delete(ref: Reference): Value | undefined {
    const at = hash(ref)
    const found = this.#entries.get(at)
    if (found === undefined) return undefined
    let removed: Entry<Value> | undefined
    if (found instanceof Map) {
      removed = found.get(ref.key)
      found.delete(ref.key)
      if (found.size === 0) this.#entries.delete(at)
    } else if (same(found.ref, ref)) {
      removed = found
      this.#entries.delete(at)
    }
    if (removed !== undefined) this.#size--
    return removed?.value
  }

  *values(): Generator<Value, void, undefined> {
    for (const found of this.#entries.values()) {
      if (found instanceof Map) for (const entry of found.values()) yield entry.value
      else yield found.value
    }
  }
}

/** OTP counts in the first words of a reference. */
function hash({ words }: Reference): number {
  return Math.imul(words[0] ?? 0, 0x9e3779b1) ^ (words[1] ?? 0)
}

function same(a: Reference, b: Reference): boolean {
  if (a === b) return true
  if (a.nodeAtom !== b.nodeAtom || a.creation !== b.creation || a.words.length !== b.words.length) return false
  for (let i = 0; i < a.words.length; i++) if (a.words[i] !== b.words[i]) return false
  return true
}
