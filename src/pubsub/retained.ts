import { encodeTerm } from '../term/encode.ts'
import type { EncodedTerm } from '../term/encoded-term.ts'
import { type DecodeOptions, decode, type Term } from '../term/index.ts'
import type { RetainedStamp } from './engine.ts'
import type { RetainOptions } from './pubsub-options.ts'

/** A value kept for late subscribers. */
export interface Retained {
  readonly topic: string
  readonly stamp: RetainedStamp
  readonly encoded: EncodedTerm
}

/** Stamps further ahead of this node's clock are not believed, in milliseconds: they could never be replaced. */
const MAX_AHEAD = 24 * 3600 * 1000
/** What a value counts beside its bytes. */
const OVERHEAD = 256

const VERSION = Buffer.from([131])
/** In which every term comes back as it was. */
export const EXACT: DecodeOptions = { binaries: 'auto', maps: 'map', floats: 'exact' }

/**
 * The last retained value of each topic. They are kept as bytes: what the publisher does with its object later does not
 * change them. Of two values of a topic the one with the later stamp wins, on every node.
 */
export class RetainedValues {
  readonly #limits: Required<RetainOptions>
  readonly #wall: () => number
  /** Those that were stored longest ago come first. */
  readonly #values = new Map<string, Retained>()
  #bytes = 0
  #latest = 0

  /** `wall`: milliseconds since 1970. */
  constructor(limits: Required<RetainOptions>, wall: () => number = Date.now) {
    this.#limits = limits
    this.#wall = wall
  }

  get maxBytes(): number {
    return this.#limits.bytes
  }

  get topics(): number {
    return this.#values.size
  }

  get bytes(): number {
    return this.#bytes
  }

  /** A stamp for a value of this node: later than any it has seen, also where clocks differ. */
  stamp(node: string): RetainedStamp {
    this.#latest = Math.max(this.#wall(), this.#latest + 1)
    return { time: this.#latest, node }
  }

  /** Keeps a value, unless there is a later one, or it does not fit. @throws EncodeError */
  put(topic: string, stamp: RetainedStamp, message: Term, stringKeys = false): boolean {
    if (!this.isNews(topic, stamp)) return false
    const encoded = encodeTerm(message, { keys: stringKeys ? 'strings' : 'atoms', ours: true })
    const weight = weigh(topic, encoded)
    this.#latest = Math.max(this.#latest, stamp.time)
    this.#forget(topic)
    if (weight > this.#limits.bytes) return true
    this.#values.set(topic, { topic, stamp, encoded })
    this.#bytes += weight
    while (this.#values.size > this.#limits.topics || this.#bytes > this.#limits.bytes) {
      const [oldest] = this.#values.keys()
      this.#forget(oldest as string)
    }
    return true
  }

  /** Whether a stamp is later than that of the value here, and can be believed. */
  isNews(topic: string, stamp: RetainedStamp): boolean {
    if (stamp.time > this.#wall() + MAX_AHEAD) return false
    const known = this.#values.get(topic)
    return known === undefined || isLater(stamp, known.stamp)
  }

  /** Those that are later than what is known, up to a number of bytes and one more. */
  laterThan(
    known: ReadonlyMap<string, RetainedStamp>,
    maxBytes: number,
  ): { readonly values: readonly Retained[]; readonly more: boolean } {
    const values: Retained[] = []
    let bytes = 0
    for (const value of this.#values.values()) {
      const stamp = known.get(value.topic)
      if (stamp !== undefined && !isLater(value.stamp, stamp)) continue
      if (bytes >= maxBytes) return { values, more: true }
      values.push(value)
      bytes += weigh(value.topic, value.encoded)
    }
    return { values, more: false }
  }

  get(topic: string): Retained | undefined {
    return this.#values.get(topic)
  }

  all(): IterableIterator<Retained> {
    return this.#values.values()
  }

  #forget(topic: string): void {
    const known = this.#values.get(topic)
    if (known === undefined) return
    this.#values.delete(topic)
    this.#bytes -= weigh(topic, known.encoded)
  }
}

/** The value itself, decoded as a subscriber wants it. */
export function messageOf({ encoded }: Retained, terms: DecodeOptions): Term {
  return decode(Buffer.concat([VERSION, encoded.bytes]), terms)
}

export function isLater(a: RetainedStamp, b: RetainedStamp): boolean {
  return a.time > b.time || (a.time === b.time && a.node > b.node)
}

function weigh(topic: string, { bytes }: EncodedTerm): number {
  return OVERHEAD + 2 * topic.length + bytes.length
}
