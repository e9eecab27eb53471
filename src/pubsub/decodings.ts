import { DecodeError, type DecodeOptions, type Term } from '../term/index.ts'
import type { Delivery } from './delivery.ts'

/** Decodes a message of another node for one subscription. @throws DecodeError for what has no form with these options */
export type DecodeAs = (terms: DecodeOptions) => Term

/** A message as each of its subscribers wants it decoded: all who want the same get the same object. */
export class Decodings {
  readonly #usual: Delivery
  readonly #as: DecodeAs | undefined
  readonly #others = new Map<string, Delivery | DecodeError>()

  /** `as`: undefined for a message of this node, which everybody gets as it is. */
  constructor(usual: Delivery, as: DecodeAs | undefined) {
    this.#usual = usual
    this.#as = as
  }

  /** Why it has no form with these options, if it has none. */
  for(terms: DecodeOptions | undefined): Delivery | DecodeError {
    if (terms === undefined || this.#as === undefined) return this.#usual
    const key = keyOf(terms)
    let other = this.#others.get(key)
    if (other === undefined) {
      const message = tryDecode(terms, this.#as)
      other = message instanceof DecodeError ? message : { ...this.#usual, message }
      this.#others.set(key, other)
    }
    return other
  }

  /** For later, when it can be decoded no more: in the ways that were asked for before, and in others as it is. */
  readonly kept: DecodeAs = (terms) => {
    const other = this.#others.get(keyOf(terms)) ?? this.#usual
    if (other instanceof DecodeError) throw other
    return other.message
  }
}

export function tryDecode(terms: DecodeOptions, as: DecodeAs): Term | DecodeError {
  try {
    return as(terms)
  } catch (error) {
    if (error instanceof DecodeError) return error
    throw error
  }
}

/** The options that come closest to these of those that no message is refused by: `maps: 'object'` takes not all keys. */
export function refusingNone(terms: DecodeOptions): DecodeOptions {
  return terms.maps === 'object' ? { ...terms, maps: 'auto' } : terms
}

function keyOf({ binaries, maps, floats }: DecodeOptions): string {
  return `${binaries} ${maps} ${floats}`
}
