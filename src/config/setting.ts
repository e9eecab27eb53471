import { type Atom, isAtom, isTuple, print, type Term } from '../term/index.ts'
import { ConfigError } from './config-error.ts'
import { isSecret } from './secrets.ts'

/** A value of a `sys.config`, and where it stands. */
export class Setting {
  readonly source: string
  /** Such as `kernel.net_ticktime`. */
  readonly path: string
  readonly term: Term

  constructor(source: string, path: string, term: Term) {
    this.source = source
    this.path = path
    this.term = term
  }

  /** What to throw when it cannot be used. */
  wrong(expected: string): ConfigError {
    const option = this.path
    const message = `${option === '' ? '' : `${option}: `}expected ${expected}, got`
    const text = textOf(this.term)
    if (isSecret(option, text ?? print(this.term))) {
      return new ConfigError(this.source, `${message} another value (it is not shown)`, { option })
    }
    const got = text === undefined ? print(this.term, { length: 200 }) : JSON.stringify(text.slice(0, 200))
    return new ConfigError(this.source, `${message} ${got}`, { option, value: this.term })
  }

  /** An integer from `min` on, or `infinity`. */
  time(unit: string, min = 1): number {
    if (isNamed(this.term, 'infinity')) return Number.POSITIVE_INFINITY
    return this.integer(min, Number.MAX_SAFE_INTEGER, `${unit}, or infinity`)
  }

  integer(min: number, max: number, what = `an integer from ${min} to ${max}`): number {
    const { term } = this
    if (typeof term !== 'number' || !Number.isInteger(term) || term < min || term > max) throw this.wrong(what)
    return term
  }

  boolean(): boolean {
    if (typeof this.term !== 'boolean') throw this.wrong('true or false')
    return this.term
  }

  /** One of some atoms. */
  oneOf<const T extends string>(...names: T[]): T {
    const found = names.find((name) => isNamed(this.term, name))
    if (found === undefined) throw this.wrong(names.join(' or '))
    return found
  }

  list(what: string): readonly Term[] {
    if (!Array.isArray(this.term) || isTuple(this.term)) throw this.wrong(what)
    return this.term
  }

  /** Names of nodes. */
  nodes(): string[] {
    const what = "a list of nodes such as ['a@host']"
    return this.list(what).map((term) => {
      if (!isAtom(term) || !term.name.includes('@')) throw this.wrong(what)
      return term.name
    })
  }

  /** A text, as a string of Erlang's, a binary or an atom. */
  text(): string {
    const { term } = this
    if (typeof term === 'string') return term
    if (isAtom(term)) return term.name
    return textOf(term) ?? raise(this.wrong('a text'))
  }

  /** An IPv4 address as text or `{127,0,0,1}`; or an IPv6 one of eight numbers. */
  address(): string {
    const { term } = this
    if (!isTuple(term)) return this.text()
    const parts = [...term]
    if (!parts.every((part) => typeof part === 'number')) throw this.wrong('an IP address')
    if (parts.length === 4) return parts.join('.')
    if (parts.length === 8) return parts.map((part) => part.toString(16)).join(':')
    throw this.wrong('an IP address')
  }

  /** `[{Key, Value}]`; of a key that comes twice the last counts. */
  properties(): Map<string, Setting> {
    const what = 'a list of {Key, Value}'
    const found = new Map<string, Setting>()
    for (const entry of this.list(what)) {
      const key = isTuple(entry) && entry.length === 2 ? entry[0] : undefined
      if (!isAtom(key) || !isTuple(entry)) throw this.wrong(what)
      found.set(key.name, new Setting(this.source, `${this.path === '' ? '' : `${this.path}.`}${key.name}`, entry[1]))
    }
    return found
  }
}

/** A string of Erlang's; undefined for what is none. */
export function textOf(term: Term): string | undefined {
  if (!Array.isArray(term) || isTuple(term)) return undefined
  let text = ''
  for (const code of term as readonly Term[]) {
    if (typeof code !== 'number' || !Number.isInteger(code) || code < 1 || code > 0x10ffff) return undefined
    text += String.fromCodePoint(code)
  }
  return text === '' ? undefined : text
}

function isNamed(term: Term, name: string): term is Atom {
  return isAtom(term) && term.name === name
}

function raise(error: Error): never {
  throw error
}
