import type { Limits } from '../base/limits.ts'
import { defaultLimits } from '../base/limits.ts'
import { type Atom, AtomClass, atom } from './atom.ts'
import { atomFromUtf8 } from './atom-lookup.ts'
import { DecodeError } from './errors.ts'
import { ExternalFun, Fun } from './fun.ts'
import { Pid, Port, Reference } from './identifiers.ts'
import { Bitstring, Float, ImproperList, NativeRecord } from './special.ts'
import * as tag from './tags.ts'
import type { DecodeOptions, Term } from './term.ts'
import { readUtf8 } from './text.ts'
import { Tuple } from './tuple.ts'

const float = new Float64Array(1)
const floatBytes = new Uint8Array(float.buffer)

/** V8's integers end at 2^30 bits. */
const MAX_BIG_BYTES = 2 ** 27 - 1

/** Reads terms out of a buffer. One per link; every method leaves `position` behind what it read. */
export class Decoder {
  bytes: Buffer = Buffer.alloc(0)
  position = 0
  /** Where the input ends; nothing at or behind it is read. */
  end = 0
  /** This message's atom references (distribution header); undefined where there is none. */
  refs: readonly Atom[] | undefined
  /** How many of them there are. */
  refCount = 0
  /** Whether a binary that is most of the input may be a view of it instead of a copy: only where nobody else has it. */
  lend = false

  #binaries: 'auto' | 'string' | 'bytes' = 'auto'
  #maps: 'auto' | 'object' | 'map' = 'auto'
  #exactFloats = false
  readonly #maxDepth: number
  readonly #maxCount: number
  #count = 0

  constructor(options: DecodeOptions = {}, limits: Pick<Limits, 'termDepth' | 'termCount'> = defaultLimits) {
    this.#maxDepth = limits.termDepth
    this.#maxCount = limits.termCount
    this.configure(options)
  }

  /** Sets how terms become values, until the next call. */
  configure(options: DecodeOptions): void {
    this.#binaries = options.binaries ?? 'auto'
    this.#maps = options.maps ?? 'auto'
    this.#exactFloats = options.floats === 'exact'
  }

  /** Points the decoder at `bytes[start, end)`. */
  reset(bytes: Buffer, start: number, end: number): void {
    this.bytes = bytes
    this.position = start
    this.end = end
    this.#count = 0
  }

  /** Reads one term. */
  read(): Term {
    try {
      return this.#term(0)
    } catch (error) {
      if (error instanceof RangeError) throw this.fail('the term is too deep or too large for this process')
      throw error
    }
  }

  fail(message: string): DecodeError {
    return new DecodeError(message, this.position)
  }

