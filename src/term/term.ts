import type { Atom } from './atom.ts'
import type { ExternalFun, Fun } from './fun.ts'
import type { Pid, Port, Reference } from './identifiers.ts'
import type { Bitstring, Float, ImproperList, NativeRecord } from './special.ts'
import type { Tuple } from './tuple.ts'

/** Everything that can travel: the JavaScript side of Erlang's terms. The table is in `docs/terms.md`. */
export type Term =
  | number
  | bigint
  | boolean
  | null
  | undefined
  | string
  | Uint8Array
  | Atom
  | Tuple
  | Pid
  | Port
  | Reference
  | ExternalFun
  | Fun
  | Bitstring
  | ImproperList
  | Float
  | NativeRecord
  | readonly Term[]
  | ReadonlyMap<Term, Term>
  | { readonly [key: string]: Term }

/** How terms become JavaScript values. */
export interface DecodeOptions {
  /** `'auto'` (default): text when it is valid UTF-8, else bytes; `'string'`: always text; `'bytes'`: always bytes. */
  readonly binaries?: 'auto' | 'string' | 'bytes'
  /** `'auto'` (default): plain object when all keys are atoms, else `Map`; `'object'`: keys become text where atoms, text or numbers; `'map'`: always `Map`. */
  readonly maps?: 'auto' | 'object' | 'map'
  /** `'number'` (default), or `'exact'`: floats without a fraction come as {@link Float}, so that `1.0` stays `1.0`. */
  readonly floats?: 'number' | 'exact'
}

/** How JavaScript values become terms. */
export interface EncodeOptions {
  /** What the keys of plain objects become: `'atoms'` (default) or `'strings'` (binaries). */
  readonly keys?: 'atoms' | 'strings'
}

/** Options for both directions. */
export interface TermOptions extends DecodeOptions, EncodeOptions {}
