import { isUtf8 } from 'node:buffer'
import { BitWriter } from './bit-writer.ts'
import type { Parser } from './parser.ts'
import { Bitstring } from './special.ts'
import type { DecodeOptions, Term } from './term.ts'
import { asBuffer } from './term-key.ts'
import type { Token } from './tokenizer.ts'

/** What stands behind a segment's value: `Value:Size/Type-Signedness-Endianness-unit:Unit`. */
interface Specification {
  readonly type: 'integer' | 'float' | 'utf8' | 'utf16' | 'utf32'
  /** In bits; undefined: the type's own. */
  readonly size: number | undefined
  readonly little: boolean
}

const TYPES: Readonly<Record<string, Specification['type']>> = {
  integer: 'integer',
  float: 'float',
  utf8: 'utf8',
  utf16: 'utf16',
  utf32: 'utf32',
}

/** Reads what stands between `<<` and `>>`: integers, floats and strings. Source: "Bit Syntax Expressions", Erlang reference. */
export class BinaryParser {
  readonly #parser: Parser
  readonly #options: DecodeOptions
  /** Bits that the binaries of this text may still take: one number can ask for any size. */
  #left: number

  constructor(parser: Parser, options: DecodeOptions, maxBytes: number) {
    this.#parser = parser
    this.#options = options
    this.#left = maxBytes * 8
  }

  /** The segments up to `>>`; the `<<` is taken. */
  segments(): Term {
    const parser = this.#parser
    const out = new BitWriter()
    if (parser.skip('>>')) return this.value(new Uint8Array())
    do this.#segment(out)
    while (parser.skip(','))
    parser.expect('>>', '"," or ">>"')
    const { bytes, bits } = out.finish()
    return bits === 0 ? this.value(bytes) : new Bitstring(bytes, bits)
  }

  /** Whole bytes as the `binaries` option wants them. */
  value(bytes: Uint8Array): string | Uint8Array {
    const { binaries = 'auto' } = this.#options
    if (binaries === 'bytes' || (binaries === 'auto' && !isUtf8(bytes))) return new Uint8Array(bytes)
    return asBuffer(bytes).toString('utf8')
  }

  #segment(out: BitWriter): void {
    const parser = this.#parser
    const start = parser.token
    if (start.kind === 'string') {
      parser.take()
      return this.#text(out, start.text, this.#specification(start), start)
    }
    const number = parser.number()
    if (number === undefined) throw parser.unexpected('an integer, a float or a string')
    const specification = this.#specification(start)
    if (specification.type === 'integer') {
      if (number.kind === 'float') throw parser.fail('a float in a binary', start, 'write its type behind it: /float')
      this.#integer(out, number.value, specification, start)
    } else if (specification.type === 'float') {
      this.#float(out, Number(number.value), specification, start)
    } else {
      const code = Number(number.value)
      if (!(code >= 0 && code <= 0x10ffff) || (code >= 0xd800 && code < 0xe000) || number.kind === 'float') {
        throw parser.fail('there is no such character', start)
      }
      this.#text(out, String.fromCodePoint(code), specification, start)
    }
  }

  #specification(start: Token): Specification {
    const parser = this.#parser
    let size: number | undefined
    if (parser.skip(':')) {
      const token = parser.take()
      if (token.kind !== 'integer') throw parser.fail('expected a size in bits', token)
      size = Number(token.value)
    }
    let type: Specification['type'] = 'integer'
    let little = false
    let unit = 1
    if (parser.skip('/')) {
      do {
        const token = parser.take()
        const name = token.kind === 'atom' ? token.name : ''
        if (name === 'unit') unit = this.#unit()
        else if (name === 'little' || name === 'native') little = true
        else if (Object.hasOwn(TYPES, name)) type = TYPES[name] as Specification['type']
        else if (!['big', 'signed', 'unsigned'].includes(name)) {
          throw parser.fail(
            'no type of a segment that can be written here',
            token,
            `known are ${Object.keys(TYPES).join(', ')}`,
          )
        }
      } while (parser.skip('-'))
    }
    if (size !== undefined && type.startsWith('utf')) throw parser.fail(`${type} takes no size`, start)
    return { type, little, size: size === undefined ? undefined : size * unit }
  }

  #unit(): number {
    const parser = this.#parser
    parser.expect(':')
    const token = parser.take()
    if (token.kind !== 'integer' || token.value < 1 || token.value > 256) {
      throw parser.fail('expected a unit from 1 to 256', token)
    }
    return Number(token.value)
  }

  #integer(out: BitWriter, value: number | bigint, { size = 8, little }: Specification, at: Token): void {
    this.#spend(size, at)
    if (size === 8 && typeof value === 'number') out.byte(value & 0xff)
    else out.integer(BigInt(value), size, little)
  }

  #float(out: BitWriter, value: number, { size = 64, little }: Specification, at: Token): void {
    if (size !== 64 && size !== 32) throw this.#parser.fail('a float has 32 or 64 bits here', at)
    if (!Number.isFinite(size === 32 ? Math.fround(value) : value))
      throw this.#parser.fail('the float is too large', at)
    this.#spend(size, at)
    out.float(value, size, little)
  }

  #text(out: BitWriter, text: string, { type, size = 8, little }: Specification, at: Token): void {
    if (type === 'float') throw this.#parser.fail('a string of floats', at)
    if (type === 'utf8' || (type === 'integer' && size === 8)) {
      if (type === 'integer' && /[^\0-\xff]/.test(text)) {
        throw this.#parser.fail('a character that does not fit one byte', at, 'write /utf8 behind the string')
      }
      const bytes = Buffer.from(text, type === 'utf8' ? 'utf8' : 'latin1')
      this.#spend(bytes.length * 8, at)
      return out.bytes(bytes)
    }
    for (const char of text) {
      const code = char.codePointAt(0) as number
      if (type === 'utf16') {
        this.#spend(char.length * 16, at)
        for (let i = 0; i < char.length; i++) out.integer(BigInt(char.charCodeAt(i)), 16, little)
      } else {
        this.#integer(out, code, { type, little, size: type === 'utf32' ? 32 : size }, at)
      }
    }
  }

  #spend(bits: number, at: Token): void {
    this.#left -= bits
    if (!(this.#left >= 0)) throw this.#parser.fail('the binaries of this text are too large', at)
  }
}
