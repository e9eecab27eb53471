import type { Reference } from '../term/identifiers.ts'
import type { DecodeOptions, Term } from '../term/term.ts'
import type { LocalProcess } from './local-process.ts'
import type { ReferenceUse } from './references.ts'
import type { MessageReceiver } from './router.ts'

/** A reference under which a process gets messages, for as long as it wants. */
export class Alias implements ReferenceUse, MessageReceiver {
  readonly ref: Reference
  readonly owner: LocalProcess
  readonly #once: boolean

  /** With `once` it is gone after the first message. */
  constructor(ref: Reference, owner: LocalProcess, once: boolean) {
    this.ref = ref
    this.owner = owner
    this.#once = once
  }

  get receiver(): this {
    return this
  }

  get terms(): DecodeOptions | undefined {
    return this.owner.terms
  }

  deliver(message: Term, bytes: number): void {
    if (this.#once) this.owner.forgetAlias(this)
    this.owner.deliver(message, bytes)
  }
}
