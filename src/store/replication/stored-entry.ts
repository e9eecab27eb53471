import type { Term } from '../../term/index.ts'
import type { Entry } from '../engine.ts'
import type { Version } from '../version.ts'

/** Turns stored bytes into what readers get. */
export interface ValueReader {
  /** `shared`: frozen all the way down, so that one copy does for all readers. */
  read(bytes: Uint8Array): { readonly value: Term; readonly shared: boolean }
}

/** A key's value in a table. A change of the key makes another one. */
export class StoredEntry implements Entry {
  readonly key: string
  readonly version: Version
  readonly bytes: Uint8Array
  readonly staleAt: number | undefined
  readonly expiresAt: number | undefined
  readonly #reader: ValueReader
  #value: Term
  #read = false

  constructor(
    reader: ValueReader,
    key: string,
    version: Version,
    bytes: Uint8Array,
    staleAt: number | undefined,
    expiresAt: number | undefined,
  ) {
    this.#reader = reader
    this.key = key
    this.version = version
    this.bytes = bytes
    this.staleAt = staleAt
    this.expiresAt = expiresAt
  }

  get value(): Term {
    if (this.#read) return this.#value
    const { value, shared } = this.#reader.read(this.bytes)
    if (shared) {
      this.#value = value
      this.#read = true
    }
    return value
  }
}
