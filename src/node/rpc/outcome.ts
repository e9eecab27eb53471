import { TsunagiError } from '../../base/errors.ts'
import { ErlangError, ExitError, exitReasonOf } from '../../process/exit-reason.ts'
import { atom, isTuple, Reference, type Term, tuple } from '../../term/index.ts'
import { isList } from '../../term/tuple.ts'
import {
  type ExceptionClass,
  ended,
  RpcError,
  type RpcTarget,
  raised,
  refused,
  undefinedFunction,
} from './rpc-error.ts'

/** What came of applying a function. */
export type Outcome =
  | { readonly kind: 'return'; readonly value: Term }
  | { readonly kind: ExceptionClass; readonly reason: Term; readonly stack: readonly Term[] }
  /** The process it ran in was ended by an exit signal. */
  | { readonly kind: 'signal'; readonly reason: Term }
  /** It was not applied at all. */
  | { readonly kind: 'refused'; readonly reason: Term }

const ERROR = atom('error')
const ERPC = atom('erpc')
const EXIT = atom('EXIT')
const BADRPC = atom('badrpc')
const UNDEF = atom('undef')

/** What a function threw, as an Erlang exception. `stack` is what callers get to see of where. */
export function thrownOutcome(thrown: unknown, stack: readonly Term[]): Outcome {
  if (thrown instanceof ErlangError) return { kind: 'error', reason: thrown.reason, stack }
  if (thrown instanceof ExitError) return { kind: 'exit', reason: thrown.reason, stack: [] }
  if (thrown instanceof RpcError) {
    const [kind, reason] = thrown.exception
    return { kind, reason, stack: kind === 'error' ? stack : [] }
  }
  const reason = exitReasonOf(thrown)
  if (thrown instanceof TsunagiError && 'exitReason' in thrown) return { kind: 'exit', reason, stack: [] }
  // `{{Name, Message}, Stack}` of an error, `{{nocatch, Value}, []}` of anything else.
  const what = isTuple(reason) ? reason[0] : reason
  if (thrown instanceof Error) return { kind: 'error', reason: what, stack }
  return { kind: 'throw', reason: isTuple(what) ? what[1] : what, stack: [] }
}

/** The exit reason by which `erpc:execute_call/4` tells its caller. */
export function erpcReply(ref: Term, outcome: Outcome): Term {
  switch (outcome.kind) {
    case 'return':
      return tuple(ref, atom('return'), outcome.value)
    case 'error':
      return tuple(ref, ERROR, outcome.reason, outcome.stack)
    case 'refused':
      return tuple(ref, ERROR, tuple(ERPC, outcome.reason))
    case 'signal':
      return outcome.reason
    default:
      return tuple(ref, atom(outcome.kind), outcome.reason)
  }
}

/** Reads an exit reason of `erpc:execute_call/4`. What does not bear our reference is the end of its process. */
export function readErpcReply(ref: Reference, reason: Term): Outcome {
  if (!isTuple(reason) || !(reason[0] instanceof Reference) || !ref.equals(reason[0])) return { kind: 'signal', reason }
  const [, kind, value, stack] = reason
  if (reason.length === 3) {
    if (kind === atom('return')) return { kind: 'return', value }
    if (kind === atom('throw')) return { kind: 'throw', reason: value, stack: [] }
    if (kind === atom('exit')) return { kind: 'exit', reason: value, stack: [] }
    if (kind === ERROR && isTuple(value) && value[0] === ERPC) return { kind: 'refused', reason: value[1] }
  }
  if (reason.length === 4 && kind === ERROR) return { kind: 'error', reason: value, stack: frames(stack) }
  return { kind: 'signal', reason }
}

/** In place of a result or a reason that is no term; `error` says why and where. */
export function unencodable(error: unknown): Outcome {
  // The path begins within the reply; what the function returned is its last element.
  const what = String((error as Error).message)
    .toWellFormed()
    .replace(/, at \[[12]\]/, ', at result')
  return { kind: 'error', reason: tuple(atom('unencodable'), what), stack: [] }
}

/** What `rex` replies, and `rpc:call` returns. */
export function rpcReply(outcome: Outcome): Term {
  switch (outcome.kind) {
    case 'return':
      return outcome.value
    case 'throw':
      return outcome.reason
    case 'error':
      return tuple(BADRPC, tuple(EXIT, tuple(outcome.reason, outcome.stack)))
    default:
      return tuple(BADRPC, tuple(EXIT, outcome.reason))
  }
}

/** Reads a reply of `rex`, which does not tell a thrown value from a returned one. */
export function readRpcReply(reply: Term): Outcome {
  if (!isTuple(reply) || reply.length !== 2 || reply[0] !== BADRPC) return { kind: 'return', value: reply }
  const what = reply[1]
  if (!isTuple(what) || what.length !== 2 || what[0] !== EXIT) return { kind: 'refused', reason: what }
  const reason = what[1]
  if (isTuple(reason) && reason.length === 2 && Array.isArray(reason[1]) && reason[1].every(isTuple)) {
    return { kind: 'error', reason: reason[0], stack: reason[1] }
  }
  return { kind: 'exit', reason, stack: [] }
}

/** The result an outcome stands for. @throws RpcError */
export function resultOf(target: RpcTarget, outcome: Outcome): Term {
  switch (outcome.kind) {
    case 'return':
      return outcome.value
    case 'signal':
      throw ended(target, outcome.reason)
    case 'refused':
      throw refused(target, outcome.reason)
    default:
      if (outcome.reason === UNDEF && isAbout(outcome.stack[0], target)) throw undefinedFunction(target, outcome.stack)
      throw raised(target, outcome.kind, outcome.reason, outcome.stack)
  }
}

/** Whether a frame is that of the function that was called: its arguments are there in place of the arity. */
function isAbout(frame: Term, { module, name, arity }: RpcTarget): boolean {
  if (!isTuple(frame)) return false
  const [itsModule, itsName, its] = frame
  return itsModule === module.value && itsName === name.value && (Array.isArray(its) ? its.length : its) === arity
}

function frames(stack: Term): readonly Term[] {
  return isList(stack) ? stack : []
}
