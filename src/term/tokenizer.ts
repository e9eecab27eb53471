import { ParseError } from './parse-error.ts'

/** A word of Erlang text, and where it stands: `text.slice(start, end)`. */
export type Token = Positioned &
  (
    | { readonly kind: 'atom'; readonly name: string; readonly quoted: boolean }
    | { readonly kind: 'string'; readonly text: string }
    | { readonly kind: 'sigil'; readonly text: string }
    | { readonly kind: 'integer'; readonly value: number | bigint }
    | { readonly kind: 'float'; readonly value: number }
    | { readonly kind: 'identifier'; readonly type: string; readonly node: string; readonly numbers: string }
    | { readonly kind: 'word'; readonly text: string }
    | { readonly kind: 'variable'; readonly text: string }
    | { readonly kind: 'mark'; readonly text: string }
    /** A dot that ends a term: one with white space, a comment or nothing behind it. */
    | { readonly kind: 'dot' }
    | { readonly kind: 'end' }
  )

interface Positioned {
  readonly start: number
  readonly end: number
}

// OTP's scanner takes its letters from Latin-1. No pattern here repeats a group without bound: that would cost stack.
const ATOM = /[a-zß-öø-ÿ][\wÀ-ÖØ-öø-ÿ@]*/y
const VARIABLE = /[A-ZÀ-ÖØ-Þ_][\wÀ-ÖØ-öø-ÿ@]*/y
const DIGITS = /\d[\d_]*/y
const BASED = /\w+/y
const FRACTION = /\.\d[\d_]*(?:[eE][-+]?\d[\d_]*)?/y
const MARK = /<<|>>|=>|:=|[\s\S]/uy
/** What `print` writes for a pid, a port and a reference: node, numbers and creation. */
const IDENTIFIER = /#(Pid|Port|Ref)<(?:([a-z][\w@]*)|'((?:[^'\\]|\\[\s\S]){0,2600})')\.([\d.]{1,60}(?:\/\d{1,10})?)>/y

// `maybe` and `else` are not here: they are reserved since OTP 27 only, and older releases print them bare.
const RESERVED = new Set(
  (
    'after and andalso band begin bnot bor bsl bsr bxor case catch cond div end fun if let not of or orelse receive ' +
    'rem try when xor'
  ).split(' '),
)

const ESCAPES: Readonly<Record<string, number>> = { b: 8, d: 127, e: 27, f: 12, n: 10, r: 13, s: 32, t: 9, v: 11 }

/** Cuts Erlang text into tokens, one at a time. */
export class Tokenizer {
  readonly text: string
  #position: number

  constructor(text: string) {
    this.text = text
    this.#position = text.startsWith('\uFEFF') ? 1 : 0
  }

  fail(problem: string, offset: number, hint?: string): ParseError {
    return new ParseError(problem, this.text, offset, hint)
  }

  next(): Token {
    this.#skipSpace()
    const start = this.#position
    const token = this.#token(start)
    this.#position = token.end
    return token
  }

