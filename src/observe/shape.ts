/**
 * Reads a value of strangers: answers what of it is known and fits, or throws a TypeError that says where it does not. Texts
 * and lists that are too long are cut; properties that nobody knows are left out.
 */
export type Shape<T> = (value: unknown, path: string) => T

/** What a shape answers. */
export type Shaped<S> = S extends Shape<infer T> ? T : never

/** A text of at most `max` characters; a longer one is cut. */
export function text(max: number): Shape<string> {
  return (value, path) => {
    if (typeof value !== 'string') throw wrong(path, 'a text')
    return cut(value, max)
  }
}

/** A finite number within bounds. */
export function number(min = -Number.MAX_VALUE, max = Number.MAX_VALUE): Shape<number> {
  return (value, path) => {
    if (typeof value !== 'number' || !(value >= min && value <= max))
      throw wrong(path, `a number from ${min} to ${max}`)
    return value
  }
}

/** How many of something there are. */
export const count: Shape<number> = number(0, Number.MAX_SAFE_INTEGER)

/** Milliseconds since 1970. */
export const time: Shape<number> = number(0, 8.64e15)

export const flag: Shape<boolean> = (value, path) => {
  if (typeof value !== 'boolean') throw wrong(path, 'true or false')
  return value
}

/** One of a few texts. */
export function choice<const T extends string>(...values: T[]): Shape<T> {
  return (value, path) => {
    if (!values.includes(value as T)) throw wrong(path, `one of ${values.join(', ')}`)
    return value as T
  }
}

/** What may be absent, too: null then. */
export function maybe<T>(shape: Shape<T>): Shape<T | null> {
  return (value, path) => (value === undefined || value === null ? null : shape(value, path))
}

/** A list of at most `max` items; of a longer one, the first of them. */
export function list<T>(max: number, shape: Shape<T>): Shape<T[]> {
  return (value, path) => {
    if (!Array.isArray(value)) throw wrong(path, 'a list')
    const items: T[] = []
    for (let i = 0; i < value.length && i < max; i++) items.push(shape(value[i], `${path}[${i}]`))
    return items
  }
}

/** Values by a name; at most `max`. */
export function byName<T>(max: number, nameLength: number, shape: Shape<T>): Shape<Record<string, T>> {
  return (value, path) => {
    const found: [string, T][] = []
    for (const [name, item] of Object.entries(object(value, path))) {
      if (found.length === max) break
      found.push([cut(name, nameLength), shape(item, `${path}.${cut(name, nameLength)}`)])
    }
    return Object.fromEntries(found)
  }
}

/** An object with these properties. */
export function fields<S extends Record<string, Shape<unknown>>>(shapes: S): Shape<{ [K in keyof S]: Shaped<S[K]> }> {
  const known = Object.entries(shapes)
  return (value, path) => {
    const from = object(value, path)
    const read: Record<string, unknown> = {}
    for (const [name, shape] of known) {
      read[name] = shape(Object.hasOwn(from, name) ? from[name] : undefined, path === '' ? name : `${path}.${name}`)
    }
    return read as { [K in keyof S]: Shaped<S[K]> }
  }
}

/** A text cut to a length, between characters and not within one. */
export function cut(value: string, max: number): string {
  if (value.length <= max) return value
  const end = value.slice(0, max - 1)
  return `${end.isWellFormed() ? end : end.slice(0, -1)}…`
}

function object(value: unknown, path: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(path, 'an object')
  return value as Record<string, unknown>
}

function wrong(path: string, expected: string): TypeError {
  return new TypeError(`${path === '' ? 'the whole' : path}: expected ${expected}`)
}
