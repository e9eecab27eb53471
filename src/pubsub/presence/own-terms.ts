import { randomBytes } from 'node:crypto'
import { OptionError } from '../../base/errors.ts'
import { instance } from '../../base/options.ts'
import type { EncodeOptions, Term } from '../../term/index.ts'
import { isMapLike } from '../../term/map-like.ts'
import { exactCopy, type Meta, PHX_REF, PHX_REF_PREV } from './present.ts'
import { checkKey, checkMeta } from './showable.ts'

/** Makes what is kept, and told to others, of the keys and metas that this program tracks. */
export class OwnTerms {
  readonly #anyTerms: boolean
  readonly #options: EncodeOptions

  /** `options`: how the pub/sub translates terms. */
  constructor(anyTerms: boolean, options: EncodeOptions) {
    this.#anyTerms = anyTerms
    this.#options = options
  }

  /** @throws OptionError; EncodeError for what is no term, of which nobody could be told */
  key(key: Term): Term {
    if (key === undefined) throw new OptionError('key', key, 'a key')
    if (!this.#anyTerms) checkKey(key)
    return exactCopy(key, this.#options)
  }

  /**
   * A meta with a reference of its own, and that of the one whose place it takes.
   *
   * @throws OptionError, EncodeError
   */
  meta(meta: Meta, previous: string | undefined): Term {
    instance(meta, 'meta', 'a plain object or a Map', isMapLike)
    const term = exactCopy(meta, this.#options) as Map<Term, Term>
    if (!this.#anyTerms) checkMeta(term)
    for (const name of [PHX_REF, PHX_REF_PREV]) {
      term.delete(name)
      term.delete(name.name)
    }
    term.set(PHX_REF, randomBytes(12).toString('base64url'))
    if (previous !== undefined) term.set(PHX_REF_PREV, previous)
    return term
  }
}
