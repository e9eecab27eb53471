import { inspect } from 'node:util'
import { print } from './print.ts'
import { commaSeparated, type Printable, printed, type Shape } from './printable.ts'
import type { Term } from './term.ts'

/**
 * An Erlang tuple: `t[0]`, `t.length`, iteration and destructuring as with an array. It is a subclass of `Array`
 * because V8 keeps only those as compact as literals; `Array.isArray` says true, so ask `isTuple` first.
 * Made by {@link tuple}. Treat it as immutable.
 */
export class Tuple extends Array<Term> implements Printable {
  toJSON(): Term[] {
    return Array.from(this)
  }

  override toString(): string {
    return print(this)
  }

  [inspect.custom](): string {
    return print(this)
  }

  [printed](): Shape {
    return { open: '{', close: '}', parts: commaSeparated(this) }
  }
}

/** A tuple of these elements: `tuple(atom('ok'), 42)` is `{ok, 42}`. */
export function tuple(...elements: Term[]): Tuple {
  const made = new Tuple(elements.length)
  for (let i = 0; i < elements.length; i++) made[i] = elements[i] as Term
  return made
}

export function isTuple(value: unknown): value is Tuple {
  return value instanceof Tuple
}

/** Whether a term is a list, and not a tuple, which is an array, too. */
export function isList(value: Term): value is readonly Term[] {
  return Array.isArray(value) && !isTuple(value)
}
