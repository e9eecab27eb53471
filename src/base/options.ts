import { describe, OptionError } from './errors.ts'

/** Checks one option's value; returns it, or throws an {@link OptionError} that names option and value. */
export type Check<T> = (value: unknown, option: string) => T

export const boolean: Check<boolean> = (value, option) => {
  if (typeof value !== 'boolean') throw new OptionError(option, value, 'true or false')
  return value
}

export const string: Check<string> = (value, option) => {
  if (typeof value !== 'string' || value === '') throw new OptionError(option, value, 'a non-empty string')
  return value
}

export function integer(min: number, max: number, what = 'an integer'): Check<number> {
  return (value, option) => {
    if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max) {
      throw new OptionError(option, value, `${what} from ${min} to ${max}`)
    }
    return value
  }
}

/** A length of time in milliseconds; `Infinity` is allowed. */
export const duration: Check<number> = (value, option) => {
  if (typeof value !== 'number' || !(value >= 0)) {
    throw new OptionError(option, value, 'milliseconds (a number that is not negative)')
  }
  return value
}

export const port: Check<number> = integer(0, 65535, 'a port')

export function oneOf<const T extends string>(...values: T[]): Check<T> {
  return (value, option) => {
    if (!values.includes(value as T)) {
      throw new OptionError(option, value, `one of ${values.map((v) => JSON.stringify(v)).join(', ')}`)
    }
    return value as T
  }
}

export function fn<T>(value: unknown, option: string): T {
  if (typeof value !== 'function') throw new OptionError(option, value, 'a function')
  return value as T
}

export function instance<T>(value: unknown, option: string, what: string, test: (value: object) => boolean): T {
  if (typeof value === 'object' && value !== null && test(value)) return value as T
  // Without the value: in place of an object of options there may be what belongs into it, such as a token.
  const got = typeof value === 'string' ? 'a text' : describe(value)
  throw new OptionError(option, undefined, '', `${option}: expected ${what}, got ${got}`)
}

/**
 * Refuses properties nobody reads, by name and with the nearest known one, so that a typo is never silent.
 * `path` is put before the names, as in `epmd.`.
 */
export function knownOnly(options: object, known: readonly string[], path = ''): void {
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue
    const close = known.find((candidate) => distance(candidate.toLowerCase(), name.toLowerCase()) <= 2)
    const hint = close === undefined ? `known options are ${known.join(', ')}` : `did you mean ${path}${close}?`
    // Without its value, which may be a misspelt secret.
    throw new OptionError(`${path}${name}`, undefined, '', `${path}${name}: there is no such option (${hint})`)
  }
}

/** Edit distance between two short strings. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const substitution = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(substitution, (row[j] as number) + 1, (next[j - 1] as number) + 1))
    }
    row = next
  }
  return row[b.length] as number
}
