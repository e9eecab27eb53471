import { inspect } from 'node:util'
import { type Atom, quoteAtom } from './atom.ts'
import { floatText } from './float-text.ts'
import { print } from './print.ts'
import { commaSeparated, type Printable, paired, printed, type Separator, type Shape, Spelt } from './printable.ts'
import type { Term } from './term.ts'
import { isTuple } from './tuple.ts'

/** A bit string whose length is no multiple of eight. The unused low bits of the last byte are zero. */
export class Bitstring implements Printable {
  readonly bytes: Uint8Array
  /** How many bits of the last byte count, from the top: 1 to 7. */
  readonly bits: number

  constructor(bytes: Uint8Array, bits: number) {
    if (!Number.isInteger(bits) || bits < 1 || bits > 7 || bytes.length === 0) {
      throw new RangeError('a Bitstring has at least one byte, and 1 to 7 bits in the last one')
    }
    const last = bytes.length - 1
    const masked = (bytes[last] as number) & (0xff << (8 - bits)) & 0xff
    this.bytes = masked === bytes[last] ? bytes : Uint8Array.from(bytes)
    this.bytes[last] = masked
    this.bits = bits
  }

  /** Its length in bits. */
  get bitLength(): number {
    return (this.bytes.length - 1) * 8 + this.bits
  }

  toString(): string {
    return print(this)
  }

  [inspect.custom](): string {
    return print(this)
  }

  [printed](): string {
    const last = (this.bytes.at(-1) as number) >> (8 - this.bits)
    return `<<${[...this.bytes.subarray(0, -1), `${last}:${this.bits}`].join(',')}>>`
  }
}

/** A list whose last tail is no list: `[1, 2 | tail]`, with one element at least. */
export class ImproperList implements Printable {
  readonly elements: readonly Term[]
  readonly tail: Term

  constructor(elements: readonly Term[], tail: Term) {
    if (elements.length === 0) throw new RangeError('an ImproperList has one element at least')
    if ((Array.isArray(tail) && !isTuple(tail)) || tail instanceof ImproperList) {
      throw new RangeError('the tail of an ImproperList is no list')
    }
    this.elements = elements
    this.tail = tail
  }

  toString(): string {
    return print(this)
  }

  [inspect.custom](): string {
    return print(this)
  }

  [printed](): Shape {
    return { open: '[', close: ']', parts: this.#parts() }
  }

  *#parts(): Iterable<readonly [Separator, unknown]> {
    yield* commaSeparated(this.elements)
    yield ['|', this.tail]
  }
}

/**
 * A number that is a float on the wire although it is integral: `new Float(1)` is `1.0`. Decoded with
 * `floats: 'exact'`; every number with a fraction is a float anyway.
 */
export class Float implements Printable {
  readonly value: number

  constructor(value: number) {
    if (!Number.isFinite(value)) throw new RangeError(`a Float is finite, got ${value}`)
    this.value = value
  }

  valueOf(): number {
    return this.value
  }

  toString(): string {
    return print(this)
  }

  [inspect.custom](): string {
    return print(this)
  }

  [printed](): string {
    return floatText(this.value)
  }
}

/** A native record of OTP 29 (RECORD_EXT, tag 67). */
export class NativeRecord implements Printable {
  readonly module: Atom
  readonly name: Atom
  /** The flags byte; bit 0: the record is exported. */
  readonly flags: number
  readonly fields: ReadonlyMap<Atom, Term>

  constructor(module: Atom, name: Atom, fields: ReadonlyMap<Atom, Term>, flags = 0) {
    this.module = module
    this.name = name
    this.fields = fields
    this.flags = flags
  }

  get exported(): boolean {
    return (this.flags & 1) === 1
  }

  toString(): string {
    return print(this)
  }

  [inspect.custom](): string {
    return print(this)
  }

  [printed](): Shape {
    const open = `#${quoteAtom(this.module.name)}:${quoteAtom(this.name.name)}{`
    const pairs = Array.from(this.fields, ([field, value]) => [new Spelt(quoteAtom(field.name)), value] as const)
    return { open, close: '}', parts: paired(pairs, ' = ') }
  }
}

/** Text to an Erlang char list (code points), and a char list to text. */
export function charlist(text: string): number[]
export function charlist(list: readonly Term[]): string
export function charlist(value: string | readonly Term[]): number[] | string {
  if (typeof value === 'string') return Array.from(value, (char) => char.codePointAt(0) as number)
  let text = ''
  for (const code of value) {
    if (typeof code !== 'number' || !Number.isInteger(code) || code < 0 || code > 0x10ffff) {
      throw new RangeError(`a char list holds code points, got ${String(code)}`)
    }
    text += String.fromCodePoint(code)
  }
  return text
}
