import type { Limits } from '../base/limits.ts'
import { type Atom, atom, MAX_ATOM_CHARACTERS } from './atom.ts'
import { BinaryParser } from './binary-parser.ts'
import { ExternalFun } from './fun.ts'
import { Pid, Port, Reference } from './identifiers.ts'
import { hintAt, hintBefore, shown } from './parse-hints.ts'
import { type Container, ListContainer, MapContainer, RecordContainer, TupleContainer } from './parsed-containers.ts'
import { Float } from './special.ts'
import type { DecodeOptions, Term } from './term.ts'
import { type Token, Tokenizer } from './tokenizer.ts'

/** What the tokens of one kind are. */
type Kind<K extends Token['kind']> = Extract<Token, { kind: K }>

/** How terms are built, and the creation of a node for identifiers that are written without one. */
interface ParserOptions extends DecodeOptions {
  readonly creation?: (node: string) => number | undefined
}

/** Reads the terms of one text. */
export class Parser {
  readonly #tokens: Tokenizer
  readonly #binaries: BinaryParser
  readonly #options: ParserOptions
  readonly #maxDepth: number
  #token: Token
  /** The token before, for hints. */
  #last: Token | undefined

  constructor(text: string, options: ParserOptions, limits: Pick<Limits, 'termDepth' | 'inflatedBytes'>) {
    this.#tokens = new Tokenizer(text)
    this.#options = options
    this.#maxDepth = limits.termDepth
    this.#binaries = new BinaryParser(this, options, limits.inflatedBytes)
    this.#token = this.#tokens.next()
  }

