/** A term in parts, for `print`. */
export interface Shape {
  readonly open: string
  readonly close: string
  /** Each part behind what separates it from the one before; before the first nothing does. */
  readonly parts: Iterable<readonly [separator: Separator, value: unknown]>
}

/** A line may begin behind a comma and before a bar, but not between a key and its value. */
export type Separator = ',' | '|' | ' => ' | ' = '

/** The method by which the classes of terms say how they print: as a text, or in parts. */
export const printed = Symbol('tsunagi.printed')

/** A term of a class of its own. */
export interface Printable {
  [printed](): string | Shape
}

export function isPrintable(value: object): value is Printable {
  return typeof (value as Partial<Printable>)[printed] === 'function'
}

/** A text that stands as it is, such as the name of a field. */
export class Spelt implements Printable {
  readonly #text: string

  constructor(text: string) {
    this.#text = text
  }

  [printed](): string {
    return this.#text
  }
}

/** The parts of a list or a tuple. */
export function* commaSeparated(elements: Iterable<unknown>): Iterable<[Separator, unknown]> {
  for (const element of elements) yield [',', element]
}

/** The parts of a map or a record. */
export function* paired(
  pairs: Iterable<readonly [unknown, unknown]>,
  between: ' => ' | ' = ',
): Iterable<[Separator, unknown]> {
  for (const [key, value] of pairs) {
    yield [',', key]
    yield [between, value]
  }
}
