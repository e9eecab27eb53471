import { OptionError } from '../base/errors.ts'
import { type Atom, isAtom, type Term } from '../term/index.ts'
import { isList } from '../term/tuple.ts'

/**
 * What a value is found by: a string, an atom, or a list of these, which are joined with dots. `'hello'`,
 * `atom('hello')` and `['hello']` are one key, and so are `'a.b'` and `['a', 'b']`. Clustorage has the same rule.
 */
export type Key = string | Atom | readonly (string | Atom)[]

/** The longest key, with the name of its namespace, in bytes of UTF-8. */
export const MAX_KEY_BYTES = 4096

/** Stands between the names of namespaces and a key, so that none of them may hold it. */
const SEPARATOR = '\0'

/**
 * The text an engine knows a key by.
 *
 * @param prefix the namespace's, from {@link namespacePrefix}; empty for the store itself
 * @throws OptionError for what is no key
 */
export function keyText(prefix: string, key: Key): string {
  const text = typeof key === 'string' ? key : spelt(key)
  // The check of the length in bytes is only needed where it can matter.
  if (text === '' || text.includes(SEPARATOR) || !text.isWellFormed()) throw noKey(key)
  const whole = prefix === '' ? text : prefix + text
  if (whole.length * 3 > MAX_KEY_BYTES && Buffer.byteLength(whole) > MAX_KEY_BYTES) {
    throw new OptionError('key', key, `a key of at most ${MAX_KEY_BYTES} bytes`)
  }
  return whole
}

/** What the keys of a namespace begin with. */
export function namespacePrefix(outer: string, name: string): string {
  if (typeof name !== 'string' || name === '' || name.includes(SEPARATOR) || !name.isWellFormed()) {
    throw new OptionError('namespace', name, 'a non-empty string without U+0000')
  }
  return `${outer}${name}${SEPARATOR}`
}

/** The key within a namespace; undefined for a text that belongs to another one. */
export function keyWithin(prefix: string, text: string): string | undefined {
  if (!text.startsWith(prefix)) return undefined
  return text.includes(SEPARATOR, prefix.length) ? undefined : text.slice(prefix.length)
}

function spelt(key: Exclude<Key, string>): string {
  if (isAtom(key)) return key.name
  if (!isList(key as Term) || key.length === 0) throw noKey(key)
  const parts = key.map((part: unknown) => (isAtom(part) ? part.name : part))
  if (!parts.every((part) => typeof part === 'string' && part !== '')) throw noKey(key)
  return parts.join('.')
}

function noKey(key: unknown): OptionError {
  return new OptionError('key', key, 'a non-empty string without U+0000, an atom, or a list of such')
}