  #token(start: number): Token {
    const { text } = this
    const char = text[start]
    if (char === undefined) return { kind: 'end', start, end: start }
    if (char >= '0' && char <= '9') return this.#number(start)
    if (char === '"') return { kind: 'string', ...this.#quoted(start, '"', 'string') }
    if (char === "'") {
      const { text: name, end } = this.#quoted(start, "'", 'quoted atom')
      return { kind: 'atom', name, quoted: true, start, end }
    }
    if (char === '$') return this.#character(start)
    if (char === '~' && text[start + 1] === '"') {
      return { ...this.#quoted(start + 1, '"', 'string'), kind: 'sigil', start }
    }
    const name = this.#match(ATOM)
    if (name !== undefined) {
      const end = this.#position
      return RESERVED.has(name)
        ? { kind: 'word', text: name, start, end }
        : { kind: 'atom', name, quoted: false, start, end }
    }
    const variable = this.#match(VARIABLE)
    if (variable !== undefined) return { kind: 'variable', text: variable, start, end: this.#position }
    if (char === '#') {
      IDENTIFIER.lastIndex = start
      const found = IDENTIFIER.exec(text)
      if (found !== null) return this.#identifier(found, start)
    }
    if (char === '.' && endsTerm(text.charCodeAt(start + 1))) return { kind: 'dot', start, end: start + 1 }
    return { kind: 'mark', text: this.#match(MARK) as string, start, end: this.#position }
  }

  /** White space and comments. */
  #skipSpace(): void {
    const { text } = this
    for (;;) {
      const code = text.charCodeAt(this.#position)
      if (isSpace(code)) {
        this.#position++
      } else if (code === PERCENT) {
        const end = text.indexOf('\n', this.#position)
        this.#position = end === -1 ? text.length : end
      } else {
        return
      }
    }
  }

  /** What matches at the position, which moves behind it. */
  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#position
    const found = pattern.exec(this.text)
    if (found === null) return undefined
    this.#position = pattern.lastIndex
    return found[0]
  }

  #identifier([whole, type = '', bare, quoted, numbers = '']: RegExpExecArray, start: number): Token {
    const name = quoted === undefined ? bare : this.#quoted(start + whole.indexOf("'"), "'", 'quoted atom').text
    return { kind: 'identifier', type, node: name as string, numbers, start, end: start + whole.length }
  }

  /** `12`, `1_000`, `16#ff`, `1.5e-3`. */
  #number(start: number): Token {
    const digits = this.#digits(DIGITS) as string
    let token: Token
    if (this.text[this.#position] === '#') {
      token = this.#based(start, Number(digits))
    } else {
      const fraction = this.#digits(FRACTION)
      token =
        fraction === undefined
          ? { kind: 'integer', value: toInteger(digits), start, end: this.#position }
          : { kind: 'float', value: Number(digits + fraction), start, end: this.#position }
    }
    if (token.kind === 'float' && !Number.isFinite(token.value)) throw this.fail('the float is too large', start)
    const rest = this.text.slice(token.end, token.end + 20)
    if (/^[\w@]/.test(rest)) {
      const hint =
        /^[eE][-+]?\d/.test(rest) && token.kind === 'integer' ? 'a float has a point, as in 1.0e3' : undefined
      throw this.fail('unexpected characters behind a number', token.end, hint)
    }
    return token
  }

  /** Digits without the underscores between them. */
  #digits(pattern: RegExp): string | undefined {
    const start = this.#position
    const digits = this.#match(pattern)
    if (digits === undefined || !digits.includes('_')) return digits
    if (/(?<![0-9a-zA-Z])_|_(?![0-9a-zA-Z])/.test(digits))
      throw this.fail('an underscore stands between two digits', start)
    return digits.replaceAll('_', '')
  }

  #based(start: number, base: number): Token {
    if (!(base >= 2 && base <= 36)) throw this.fail(`there is no base ${base}: expected 2 to 36`, start)
    this.#position++
    const at = this.#position
    const digits = this.#digits(BASED)?.toLowerCase()
    if (digits === undefined) throw this.fail(`expected digits of base ${base}`, at)
    for (const digit of digits) {
      if (Number.parseInt(digit, 36) >= base) throw this.fail(`${digit} is no digit of base ${base}`, at)
    }
    return { kind: 'integer', value: fromBase(digits, base), start, end: this.#position }
  }

  /** `$a`, `$\n`. */
  #character(start: number): Token {
    const code = this.text.codePointAt(start + 1)
    if (code === undefined) throw this.fail('expected a character after $', start)
    if (code !== 92) return { kind: 'integer', value: code, start, end: start + (code > 0xffff ? 3 : 2) }
    const escaped = this.#escape(start + 1)
    return { kind: 'integer', value: escaped.code, start, end: escaped.end }
  }

  #quoted(start: number, quote: string, what: string): { text: string; start: number; end: number } {
    const { text } = this
    let out = ''
    let from = start + 1
    for (let at = from; ; ) {
      const char = text[at]
      if (char === undefined) throw this.fail(`this ${what} has no end`, start, `close it with ${quote}`)
      if (char === quote) {
        out += text.slice(from, at)
        if (!out.isWellFormed()) throw this.fail(`this ${what} has a lone surrogate`, start)
        return { text: out, start, end: at + 1 }
      }
      if (char !== '\\') {
        at++
        continue
      }
      const escaped = this.#escape(at)
      out += text.slice(from, at) + String.fromCodePoint(escaped.code)
      at = escaped.end
      from = at
    }
  }

  /** `\n`, `\^A`, `\101`, `\x41`, `\x{1F600}`, or a backslash before any other character. */
  #escape(start: number): { code: number; end: number } {
    const { text } = this
    const rest = text.slice(start + 1, start + 12)
    const code = rest.codePointAt(0)
    if (code === undefined) throw this.fail('the text ends after a backslash', start)
    const spelt = /^(?:([0-7]{1,3})|x([0-9a-fA-F]{2})|x\{([0-9a-fA-F]{1,8})\}|\^([@-_a-z?]))/.exec(rest)
    if (spelt === null) {
      if (rest[0] === 'x') throw this.fail('expected two hexadecimal digits, or any number of them in braces', start)
      const end = start + (code > 0xffff ? 3 : 2)
      return { code: ESCAPES[rest[0] as string] ?? code, end }
    }
    const [whole, octal, hex, braced, control] = spelt
    const end = start + 1 + whole.length
    if (octal !== undefined) return { code: Number.parseInt(octal, 8), end }
    if (control !== undefined) return { code: control === '?' ? 127 : control.charCodeAt(0) & 31, end }
    const value = Number.parseInt((hex ?? braced) as string, 16)
    if (value > 0x10ffff || (value >= 0xd800 && value < 0xe000)) throw this.fail('there is no such character', start)
    return { code: value, end }
  }
}

const PERCENT = 37

/** Control characters and blanks of Latin-1, as in OTP's scanner. */
function isSpace(code: number): boolean {
  return code <= 32 || (code >= 128 && code <= 160)
}

function endsTerm(next: number): boolean {
  return Number.isNaN(next) || next === PERCENT || isSpace(next)
}

/** Digits of any base as a number, or a bigint beyond the safe ones. Halves the text, so that length costs little. */
function fromBase(digits: string, base: number): number | bigint {
  const small = Number.parseInt(digits, base)
  if (Number.isSafeInteger(small)) return small
  if (base === 16) return BigInt(`0x${digits}`)
  const convert = (part: string): bigint => {
    if (part.length <= 8) return BigInt(Number.parseInt(part, base))
    const low = part.length >> 1
    return convert(part.slice(0, -low)) * BigInt(base) ** BigInt(low) + convert(part.slice(-low))
  }
  return convert(digits)
}

function toInteger(digits: string): number | bigint {
  const small = Number(digits)
  return Number.isSafeInteger(small) ? small : BigInt(digits)
}
