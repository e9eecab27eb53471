import {
  type Atom,
  atom,
  DecodeError,
  type DecodeOptions,
  decode,
  type EncodeOptions,
  encode,
  type Pid,
  type Term,
} from '../../term/index.ts'
import type { Entry } from './entry.ts'
import { replicaName } from './replica.ts'

/**
 * What is known of somebody who is present: what `track` was given, and `phx_ref`, which is another one after each update,
 * and `phx_ref_prev` after an update.
 */
export type Meta = { readonly [key: string]: Term } | ReadonlyMap<Term, Term>

/** Somebody who is present on a topic. */
export interface Present {
  readonly topic: string
  readonly key: Term
  readonly meta: Meta
  /** The process it belongs to. */
  readonly pid: Pid
  /** The node whose tracker tracks it. */
  readonly node: string
}

export const PHX_REF: Atom = atom('phx_ref')
export const PHX_REF_PREV: Atom = atom('phx_ref_prev')

/** How terms are kept: every one comes back as it was. */
export const EXACT = { binaries: 'auto', maps: 'map', floats: 'exact' } as const satisfies DecodeOptions

/** A copy that stays as it is, and that is sent alike whatever the options of who sends it. @throws EncodeError */
export function exactCopy(term: Term, options: EncodeOptions): Term {
  const bytes = encode(term, options)
  return typeof term === 'object' && term !== null ? decode(bytes, EXACT) : term
}

/** Kept terms as somebody wants them decoded. Each is made when it is asked for, once. */
export class Views {
  readonly #terms: DecodeOptions
  readonly #metas = new WeakMap<Entry, Meta>()

  constructor(terms: DecodeOptions) {
    this.#terms = terms
  }

  present(entry: Entry): Present {
    return new EntryView(entry, this)
  }

  /** The same object each time. Treat it as immutable. */
  meta(entry: Entry): Meta {
    let meta = this.#metas.get(entry)
    if (meta === undefined) {
      meta = this.of(entry.meta) as Meta
      this.#metas.set(entry, meta)
    }
    return meta
  }

  /** What another node put there may be more than these options have a form for: then it is as it was kept. */
  of(term: Term): Term {
    if (typeof term !== 'object' || term === null) return term
    try {
      return decode(encode(term), this.#terms)
    } catch (error) {
      if (error instanceof DecodeError) return term
      throw error
    }
  }
}

/** An entry as somebody who is present. */
class EntryView implements Present {
  readonly #entry: Entry
  readonly #views: Views

  constructor(entry: Entry, views: Views) {
    this.#entry = entry
    this.#views = views
  }

  get topic(): string {
    return this.#entry.topic as string
  }

  get key(): Term {
    return this.#views.of(this.#entry.key)
  }

  get meta(): Meta {
    return this.#views.meta(this.#entry)
  }

  get pid(): Pid {
    return this.#entry.pid
  }

  get node(): string {
    return replicaName(this.#entry.replica)
  }
}
