import { basename } from 'node:path'
import { describe, TsunagiError } from '../base/errors.ts'
import { atom, isAtom } from '../term/atom.ts'
import { Pid, Reference } from '../term/identifiers.ts'
import { print } from '../term/print.ts'
import { charlist } from '../term/special.ts'
import type { Term } from '../term/term.ts'
import { isList, isTuple, type Tuple, tuple } from '../term/tuple.ts'

/** Reasons longer than this, in characters, are cut in messages: a reason can hold a whole result. */
const SHOWN = 500

/**
 * A process ends, or has ended. Thrown by `self.exit(reason)` to end the process that runs, and by everything a process
 * still tries when it has ended; it is also the `reason` of `self.signal`. `code` is `ERR_EXIT`.
 */
export class ExitError extends TsunagiError {
  /** The exit reason, as linked and monitoring processes get it. */
  readonly reason: Term

  constructor(reason: Term, cause?: unknown) {
    super('ERR_EXIT', `exited with reason ${print(withoutStack(reason), { length: SHOWN })}`, { cause })
    this.reason = reason
  }

  static {
    ExitError.prototype.name = 'ExitError'
  }
}

/**
 * An Erlang exception of class `error` with a reason of your choice: thrown by an exposed function it reaches the caller as
 * `error(Reason)` there. A process that ends by it has the exit reason `{Reason, []}`. `code` is `ERR_ERLANG`.
 *
 * @example
 * throw new ErlangError(tuple(atom('badkey'), 'name'))
 */
export class ErlangError extends TsunagiError {
  readonly reason: Term

  constructor(reason: Term, cause?: unknown) {
    super('ERR_ERLANG', `Erlang error: ${print(reason, { length: SHOWN })}`, { cause })
    this.reason = reason
  }

  get exitReason(): Term {
    return tuple(this.reason, [])
  }

  static {
    ErlangError.prototype.name = 'ErlangError'
  }
}

/**
 * The exit reason of a process that ended by throwing `thrown`: that of an {@link ExitError} as it is; `{Reason, Stack}`
 * for an error, where Reason is `{Name, Message}` such as `{'TypeError', <<"x is not a function">>}` and Stack is
 * Erlang's list of `{Module, Function, Arity, [{file, File}, {line, Line}]}` with the arity, which JavaScript does not
 * tell, as 0; `{{nocatch, Value}, []}` for anything else, as in Erlang.
 */
export function exitReasonOf(thrown: unknown): Term {
  if (thrown instanceof ExitError) return thrown.reason
  if (thrown instanceof TsunagiError && 'exitReason' in thrown) return thrown.exitReason as Term
  if (thrown instanceof Error) return tuple(tuple(nameOf(thrown), wellFormed(thrown.message)), stackOf(thrown))
  return tuple(tuple(atom('nocatch'), termOf(thrown)), [])
}

/** How deep stack traces are looked for: `{shutdown, {failed_to_start_child, Id, {Reason, Stack}}}`, and once more. */
const stackDepth = 5

/** A reason as it reads best in a line of text: without the stack traces that reasons of crashes carry. */
export function withoutStack(reason: Term, depth = stackDepth): Term {
  // A peer's reason can be a tuple of any size.
  if (!isTuple(reason) || reason.length > 4 || depth === 0) return reason
  if (reason.length === 2 && isStack(reason[1])) return withoutStack(reason[0], depth - 1)
  return tuple(...Array.from(reason, (element) => withoutStack(element, depth - 1)))
}

/** `[{Module, Function, ArityOrArguments, Location}]`, not empty. */
function isStack(term: Term): boolean {
  if (!isList(term)) return false
  const [frame] = term
  return isTuple(frame) && frame.length === 4 && isAtom(frame[0]) && isAtom(frame[1]) && Array.isArray(frame[3])
}

const framesKept = 8

/** V8's stack as Erlang's. Only file names travel, no directories: they are nobody else's business. */
function stackOf(error: Error): Tuple[] {
  const frames: Tuple[] = []
  for (const line of String(error.stack ?? '').split('\n')) {
    const match = /^\s+at (?:(?:async )?(.*?) \()?(?:file:\/\/)?([^()]+?):(\d+):\d+\)?$/.exec(line)
    if (match === null || match[2]?.startsWith('node:')) continue
    const file = basename(match[2] as string)
    const location = [tuple(atom('file'), charlist(file)), tuple(atom('line'), Number(match[3]))]
    frames.push(tuple(atomOf(file), atomOf(match[1] ?? 'anonymous'), 0, location))
    if (frames.length === framesKept) break
  }
  return frames
}

function nameOf(error: Error): Term {
  return atomOf(typeof error.name === 'string' && error.name !== '' ? error.name : 'Error')
}

function atomOf(text: string): Term {
  return atom(Array.from(wellFormed(text)).slice(0, 255).join(''))
}

function wellFormed(text: unknown): string {
  return String(text).toWellFormed()
}

/** A thrown value that is a term of a simple kind stays itself; of others a picture must do. */
function termOf(value: unknown): Term {
  switch (typeof value) {
    case 'string':
      return wellFormed(value)
    case 'bigint':
    case 'boolean':
    case 'undefined':
      return value
    case 'number':
      return Number.isFinite(value) ? value : String(value)
    default:
      if (value === null || isAtom(value) || isTuple(value)) return value
      if (value instanceof Pid || value instanceof Reference) return value
      return describe(value)
  }
}
