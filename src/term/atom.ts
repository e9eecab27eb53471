import { inspect } from 'node:util'
import { TsunagiError } from '../base/errors.ts'

/** Longest atom in characters (OTP: `MAX_ATOM_CHARACTERS`). */
export const MAX_ATOM_CHARACTERS = 255

/**
 * An Erlang atom. There is one object per name in a process, whatever copies of this package it loaded, so `===`
 * compares. Made by {@link atom}; atoms nobody holds any more are collected.
 */
export interface Atom {
  /** Its text, without quotes. */
  readonly name: string
  /** A small number unique to the atom while it lives; the atom cache spreads atoms over its slots by it. */
  readonly id: number
  /** What it decodes to: itself, but for `true`, `false`, `nil` and `undefined`. */
  readonly value: AtomValue
  /** Its text in UTF-8. */
  readonly utf8: Uint8Array
  toString(): string
  toJSON(): string
}

/** What an atom becomes in JavaScript. */
export type AtomValue = Atom | boolean | null | undefined

class AtomImpl implements Atom {
  readonly name: string
  readonly id: number
  readonly value: AtomValue
  readonly utf8: Uint8Array

  constructor(name: string, id: number) {
    this.name = name
    this.id = id
    this.value = special.has(name) ? special.get(name) : this
    // Memory of its own: an atom may live long, and a part of a pool would keep all of that.
    const utf8 = Buffer.allocUnsafeSlow(Buffer.byteLength(name))
    utf8.write(name)
    this.utf8 = utf8
    Object.freeze(this)
  }

  toString(): string {
    return this.name
  }

  toJSON(): string {
    return this.name
  }

  [inspect.custom](): string {
    return quoteAtom(this.name)
  }
}

const RECENT_ATOMS = 4096

const special = new Map<string, AtomValue>([
  ['true', true],
  ['false', false],
  ['nil', null],
  ['undefined', undefined],
])

interface Table {
  readonly AtomClass: new (name: string, id: number) => Atom
  readonly atoms: Map<string, WeakRef<Atom>>
  readonly collected: FinalizationRegistry<string>
  /** Atoms looked up lately: asking a WeakRef is slow. Emptied when full, so that it holds nothing for ever. */
  readonly recent: Map<string, Atom>
  nextId: number
}

const table: Table = sharedTable()

/** One table per process: several copies of this package must agree on what `===` means. */
function sharedTable(): Table {
  const key = Symbol.for('tsunagi.atom-table.v1')
  const scope = globalThis as { [key]?: Table }
  if (scope[key] !== undefined) return scope[key]
  const atoms = new Map<string, WeakRef<Atom>>()
  const collected = new FinalizationRegistry<string>((name) => {
    if (atoms.get(name)?.deref() === undefined) atoms.delete(name)
  })
  const created: Table = { AtomClass: AtomImpl, atoms, collected, recent: new Map(), nextId: 0 }
  Object.defineProperty(scope, key, { value: created })
  return created
}

/**
 * The atom with this text: `atom('ok')`.
 *
 * `atom('true')`, `'false'`, `'nil'` and `'undefined'` are encoded as those atoms and come back as `true`, `false`,
 * `null` and `undefined`.
 *
 * @throws TsunagiError `ERR_ENCODE` when the text is longer than 255 characters or has lone surrogates.
 */
export function atom(name: string): Atom {
  return table.recent.get(name) ?? remember(table.atoms.get(name)?.deref() ?? make(name))
}

function remember(found: Atom): Atom {
  if (table.recent.size >= RECENT_ATOMS) table.recent.clear()
  table.recent.set(found.name, found)
  return found
}

function make(name: string): Atom {
  if (name.length > MAX_ATOM_CHARACTERS && [...name].length > MAX_ATOM_CHARACTERS) {
    throw new TsunagiError('ERR_ENCODE', `an atom has at most ${MAX_ATOM_CHARACTERS} characters, got ${name.length}`)
  }
  if (!name.isWellFormed()) {
    throw new TsunagiError('ERR_ENCODE', `an atom must be well-formed Unicode, got ${JSON.stringify(name)}`)
  }
  const made = new table.AtomClass(name, table.nextId++)
  table.atoms.set(name, new WeakRef(made))
  table.collected.register(made, name)
  return made
}

/** Whether a value is an {@link Atom} object (`true`, `false`, `null` and `undefined` are atoms of their own kind). */
export function isAtom(value: unknown): value is Atom {
  return value instanceof table.AtomClass
}

/** The name of the atom that a value is or stands for (`nil` for `null`); undefined for any other value. */
export function atomName(value: unknown): string | undefined {
  switch (value) {
    case true:
      return 'true'
    case false:
      return 'false'
    case null:
      return 'nil'
    case undefined:
      return 'undefined'
    default:
      return isAtom(value) ? value.name : undefined
  }
}

/** The class behind atoms, for the encoder's dispatch. */
export const AtomClass = table.AtomClass

const RESERVED = new Set(
  (
    'after and andalso band begin bnot bor bsl bsr bxor case catch cond div else end fun if let maybe not of or ' +
    'orelse receive rem try when xor'
  ).split(' '),
)

/** An atom's text as Erlang source writes it, quoted where it must be. */
export function quoteAtom(name: string): string {
  if (/^[a-z][a-zA-Z0-9_@]*$/.test(name) && !RESERVED.has(name)) return name
  return `'${escapeText(name, "'")}'`
}

/** Escapes control characters, backslashes and the quote for Erlang source. */
export function escapeText(text: string, quote: string): string {
  let out = ''
  for (const char of text) {
    const code = char.codePointAt(0) as number
    if (char === quote || char === '\\') out += `\\${char}`
    else if (code === 10) out += '\\n'
    else if (code === 13) out += '\\r'
    else if (code === 9) out += '\\t'
    else if (code < 32 || (code >= 127 && code < 160)) out += `\\x{${code.toString(16)}}`
    else out += char
  }
  return out
}
