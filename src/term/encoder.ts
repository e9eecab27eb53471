import { type Atom, AtomClass, atom } from './atom.ts'
import { EncodedTerm } from './encoded-term.ts'
import { EncodeError } from './errors.ts'
import { ExternalFun, Fun } from './fun.ts'
import { Pid, Port, Reference } from './identifiers.ts'
import { Bitstring, Float, ImproperList, NativeRecord } from './special.ts'
import * as tag from './tags.ts'
import type { Term } from './term.ts'
import { Tuple } from './tuple.ts'
import type { Writer } from './writer.ts'

/** Which atoms a distribution header carries, so that a term need only name their index. */
export interface AtomRefs {
  /** The index of the atom among this message's references, or -1: write it out. */
  index(atom: Atom, isKey: boolean): number
  /** Counts an atom that is written out as part of an {@link EncodedTerm}. */
  admit(atom: Atom, isKey: boolean): void
}

/** How deep a value may nest; deeper ones are taken for cycles. */
const MAX_DEPTH = 2000

const TRUE = atom('true')
const FALSE = atom('false')
const NIL_ATOM = atom('nil')
const UNDEFINED = atom('undefined')

const float = new Float64Array(1)
const floatBytes = new Uint8Array(float.buffer)

/** Writes terms into a {@link Writer}. One per link; its settings may change between terms. */
export class Encoder {
  readonly #out: Writer
  /** The atom cache of a link, or undefined: atoms are written out. */
  refs: AtomRefs | undefined
  /** Plain objects' keys become binaries instead of atoms. */
  stringKeys = false
  /** Mark bytes as BIT_BINARY_EXT with 8 bits, which our own decoder keeps apart from text. */
  markBytes = false

  constructor(out: Writer) {
    this.#out = out
  }

  /** Writes one term. On a throw the writer's position is where it got to: rewind it. */
  write(value: Term): void {
    this.#term(value, 0)
  }

