import type { Term } from '../../term/index.ts'
import { pack, unpack } from './packed-terms.ts'

/** What a function threw, as it crosses from a thread: plain data. */
export type Thrown =
  | {
      readonly kind: 'error'
      readonly name: string
      readonly message: string
      readonly stack: string | undefined
      readonly code: string | undefined
      readonly cause: Thrown | undefined
    }
  | { readonly kind: 'term'; readonly bytes: Uint8Array }
  | { readonly kind: 'other'; readonly text: string }

const DEEPEST_CAUSE = 5

const BUILT_IN: Readonly<Record<string, new (message: string) => Error>> = {
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
}

/** Never throws, whatever was thrown. */
export function describeThrown(value: unknown, depth = 0): Thrown {
  try {
    if (value instanceof Error) return describeError(value, depth)
    return { kind: 'term', bytes: pack(value as Term) }
  } catch {
    return { kind: 'other', text: textOf(value) }
  }
}

/** The error or value to throw again: built-in errors keep their class, others their name, all their stack and code. */
export function restoreThrown(thrown: Thrown): unknown {
  if (thrown.kind === 'term') return unpack(thrown.bytes)
  if (thrown.kind === 'other') return new Error(`the function threw what is no term: ${thrown.text}`)
  const { name, message, stack, code, cause } = thrown
  const make = Object.hasOwn(BUILT_IN, name) ? BUILT_IN[name] : undefined
  const error = make === undefined ? new Error(message) : new make(message)
  if (error.name !== name) hidden(error, 'name', name)
  if (stack !== undefined) hidden(error, 'stack', stack)
  if (code !== undefined) Object.assign(error, { code })
  if (cause !== undefined) hidden(error, 'cause', restoreThrown(cause))
  return error
}

function describeError(error: Error, depth: number): Thrown {
  const { code, cause } = error as Error & { code?: unknown }
  return {
    kind: 'error',
    name: String(error.name),
    message: String(error.message),
    stack: typeof error.stack === 'string' ? error.stack : undefined,
    code: typeof code === 'string' ? code : undefined,
    cause: cause === undefined || depth === DEEPEST_CAUSE ? undefined : describeThrown(cause, depth + 1),
  }
}

function textOf(value: unknown): string {
  try {
    return String(value)
  } catch {
    return typeof value
  }
}

function hidden(error: Error, key: string, value: unknown): void {
  Object.defineProperty(error, key, { value, writable: true, configurable: true })
}
