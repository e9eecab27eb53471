import { type Atom, atomName, quoteAtom } from './atom.ts'
import type { Parser } from './parser.ts'
import { ImproperList, NativeRecord } from './special.ts'
import type { DecodeOptions, Term } from './term.ts'
import { termKey } from './term-key.ts'
import type { Token } from './tokenizer.ts'
import { Tuple } from './tuple.ts'

/** A container whose opening bracket was taken and whose terms the parser reads one by one. */
export interface Container {
  /** Whether it ends at once; takes the closing bracket when it does. Asked first, and once. */
  isEmpty(): boolean
  /** Takes a term and the punctuation behind it; true when that closes the container. */
  add(term: Term): boolean
  /** What it came to. */
  term(): Term
}

export class TupleContainer implements Container {
  readonly #parser: Parser
  readonly #tuple = new Tuple(0)

  constructor(parser: Parser) {
    this.#parser = parser
  }

  isEmpty(): boolean {
    return this.#parser.skip('}')
  }

  add(term: Term): boolean {
    this.#tuple.push(term)
    return isClosed(this.#parser)
  }

  term(): Term {
    return this.#tuple
  }
}

/** Also `[1|[2|[3]]]`, whose tails go no deeper, however many there are. */
export class ListContainer implements Container {
  readonly #parser: Parser
  readonly #elements: Term[] = []
  #tail: Term = []
  #isTail = false
  /** Brackets to close: those of tails, too. */
  #open = 1

  constructor(parser: Parser) {
    this.#parser = parser
  }

  isEmpty(): boolean {
    return this.#parser.skip(']')
  }

  add(term: Term): boolean {
    const parser = this.#parser
    if (this.#isTail) {
      this.#tail = term
      return this.#close(0)
    }
    this.#elements.push(term)
    if (parser.skip(',')) return false
    if (parser.skip('|')) {
      if (!parser.skip('[')) {
        this.#isTail = true
        return false
      }
      this.#open++
      return parser.skip(']') ? this.#close(1) : false
    }
    parser.expect(']', '",", "|" or "]"')
    return this.#close(1)
  }

  #close(closed: number): true {
    for (let i = closed; i < this.#open; i++) this.#parser.expect(']')
    return true
  }

  term(): Term {
    const tail = this.#tail
    if (!Array.isArray(tail) || tail instanceof Tuple) return new ImproperList(this.#elements, tail)
    // A string: other lists became elements.
    return this.#elements.concat(tail as readonly Term[])
  }
}

export class MapContainer implements Container {
  readonly #parser: Parser
  readonly #form: NonNullable<DecodeOptions['maps']>
  readonly #start: Token
  readonly #pairs: [Term, Term][] = []
  readonly #seen = new Set<unknown>()
  /** Where the key at hand began; undefined while its value is awaited. */
  #keyAt: Token | undefined
  #key: Term

  constructor(parser: Parser, form: NonNullable<DecodeOptions['maps']>, start: Token) {
    this.#parser = parser
    this.#form = form
    this.#start = start
    this.#keyAt = parser.token
  }

  isEmpty(): boolean {
    return this.#parser.skip('}')
  }

  add(term: Term): boolean {
    const parser = this.#parser
    if (this.#keyAt === undefined) {
      this.#pairs.push([this.#key, term])
      const closed = isClosed(parser)
      this.#keyAt = parser.token
      return closed
    }
    const identity = termKey(term)
    if (this.#seen.has(identity)) throw parser.fail('the map has this key twice', this.#keyAt)
    this.#seen.add(identity)
    parser.expect('=>')
    this.#key = term
    this.#keyAt = undefined
    return false
  }

  term(): Term {
    if (this.#form === 'map') return new Map(this.#pairs)
    const made: Record<string, Term> = {}
    for (const [key, value] of this.#pairs) {
      const name = atomName(key) ?? (this.#form === 'object' ? this.#textOf(key) : undefined)
      if (name === undefined) return new Map(this.#pairs)
      // Plain assignment would set the prototype.
      if (name === '__proto__')
        Object.defineProperty(made, name, { value, writable: true, enumerable: true, configurable: true })
      else made[name] = value
    }
    return made
  }

  #textOf(key: Term): string {
    if (typeof key === 'string' || typeof key === 'number' || typeof key === 'bigint') return String(key)
    throw this.#parser.fail("a map key that is no atom, text or number (maps: 'object')", this.#start)
  }
}

/** A native record, `#module:name{field = Value}`. */
export class RecordContainer implements Container {
  readonly #parser: Parser
  readonly #module: Atom
  readonly #name: Atom
  readonly #fields = new Map<Atom, Term>()
  #field: Atom | undefined

  constructor(parser: Parser, module: Atom, name: Atom) {
    this.#parser = parser
    this.#module = module
    this.#name = name
  }

  isEmpty(): boolean {
    if (this.#parser.skip('}')) return true
    this.#readField()
    return false
  }

  #readField(): void {
    const at = this.#parser.token
    const field = this.#parser.atom()
    if (this.#fields.has(field)) throw this.#parser.fail(`the field ${quoteAtom(field.name)} is there twice`, at)
    this.#parser.expect('=')
    this.#field = field
  }

  add(term: Term): boolean {
    this.#fields.set(this.#field as Atom, term)
    if (isClosed(this.#parser)) return true
    this.#readField()
    return false
  }

  term(): Term {
    // Only records that their module exports can be named from outside of it.
    return new NativeRecord(this.#module, this.#name, this.#fields, 1)
  }
}

function isClosed(parser: Parser): boolean {
  if (parser.skip(',')) return false
  parser.expect('}', '"," or "}"')
  return true
}
