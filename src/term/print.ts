import { describe } from '../base/errors.ts'
import { defaultLimits } from '../base/limits.ts'
import { atomName, escapeText, quoteAtom } from './atom.ts'
import { floatText } from './float-text.ts'
import { manyLines, oneLine, type Piece } from './layout.ts'
import { isPlainObject } from './map-like.ts'
import { commaSeparated, isPrintable, paired, printed, type Separator, type Shape, Spelt } from './printable.ts'
import type { Term } from './term.ts'

/** Options of {@link print}. */
export interface PrintOptions {
  /** Levels shown; what nests deeper is `...`. Default and most 2000. */
  readonly depth?: number
  /** About how many characters are shown; what is left out is `...`. Default: all. */
  readonly length?: number
  /** Spaces by which each level is indented when the text does not fit one line. Default 0: always one line. */
  readonly indent?: number
  /** Characters in a line, with `indent`. Default 80. */
  readonly width?: number
}

/**
 * A term as Erlang text, spelt as `io_lib:format("~tp", [Term])` on one line. `parse` reads it back to an equal term,
 * and Erlang does where it has a syntax for it: it has none for pids, ports, references and local functions.
 *
 * - Text is `<<"hi">>` or `<<"été"/utf8>>`, bytes are `<<1,2>>` even where they are text, lists of numbers are lists.
 * - Pids, ports and references show their node, numbers and creation: `#Pid<a@host.85.0/1699>`.
 * - A local function, `#Fun<erl_eval.43.3316493>`, cannot be read back.
 *
 * What `encode` refuses is shown as `#NotATerm<a function (f)>`, and `#Circular` where a value contains itself.
 *
 * @example
 * print(tuple(atom('ok'), { a: [1, 2.5] })) // {ok,#{a => [1,2.5]}}
 */
export function print(term: Term, options: PrintOptions = {}): string {
  const pieces = new Printer(options).run(term)
  if (options.indent === undefined || options.indent <= 0) return oneLine(pieces)
  return manyLines(pieces, options.width ?? 80, options.indent)
}

const MORE = '...'

/** A container that is being printed. */
interface Frame {
  readonly value: object
  readonly close: string
  readonly parts: Iterator<readonly [Separator, unknown]>
  readonly open: Extract<Piece, { kind: 'open' }>
  /** The length of all that was printed when it began. */
  readonly start: number
  empty: boolean
}

/** Walks a term without recursion: it must show any value, also where little of the stack is left. */
class Printer {
  readonly #depth: number
  readonly #limit: number
  readonly #pieces: Piece[] = []
  readonly #frames: Frame[] = []
  /** The containers around the term at hand. */
  readonly #around = new Set<object>()
  /** Characters printed so far. */
  #length = 0

  constructor({ depth, length }: PrintOptions) {
    this.#depth = Math.min(depth ?? defaultLimits.termDepth, defaultLimits.termDepth)
    this.#limit = length ?? Number.POSITIVE_INFINITY
  }

  run(term: unknown): readonly Piece[] {
    this.#value(term)
    for (let frame = this.#frames.at(-1); frame !== undefined; frame = this.#frames.at(-1)) {
      const next = frame.parts.next()
      if (next.done === true) {
        this.#close(frame)
        continue
      }
      const [separator, value] = next.value
      if (separator === ' => ' || separator === ' = ') {
        frame.open.leaves = false
        this.#text(separator)
      } else if (!frame.empty) {
        this.#add({ kind: 'break', text: separator })
      }
      frame.empty = false
      if (this.#length < this.#limit) {
        this.#value(value)
      } else {
        this.#text(MORE)
        this.#close(frame)
      }
    }
    return this.#pieces
  }

  #add(piece: Piece): void {
    this.#pieces.push(piece)
    this.#length += piece.text.length
  }

  #text(text: string): void {
    this.#add({ kind: 'text', text })
  }

  /** Prints a leaf, or opens a container. */
  #value(value: unknown): void {
    const shape = this.#shape(value)
    if (typeof shape === 'string') return this.#text(this.#cut(shape))
    const container = value as object
    if (this.#around.has(container)) return this.#text('#Circular')
    if (this.#frames.length >= this.#depth) return this.#text(MORE)
    const outer = this.#frames.at(-1)
    if (outer !== undefined) outer.open.leaves = false
    const open = { kind: 'open' as const, text: shape.open, length: 0, leaves: true }
    const { close, parts } = shape
    const start = this.#length
    this.#frames.push({ value: container, close, parts: parts[Symbol.iterator](), open, start, empty: true })
    this.#around.add(container)
    this.#add(open)
  }

  #close(frame: Frame): void {
    this.#frames.pop()
    this.#around.delete(frame.value)
    this.#add({ kind: 'close', text: frame.close })
    frame.open.length = this.#length - frame.start
  }

  #shape(value: unknown): string | Shape {
    const name = atomName(value)
    if (name !== undefined) return quoteAtom(name)
    switch (typeof value) {
      case 'number':
        if (!Number.isFinite(value)) return notATerm(value)
        return Number.isSafeInteger(value) && !Object.is(value, -0) ? String(value) : floatText(value)
      case 'bigint':
        return String(value)
      case 'string':
        return this.#string(value)
      case 'object':
        return this.#object(value as object)
      default:
        return notATerm(value)
    }
  }

  #object(value: object): string | Shape {
    if (isPrintable(value)) return value[printed]()
    if (value instanceof Uint8Array) return this.#bytes(value)
    if (Array.isArray(value)) return { open: '[', close: ']', parts: commaSeparated(value) }
    if (value instanceof Map) return { open: '#{', close: '}', parts: paired(value, ' => ') }
    if (!isPlainObject(value)) return notATerm(value)
    return { open: '#{', close: '}', parts: paired(properties(value), ' => ') }
  }

  /** Characters that may still be shown. */
  get #left(): number {
    return Math.max(0, this.#limit - this.#length)
  }

  #string(value: string): string {
    // A pair of surrogates that the limit cuts in two is left out.
    const text = value.length > this.#left ? value.slice(0, this.#left).replace(/[\ud800-\udbff]$/, '') : value
    if (!text.isWellFormed()) return notATerm(value)
    const more = text.length < value.length ? MORE : ''
    if (text === '') return `<<${more}>>`
    // Erlang's scanner takes these two code points for errors, however they are written.
    if (/[\uFFFE\uFFFF]/.test(text)) return this.#bytes(Buffer.from(value, 'utf8'))
    const kind = /[^\0-\x7f]/.test(text) ? '/utf8' : ''
    return `<<"${escapeText(text, '"')}"${kind}${more}>>`
  }

  #bytes(bytes: Uint8Array): string {
    // A byte takes four characters at most.
    const shown = bytes.length * 4 > this.#left ? Math.floor(this.#left / 4) : bytes.length
    if (shown === bytes.length) return `<<${bytes.join(',')}>>`
    return `<<${[...bytes.subarray(0, shown), MORE].join(',')}>>`
  }

  /** Cuts what is much too long; strings and bytes were cut where they can be cut well. */
  #cut(text: string): string {
    return text.length > this.#left + 40 ? `${text.slice(0, this.#left).toWellFormed()}${MORE}` : text
  }
}

function* properties(value: object): Iterable<[Spelt, unknown]> {
  for (const name of Object.keys(value)) yield [new Spelt(quoteAtom(name)), (value as Record<string, unknown>)[name]]
}

/** What `encode` refuses is shown all the same, as something that is no Erlang. */
function notATerm(value: unknown): string {
  return `#NotATerm<${describe(value)}>`
}