  #term(value: unknown, depth: number): void {
    const out = this.#out
    switch (typeof value) {
      case 'number':
        return this.#number(value)
      case 'string':
        return this.#string(value)
      case 'object':
        if (value === null) return this.atom(NIL_ATOM)
        if (value instanceof AtomClass) return this.atom(value as Atom)
        if (value instanceof Tuple) {
          const { length } = value
          if (length < 256) {
            out.ensure(2)
            out.bytes[out.position++] = tag.SMALL_TUPLE
            out.bytes[out.position++] = length
          } else {
            out.tag32(tag.LARGE_TUPLE, length)
          }
          this.#elements(value, depth)
          return
        }
        if (Array.isArray(value)) return this.#list(value, depth)
        return this.#object(value, depth)
      case 'boolean':
        return this.atom(value ? TRUE : FALSE)
      case 'undefined':
        return this.atom(UNDEFINED)
      case 'bigint':
        return this.#bigint(value)
      default:
        throw new EncodeError(`a ${typeof value} has no Erlang form`)
    }
  }

  #elements(elements: readonly unknown[], depth: number): void {
    if (depth >= MAX_DEPTH) throw tooDeep()
    for (let i = 0; i < elements.length; i++) {
      const element = elements[i]
      if (element === undefined && !(i in elements)) throw new EncodeError('an array with holes has no Erlang form')
      this.#term(element, depth + 1)
    }
  }

  /** SMALL_INTEGER_EXT, INTEGER_EXT, SMALL_BIG_EXT for safe integers, else NEW_FLOAT_EXT. */
  #number(value: number): void {
    const out = this.#out
    if ((value | 0) === value && (value !== 0 || 1 / value > 0)) {
      if (value >= 0 && value < 256) {
        out.ensure(2)
        out.bytes[out.position++] = tag.SMALL_INTEGER
        out.bytes[out.position++] = value
      } else {
        out.tag32(tag.INTEGER, value)
      }
    } else if (Number.isSafeInteger(value) && value !== 0) {
      this.#bigint(BigInt(value))
    } else {
      this.#float(value)
    }
  }

  #float(value: number): void {
    if (!Number.isFinite(value)) throw new EncodeError(`${value} has no Erlang form`)
    const out = this.#out
    out.ensure(9)
    const { bytes, position } = out
    float[0] = value
    bytes[position] = tag.NEW_FLOAT
    for (let i = 0; i < 8; i++) bytes[position + 1 + i] = floatBytes[7 - i] as number
    out.position = position + 9
  }

  /** SMALL_BIG_EXT / LARGE_BIG_EXT: a sign byte and the magnitude, lowest byte first. */
  #bigint(value: bigint): void {
    const out = this.#out
    if (value >= -0x80000000n && value <= 0x7fffffffn) return this.#number(Number(value))
    const magnitude = value < 0n ? -value : value
    let hex = magnitude.toString(16)
    if (hex.length % 2 === 1) hex = `0${hex}`
    const length = hex.length / 2
    out.ensure(length + 6)
    if (length < 256) {
      out.bytes[out.position++] = tag.SMALL_BIG
      out.bytes[out.position++] = length
    } else {
      out.tag32(tag.LARGE_BIG, length)
    }
    out.bytes[out.position++] = value < 0n ? 1 : 0
    out.bytes.write(hex, out.position, 'hex')
    out.bytes.subarray(out.position, out.position + length).reverse()
    out.position += length
  }

  /** BINARY_EXT with the text in UTF-8. */
  #string(value: string): void {
    const out = this.#out
    const { length } = value
    if (length < 40) {
      out.ensure(5 + length)
      const { bytes } = out
      let position = out.position + 5
      let i = 0
      for (; i < length; i++) {
        const code = value.charCodeAt(i)
        if (code > 127) break
        bytes[position++] = code
      }
      if (i === length) {
        const start = out.position
        bytes[start] = tag.BINARY
        bytes[start + 1] = 0
        bytes[start + 2] = 0
        bytes[start + 3] = 0
        bytes[start + 4] = length
        out.position = position
        return
      }
    }
    if (!value.isWellFormed()) throw new EncodeError('a string with a lone surrogate has no UTF-8 form')
    out.ensure(5 + length * 3)
    const written = out.bytes.write(value, out.position + 5, 'utf8')
    out.tag32(tag.BINARY, written)
    out.position += written
  }

  /** An atom: its index in the header, or SMALL_ATOM_UTF8_EXT / ATOM_UTF8_EXT. */
  atom(value: Atom, isKey = false): void {
    const out = this.#out
    const { refs } = this
    if (refs !== undefined) {
      const index = refs.index(value, isKey)
      if (index >= 0) {
        out.ensure(2)
        out.bytes[out.position++] = tag.ATOM_CACHE_REF
        out.bytes[out.position++] = index
        return
      }
    }
    const { utf8 } = value
    if (utf8.length < 256) {
      out.ensure(2)
      out.bytes[out.position++] = tag.SMALL_ATOM_UTF8
      out.bytes[out.position++] = utf8.length
    } else {
      out.u8(tag.ATOM_UTF8)
      out.u16(utf8.length)
    }
    out.raw(utf8)
  }

  #list(list: readonly unknown[], depth: number): void {
    const out = this.#out
    const { length } = list
    if (length === 0) return out.u8(tag.NIL)
    if (length <= 65535 && isByteList(list)) {
      out.ensure(3 + length)
      out.u8(tag.STRING)
      out.u16(length)
      for (let i = 0; i < length; i++) out.bytes[out.position++] = list[i] as number
      return
    }
    out.tag32(tag.LIST, length)
    this.#elements(list, depth)
    out.u8(tag.NIL)
  }

  #object(value: object, depth: number): void {
    const out = this.#out
    const prototype = Object.getPrototypeOf(value)
    if (prototype === Object.prototype || prototype === null) return this.#plain(value, depth)
    if (value instanceof Uint8Array) {
      if (this.markBytes && value.length > 0) {
        out.tag32(tag.BIT_BINARY, value.length)
        out.u8(8)
      } else {
        out.tag32(tag.BINARY, value.length)
      }
      return out.raw(value)
    }
    if (value instanceof Pid) return this.pid(value)
    if (value instanceof EncodedTerm) return this.#encoded(value)
    if (value instanceof Reference) return this.reference(value)
    if (value instanceof Map) return this.#map(value, depth)
    if (value instanceof Float) return this.#float(value.value)
    if (value instanceof Bitstring) {
      out.tag32(tag.BIT_BINARY, value.bytes.length)
      out.u8(value.bits)
      return out.raw(value.bytes)
    }
    if (value instanceof ImproperList) {
      out.tag32(tag.LIST, value.elements.length)
      this.#elements(value.elements, depth)
      return this.#term(value.tail, depth + 1)
    }
    if (value instanceof ExternalFun) {
      out.u8(tag.EXPORT)
      this.atom(value.module)
      this.atom(value.function)
      return this.#number(value.arity)
    }
    if (value instanceof Fun) return this.#fun(value, depth)
    if (value instanceof Port) return this.#port(value)
    if (value instanceof NativeRecord) return this.#record(value, depth)
    const name = value.constructor?.name ?? 'an unknown class'
    const hint = value instanceof Date ? ' (send getTime() or toISOString())' : ''
    throw new EncodeError(`an instance of ${name} has no Erlang form${hint}`)
  }

  #encoded({ atoms, keys, bytes }: EncodedTerm): void {
    const { refs } = this
    if (refs !== undefined) {
      for (const atom of atoms) refs.admit(atom, false)
      for (const key of keys) refs.admit(key, true)
    }
    this.#out.raw(bytes)
  }

  /** MAP_EXT with atom keys (or binaries with `keys: 'strings'`). */
  #plain(value: object, depth: number): void {
    if (depth >= MAX_DEPTH) throw tooDeep()
    const out = this.#out
    const at = out.position - out.start
    out.tag32(tag.MAP, 0)
    let pairs = 0
    for (const key in value) {
      if (!Object.hasOwn(value, key)) continue
      pairs++
      if (this.stringKeys) this.#string(key)
      else this.atom(atom(key), true)
      this.#term((value as Record<string, unknown>)[key], depth + 1)
    }
    const { bytes } = out
    const position = out.start + at
    bytes[position + 1] = pairs >>> 24
    bytes[position + 2] = pairs >>> 16
    bytes[position + 3] = pairs >>> 8
    bytes[position + 4] = pairs
  }

  #map(value: ReadonlyMap<unknown, unknown>, depth: number): void {
    if (depth >= MAX_DEPTH) throw tooDeep()
    const out = this.#out
    out.tag32(tag.MAP, value.size)
    const seen = new Set<string>()
    for (const [key, element] of value) {
      const from = out.position - out.start
      this.#term(key, depth + 1)
      const encoded = out.bytes.toString('latin1', out.start + from, out.position)
      if (seen.has(encoded)) throw new EncodeError('two keys of a Map are the same Erlang term')
      seen.add(encoded)
      this.#term(element, depth + 1)
    }
  }

  /** NEW_PID_EXT: node, id u32, serial u32, creation u32. */
  pid(value: Pid): void {
    const out = this.#out
    out.u8(tag.NEW_PID)
    this.atom(value.nodeAtom)
    out.ensure(12)
    out.u32(value.id)
    out.u32(value.serial)
    out.u32(value.creation)
  }

  /** V4_PORT_EXT for ids over 28 bits, else NEW_PORT_EXT. */
  #port(value: Port): void {
    const out = this.#out
    const wide = value.id >= 1n << 28n
    out.u8(wide ? tag.V4_PORT : tag.NEW_PORT)
    this.atom(value.nodeAtom)
    if (wide) out.u32(Number(value.id >> 32n))
    out.u32(Number(value.id & 0xffffffffn))
    out.u32(value.creation)
  }

  /** NEWER_REFERENCE_EXT: word count u16, node, creation u32, words u32. */
  reference(value: Reference): void {
    const out = this.#out
    out.u8(tag.NEWER_REFERENCE)
    out.u16(value.words.length)
    this.atom(value.nodeAtom)
    out.u32(value.creation)
    for (const word of value.words) out.u32(word)
  }

  /** NEW_FUN_EXT: size u32 (with itself), arity u8, uniq 16, index u32, free count u32, module, old index, old uniq, pid, free. */
  #fun(value: Fun, depth: number): void {
    const out = this.#out
    const { arity, uniq, index, module, oldIndex, oldUniq, pid, free } = value.fields
    out.u8(tag.NEW_FUN)
    const at = out.position - out.start
    out.u32(0)
    out.u8(arity)
    out.raw(uniq)
    out.u32(index)
    out.u32(free.length)
    this.atom(module)
    this.#term(oldIndex, depth + 1)
    this.#term(oldUniq, depth + 1)
    this.pid(pid)
    const mark = this.markBytes
    this.markBytes = false
    try {
      this.#elements(free, depth)
    } finally {
      this.markBytes = mark
    }
    out.bytes.writeUInt32BE(out.position - out.start - at, out.start + at)
  }

  /** RECORD_EXT: field count u32, flags u8, module, name, field names, values. */
  #record(value: NativeRecord, depth: number): void {
    const out = this.#out
    out.tag32(tag.RECORD, value.fields.size)
    out.u8(value.flags)
    this.atom(value.module)
    this.atom(value.name)
    for (const name of value.fields.keys()) this.atom(name)
    for (const element of value.fields.values()) this.#term(element, depth + 1)
  }
}

function isByteList(list: readonly unknown[]): boolean {
  for (const item of list) {
    if (typeof item !== 'number' || (item & 0xff) !== item || (item === 0 && 1 / item < 0)) return false
  }
  return true
}

function tooDeep(): EncodeError {
  return new EncodeError(`a value nests deeper than ${MAX_DEPTH} levels, or contains itself`)
}
