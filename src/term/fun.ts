import { inspect } from 'node:util'
import type { Atom } from './atom.ts'
import { quoteAtom } from './atom.ts'
import type { Pid } from './identifiers.ts'
import { type Printable, printed } from './printable.ts'
import type { Term } from './term.ts'

/** A function named by module, function and arity: `fun lists:sum/1`. */
export class ExternalFun implements Printable {
  readonly module: Atom
  readonly function: Atom
  readonly arity: number

  constructor(module: Atom, fn: Atom, arity: number) {
    this.module = module
    this.function = fn
    this.arity = arity
  }

  toString(): string {
    return `fun ${quoteAtom(this.module.name)}:${quoteAtom(this.function.name)}/${this.arity}`
  }

  [inspect.custom](): string {
    return this.toString()
  }

  [printed](): string {
    return this.toString()
  }
}

/** What a {@link Fun} carries, field for field as NEW_FUN_EXT has it. */
export interface FunFields {
  readonly arity: number
  /** 16 bytes: the MD5 of the module's significant parts. */
  readonly uniq: Uint8Array
  readonly index: number
  readonly module: Atom
  readonly oldIndex: Term
  readonly oldUniq: Term
  readonly pid: Pid
  /** The values the function closed over, decoded without any loss. */
  readonly free: readonly Term[]
}

/** A local function (closure) of a BEAM module. It can be held and sent back, unchanged, but not called here. */
export class Fun implements Printable {
  readonly fields: FunFields

  constructor(fields: FunFields) {
    this.fields = fields
  }

  get module(): Atom {
    return this.fields.module
  }

  get arity(): number {
    return this.fields.arity
  }

  toString(): string {
    const { module, index, oldUniq } = this.fields
    return `#Fun<${quoteAtom(module.name)}.${index}.${String(oldUniq)}>`
  }

  [inspect.custom](): string {
    return this.toString()
  }

  [printed](): string {
    return this.toString()
  }
}