  #need(count: number): number {
    const { position } = this
    if (count > this.end - position) throw this.fail('the input ends inside a term')
    this.position = position + count
    return position
  }

  u8(): number {
    return this.bytes[this.#need(1)] as number
  }

  u16(): number {
    const at = this.#need(2)
    return ((this.bytes[at] as number) << 8) | (this.bytes[at + 1] as number)
  }

  u32(): number {
    const at = this.#need(4)
    const { bytes } = this
    return (
      (((bytes[at] as number) << 24) |
        ((bytes[at + 1] as number) << 16) |
        ((bytes[at + 2] as number) << 8) |
        (bytes[at + 3] as number)) >>>
      0
    )
  }

  #i32(): number {
    return this.u32() | 0
  }

  #term(depth: number): Term {
    const at = this.position
    if (at >= this.end) throw this.fail('the input ends inside a term')
    this.position = at + 1
    const kind = this.bytes[at] as number
    switch (kind) {
      case tag.SMALL_INTEGER:
        return this.u8()
      case tag.INTEGER:
        return this.#i32()
      case tag.ATOM_CACHE_REF:
      case tag.SMALL_ATOM_UTF8:
      case tag.ATOM_UTF8:
      case tag.ATOM:
      case tag.SMALL_ATOM:
        return this.#atomOf(kind).value
      case tag.BINARY:
        return this.#binary(this.u32())
      case tag.SMALL_TUPLE:
        return this.#tuple(this.u8(), depth)
      case tag.MAP:
        return this.#map(this.u32(), depth)
      case tag.NIL:
        return []
      case tag.LIST:
        return this.#list(this.u32(), depth)
      case tag.NEW_FLOAT:
        return this.#newFloat()
      case tag.STRING:
        return this.#byteList(this.u16())
      case tag.NEW_PID:
        return new Pid(this.atom(), this.u32(), this.u32(), this.u32())
      case tag.NEWER_REFERENCE:
        return this.#newerReference()
      case tag.LARGE_TUPLE:
        return this.#tuple(this.u32(), depth)
      case tag.SMALL_BIG:
        return this.#big(this.u8())
      case tag.LARGE_BIG:
        return this.#big(this.u32())
      case tag.BIT_BINARY:
        return this.#bitBinary()
      case tag.EXPORT:
        return this.#export()
      case tag.NEW_FUN:
        return this.#fun(depth)
      case tag.NEW_PORT:
        return new Port(this.atom(), BigInt(this.u32()), this.u32())
      case tag.V4_PORT: {
        const node = this.atom()
        return new Port(node, (BigInt(this.u32()) << 32n) | BigInt(this.u32()), this.u32())
      }
      case tag.RECORD:
        return this.#record(depth)
      case tag.FLOAT:
        return this.#textFloat()
      case tag.PID:
        return new Pid(this.atom(), this.u32(), this.u32(), this.u8() & 3)
      case tag.PORT:
        return new Port(this.atom(), BigInt(this.u32()), this.u8() & 3)
      case tag.REFERENCE:
        return this.#oldReference()
      case tag.NEW_REFERENCE:
        return this.#newReference()
      default:
        this.position = at
        throw this.fail(`there is no tag ${kind}`)
    }
  }

  /** Reads a term that must be an atom, as an {@link Atom} whatever its name. */
  atom(): Atom {
    return this.#atomOf(this.u8())
  }

  #atomOf(kind: number): Atom {
    switch (kind) {
      case tag.ATOM_CACHE_REF: {
        const index = this.u8()
        const found = index < this.refCount ? this.refs?.[index] : undefined
        if (found === undefined) throw this.fail('a reference to an atom that the header does not have')
        return found
      }
      case tag.SMALL_ATOM_UTF8:
        return this.#utf8Atom(this.u8())
      case tag.ATOM_UTF8:
        return this.#utf8Atom(this.u16())
      case tag.SMALL_ATOM:
        return this.#latin1Atom(this.u8())
      case tag.ATOM:
        return this.#latin1Atom(this.u16())
      default:
        this.position--
        throw this.fail(`tag ${kind} where an atom belongs`)
    }
  }

  #utf8Atom(length: number): Atom {
    const found = atomFromUtf8(this.bytes, this.#need(length), length)
    if (found === undefined) throw this.fail('an atom that is not valid UTF-8 or too long')
    return found
  }

  #latin1Atom(length: number): Atom {
    const at = this.#need(length)
    if (length > 255) throw this.fail('an atom of more than 255 characters')
    return atom(this.bytes.toString('latin1', at, at + length))
  }

  /** Every element takes a byte at least, so a count beyond the input is a lie that must cost no memory. */
  #claim(count: number, least: number, depth: number): void {
    if (count * least > this.end - this.position) throw this.fail(`${count} elements are claimed, the input is shorter`)
    if (depth >= this.#maxDepth) throw this.fail(`the term nests deeper than ${this.#maxDepth} levels`)
    this.#count += count
    if (this.#count > this.#maxCount) throw this.fail(`the term has more than ${this.#maxCount} parts`)
  }

  #tuple(arity: number, depth: number): Tuple {
    this.#claim(arity, 1, depth)
    const made = new Tuple(arity)
    for (let i = 0; i < arity; i++) made[i] = this.#term(depth + 1)
    return made
  }

  #list(length: number, depth: number): Term {
    this.#claim(length, 1, depth)
    const list: Term[] = []
    for (let i = 0; i < length; i++) list.push(this.#term(depth + 1))
    if (this.bytes[this.position] === tag.NIL && this.position < this.end) {
      this.position++
      return list
    }
    return this.#tail(list, depth)
  }

  /**
   * What follows the elements when it is not NIL. A tail that is a list is legal, though no BEAM writes one: its elements
   * join the others in this loop, so that a chain of them costs neither depth nor copies.
   */
  #tail(list: Term[], depth: number): Term {
    for (;;) {
      const kind = this.u8()
      switch (kind) {
        case tag.NIL:
          return list
        case tag.LIST: {
          const more = this.u32()
          this.#claim(more, 1, depth)
          for (let i = 0; i < more; i++) list.push(this.#term(depth + 1))
          break
        }
        case tag.STRING: {
          for (const byte of this.#byteList(this.u16())) list.push(byte)
          return list
        }
        default: {
          this.position--
          const tail = this.#term(depth + 1)
          return list.length === 0 ? tail : new ImproperList(list, tail)
        }
      }
    }
  }

  #byteList(length: number): number[] {
    const at = this.#need(length)
    this.#count += length
    if (this.#count > this.#maxCount) throw this.fail(`the term has more than ${this.#maxCount} parts`)
    const { bytes } = this
    const list: number[] = []
    for (let i = 0; i < length; i++) list.push(bytes[at + i] as number)
    return list
  }

  #binary(length: number): string | Uint8Array {
    const at = this.#need(length)
    if (this.#binaries !== 'bytes') {
      const text = readUtf8(this.bytes, at, at + length)
      if (text !== undefined) return text
      if (this.#binaries === 'string') return this.bytes.toString('utf8', at, at + length)
    }
    return this.#copy(at, length)
  }

  /** A plain Uint8Array, on memory of its own: small views would keep whole socket reads alive. */
  #copy(at: number, length: number): Uint8Array {
    const { bytes } = this
    if (this.lend && length * 2 > bytes.length) return new Uint8Array(bytes.buffer, bytes.byteOffset + at, length)
    return Uint8Array.prototype.slice.call(new Uint8Array(bytes.buffer, bytes.byteOffset + at, length))
  }

  /** BIT_BINARY_EXT: length u32, bits of the last byte u8 (1 to 8), bytes. */
  #bitBinary(): Term {
    const length = this.u32()
    const bits = this.u8()
    const at = this.#need(length)
    if (bits < 1 || bits > 8 || length === 0) throw this.fail('a bit string without bits')
    if (bits < 8) return new Bitstring(this.#copy(at, length), bits)
    return this.#binaries === 'string' ? this.bytes.toString('utf8', at, at + length) : this.#copy(at, length)
  }

  #newFloat(): Term {
    const at = this.#need(8)
    const { bytes } = this
    for (let i = 0; i < 8; i++) floatBytes[7 - i] = bytes[at + i] as number
    return this.#float(float[0] as number)
  }

  #float(value: number): Term {
    if (!Number.isFinite(value)) throw this.fail('a float that is not finite')
    return this.#exactFloats && Number.isInteger(value) ? new Float(value) : value
  }

  /** FLOAT_EXT: 31 bytes of text, `%.20e`, padded with zeros. */
  #textFloat(): Term {
    const at = this.#need(31)
    const text = this.bytes.toString('latin1', at, at + 31).replace(/\0+$/, '')
    if (!/^\s*[-+]?\d+(\.\d*)?(e[-+]?\d+)?$/i.test(text)) throw this.fail('a float that is no number')
    return this.#float(Number(text))
  }

  #big(length: number): number | bigint {
    const sign = this.u8()
    const at = this.#need(length)
    if (sign > 1) throw this.fail('a sign that is neither 0 nor 1')
    if (length <= 6) {
      let value = 0
      for (let i = length - 1; i >= 0; i--) value = value * 256 + (this.bytes[at + i] as number)
      return sign === 1 && value !== 0 ? -value : value
    }
    if (length > MAX_BIG_BYTES) throw this.fail(`an integer of ${length} bytes`)
    const reversed = Buffer.from(this.bytes.subarray(at, at + length)).reverse()
    const magnitude = BigInt(`0x${reversed.toString('hex')}`)
    const value = sign === 1 ? -magnitude : magnitude
    const small = Number(value)
    return Number.isSafeInteger(small) ? small : value
  }

  #newerReference(): Reference {
    const count = this.u16()
    if (count < 1 || count > 5) throw this.fail(`a reference of ${count} words`)
    const node = this.atom()
    const creation = this.u32()
    const words: number[] = []
    for (let i = 0; i < count; i++) words.push(this.u32())
    return new Reference(node, words, creation)
  }

  #oldReference(): Reference {
    const node = this.atom()
    const word = this.u32()
    return new Reference(node, [word], this.u8() & 3)
  }

  #newReference(): Reference {
    const count = this.u16()
    if (count < 1 || count > 3) throw this.fail(`a reference of ${count} words`)
    const node = this.atom()
    const creation = this.u8() & 3
    const words: number[] = []
    for (let i = 0; i < count; i++) words.push(this.u32())
    return new Reference(node, words, creation)
  }

  /** EXPORT_EXT: module, function, arity as SMALL_INTEGER_EXT. */
  #export(): ExternalFun {
    const module = this.atom()
    const name = this.atom()
    if (this.u8() !== tag.SMALL_INTEGER) throw this.fail('a function whose arity is no small integer')
    return new ExternalFun(module, name, this.u8())
  }

  /** NEW_FUN_EXT; what the function closed over is kept without any loss, whatever the settings. */
  #fun(depth: number): Fun {
    const start = this.position
    const size = this.u32()
    const arity = this.u8()
    const uniq = this.#copy(this.#need(16), 16)
    const index = this.u32()
    const count = this.u32()
    const module = this.atom()
    const binaries = this.#binaries
    const maps = this.#maps
    const exactFloats = this.#exactFloats
    this.configure({ binaries: 'bytes', maps: 'map', floats: 'exact' })
    const oldIndex = this.#term(depth + 1)
    const oldUniq = this.#term(depth + 1)
    const pid = this.#term(depth + 1)
    if (!(pid instanceof Pid)) throw this.fail('a function without the process that made it')
    this.#claim(count, 1, depth)
    const free: Term[] = []
    for (let i = 0; i < count; i++) free.push(this.#term(depth + 1))
    this.#binaries = binaries
    this.#maps = maps
    this.#exactFloats = exactFloats
    // With atom cache references the stated size is that of the sender's own copy, so only an excess is a lie.
    if (this.position - start > size && this.refs === undefined) throw this.fail('a function longer than it says')
    return new Fun({ arity, uniq, index, module, oldIndex, oldUniq, pid, free })
  }

  /** RECORD_EXT: field count u32, flags u8, module, name, field names, values. */
  #record(depth: number): NativeRecord {
    const count = this.u32()
    const flags = this.u8()
    const module = this.atom()
    const name = this.atom()
    this.#claim(count, 2, depth)
    const names: Atom[] = []
    for (let i = 0; i < count; i++) names.push(this.atom())
    const fields = new Map<Atom, Term>()
    for (const field of names) fields.set(field, this.#term(depth + 1))
    if (fields.size !== count) throw this.fail('a record that has a field twice')
    return new NativeRecord(module, name, fields, flags)
  }

  /** MAP_EXT: a plain object while all keys are atoms, else a Map. */
  #map(pairs: number, depth: number): Term {
    this.#claim(pairs, 2, depth)
    if (this.#maps === 'map') return this.#fillMap(new Map(), pairs, depth)
    const keys: Atom[] = []
    const made: Record<string, Term> = {}
    for (let i = 0; i < pairs; i++) {
      const before = this.position
      const kind = this.bytes[before] as number
      if (kind !== tag.ATOM_CACHE_REF && kind !== tag.SMALL_ATOM_UTF8 && !isAtomTag(kind)) {
        if (this.#maps === 'object') return this.#fillObject(made, i, pairs, depth)
        return this.#fillMap(new Map(keys.map((key) => [key.value, made[key.name]])), pairs - i, depth)
      }
      this.position = before + 1
      const key = this.#atomOf(kind)
      if (i < 9) {
        for (let j = 0; j < i; j++) if (keys[j] === key) throw this.fail(`a map that has the key ${key.name} twice`)
      } else if (Object.hasOwn(made, key.name)) {
        throw this.fail(`a map that has the key ${key.name} twice`)
      }
      keys.push(key)
      const value = this.#term(depth + 1)
      if (key.name === '__proto__') setProto(made, value)
      else made[key.name] = value
    }
    return made
  }

  /**
   * Floats in keys are exact whatever the setting, or `#{1 => a, 1.0 => b}` would lose an entry. What `Map` itself cannot
   * tell is compared as it is spelt: every sender spells equal terms alike.
   */
  #fillMap(made: Map<Term, Term>, pairs: number, depth: number): Map<Term, Term> {
    const exactFloats = this.#exactFloats
    let seen: Set<string> | undefined
    for (let i = 0; i < pairs; i++) {
      const from = this.position
      this.#exactFloats = true
      const key = this.#term(depth + 1)
      this.#exactFloats = exactFloats
      if (typeof key === 'object' && key !== null && !(key instanceof AtomClass)) {
        const spelt = this.bytes.toString('latin1', from, this.position)
        seen ??= new Set()
        if (seen.has(spelt)) throw this.fail('a map that has a key twice')
        seen.add(spelt)
      } else if (made.has(key) && (typeof key !== 'string' || this.#binaries !== 'string')) {
        throw this.fail('a map that has a key twice')
      }
      made.set(key, this.#term(depth + 1))
    }
    return made
  }

  /** `maps: 'object'`: atoms, text and numbers become keys; anything else cannot. */
  #fillObject(made: Record<string, Term>, from: number, pairs: number, depth: number): Term {
    for (let i = from; i < pairs; i++) {
      const start = this.position
      const kind = this.bytes[start] as number
      const read = isAtomTag(kind) ? this.atom().name : this.#term(depth + 1)
      const key = read instanceof Float ? read.value : read
      if (typeof key !== 'string' && typeof key !== 'number' && typeof key !== 'bigint') {
        this.position = start
        throw this.fail("a map key that is no atom, text or number (maps: 'object')")
      }
      const name = String(key)
      const value = this.#term(depth + 1)
      if (name === '__proto__') setProto(made, value)
      else made[name] = value
    }
    return made
  }
}

function isAtomTag(kind: number): boolean {
  return (
    kind === tag.ATOM_CACHE_REF ||
    kind === tag.SMALL_ATOM_UTF8 ||
    kind === tag.ATOM_UTF8 ||
    kind === tag.ATOM ||
    kind === tag.SMALL_ATOM
  )
}

/** An own property of that name, not the object's prototype. */
function setProto(made: object, value: Term): void {
  Object.defineProperty(made, '__proto__', { value, writable: true, enumerable: true, configurable: true })
}