  /** The only term of the text. */
  one(): Term {
    const term = this.#term()
    if (this.#token.kind === 'dot') this.take()
    if (this.#token.kind !== 'end') throw this.unexpected('the end of the text')
    return term
  }

  /** Every term, each with its dot. */
  all(): Term[] {
    const terms: Term[] = []
    while (this.#token.kind !== 'end') {
      terms.push(this.#term())
      if (this.#token.kind !== 'dot') throw this.unexpected('a dot')
      this.take()
    }
    return terms
  }

  get token(): Token {
    return this.#token
  }

  /** Goes on to the next token; returns the one at hand. */
  take(): Token {
    const token = this.#token
    this.#last = token
    this.#token = this.#tokens.next()
    return token
  }

  /** Whether the token at hand is this punctuation mark. */
  at(mark: string): boolean {
    return this.#token.kind === 'mark' && this.#token.text === mark
  }

  /** Takes this punctuation mark when it is the token at hand. */
  skip(mark: string): boolean {
    const found = this.at(mark)
    if (found) this.take()
    return found
  }

  expect(mark: string, expected = JSON.stringify(mark)): void {
    if (!this.skip(mark)) throw this.unexpected(expected)
  }

  fail(problem: string, at: Token = this.#token, hint?: string): Error {
    return this.#tokens.fail(problem, at.start, hint)
  }

  unexpected(expected: string): Error {
    const hint = hintAt(this.#tokens.text, this.#token, this.#last)
    return this.fail(`expected ${expected}, found ${shown(this.#token)}`, this.#token, hint)
  }

  /** A number with any signs before it, or undefined when there is none. */
  number(): Kind<'integer'> | Kind<'float'> | undefined {
    const first = this.#token
    let negative = false
    while (this.at('-') || this.at('+')) {
      if (this.at('-')) negative = !negative
      this.take()
    }
    const token = this.#token
    if (token.kind === 'integer') {
      this.take()
      const value = negative && token.value !== 0 ? -token.value : token.value
      return { ...token, start: first.start, value }
    }
    if (token.kind === 'float') {
      this.take()
      return { ...token, start: first.start, value: negative ? -token.value : token.value }
    }
    if (token !== first) throw this.#noTerm()
    return undefined
  }

  /** A term at any depth, without recursion: the containers around the term at hand are a list. */
  #term(): Term {
    const around: Container[] = []
    for (;;) {
      const opened = this.#open(around.length)
      if (opened !== undefined) {
        around.push(opened)
        if (!opened.isEmpty()) continue
      }
      let term = opened === undefined ? this.#leaf() : (around.pop() as Container).term()
      for (let container = around.at(-1); ; container = around.at(-1)) {
        if (container === undefined) return term
        if (!container.add(term)) break
        around.pop()
        term = container.term()
      }
    }
  }

  /** Takes an opening bracket; undefined when there is none. */
  #open(depth: number): Container | undefined {
    const token = this.#token
    if (token.kind !== 'mark' || (token.text !== '{' && token.text !== '[' && token.text !== '#')) return undefined
    if (depth >= this.#maxDepth) throw this.fail(`the term nests deeper than ${this.#maxDepth} levels`)
    this.take()
    if (token.text === '{') return new TupleContainer(this)
    if (token.text === '[') return new ListContainer(this)
    return this.#hash(token)
  }

  #leaf(): Term {
    const token = this.#token
    switch (token.kind) {
      case 'integer':
      case 'float':
        return this.#number()
      case 'atom':
        return this.atom().value
      case 'string':
        return this.#charlist()
      case 'sigil':
        this.take()
        return this.#binaries.value(Buffer.from(token.text, 'utf8'))
      case 'identifier':
        return this.#identifier(token)
      case 'word':
        if (token.text === 'fun') return this.#fun()
        throw this.fail(`${token.text} is a reserved word`, token, `as an atom it is written '${token.text}'`)
      default:
        if (this.at('-') || this.at('+')) return this.#number()
        if (this.skip('<<')) return this.#binaries.segments()
        throw this.#noTerm()
    }
  }

  #noTerm(): Error {
    const hint = hintBefore(this.#tokens.text, this.#token, this.#last)
    return this.fail(`expected a term, found ${shown(this.#token)}`, this.#token, hint)
  }

  #number(): Term {
    const token = this.number() as Kind<'integer'> | Kind<'float'>
    if (token.kind === 'integer') return token.value
    return this.#options.floats === 'exact' && Number.isInteger(token.value) ? new Float(token.value) : token.value
  }

  /** Takes an atom. */
  atom(): Atom {
    const token = this.#token
    if (token.kind !== 'atom') throw this.unexpected('an atom')
    if (token.name.length > MAX_ATOM_CHARACTERS && [...token.name].length > MAX_ATOM_CHARACTERS) {
      throw this.fail(`an atom has at most ${MAX_ATOM_CHARACTERS} characters`)
    }
    this.take()
    return atom(token.name)
  }

  /** `"abc"`: the list of its characters. Strings side by side are one. */
  #charlist(): Term[] {
    const list: Term[] = []
    while (this.#token.kind === 'string') {
      for (const char of this.#token.text) list.push(char.codePointAt(0))
      this.take()
    }
    return list
  }

  /** What follows a `#`: a map, or a native record, `#module:name{…}`. */
  #hash(hash: Token): Container {
    if (this.skip('{')) return new MapContainer(this, this.#options.maps ?? 'auto', hash)
    if (this.#token.kind !== 'atom') throw this.unexpected('"{" behind "#"')
    const module = this.atom()
    if (!this.skip(':')) {
      throw this.fail('a record without its definition', hash, 'write the tuple that it is: {name, Field, …}')
    }
    const name = this.atom()
    this.expect('{')
    return new RecordContainer(this, module, name)
  }

  /** `fun lists:sum/1`. */
  #fun(): Term {
    const start = this.take()
    const first = this.#token
    if (first.kind !== 'atom') throw this.fail('only functions named as fun module:name/arity are terms', start)
    const module = this.atom()
    this.expect(':')
    const name = this.atom()
    this.expect('/')
    const arity = this.#token
    if (arity.kind !== 'integer' || arity.value > 255) throw this.unexpected('an arity from 0 to 255')
    this.take()
    return new ExternalFun(module, name, Number(arity.value))
  }

  #identifier(token: Kind<'identifier'>): Term {
    const [list = '', written] = token.numbers.split('/')
    const words = list.split('.')
    const creation = written === undefined ? this.#options.creation?.(token.node) : Number(written)
    if (creation === undefined)
      throw this.fail('the creation is missing', token, 'it follows a slash, as in …85.0/1699>')
    const most = token.type === 'Port' ? 2n ** 64n : 2n ** 32n
    const count = { Pid: [2, 2], Port: [1, 1], Ref: [1, 5] }[token.type] as [number, number]
    if (words.length < count[0] || words.length > count[1] || words.includes('')) {
      throw this.fail(`${token.type} has ${words.length} numbers`, token)
    }
    if (creation >= 2 ** 32 || words.some((word) => BigInt(word) >= most)) throw this.fail('a number too large', token)
    const node = atom(token.node)
    this.take()
    if (token.type === 'Port') return new Port(node, BigInt(words[0] as string), creation)
    const numbers = words.map(Number)
    if (token.type === 'Ref') return new Reference(node, numbers, creation)
    return new Pid(node, numbers[0] as number, numbers[1] as number, creation)
  }
}
