import { type ErrorCode, TsunagiError } from '../../base/errors.ts'
import type { ConnectError } from '../../dist/connect-error.ts'
import { quoteAtom } from '../../term/atom.ts'
import { type Atom, atom, print, type Term, tuple } from '../../term/index.ts'

/** How a remote call can fail. */
export type RpcErrorCode = Extract<
  ErrorCode,
  'ERR_CALL_EXIT' | 'ERR_NOCONNECTION' | 'ERR_RPC_EXCEPTION' | 'ERR_RPC_REFUSED' | 'ERR_RPC_UNDEF' | 'ERR_TIMEOUT'
>

/** The class of an Erlang exception: of `error(Reason)`, `exit(Reason)` or `throw(Value)`. */
export type ExceptionClass = 'error' | 'exit' | 'throw'

/** What an {@link RpcError} is made of. */
export interface RpcFailure {
  readonly code: RpcErrorCode
  readonly class: ExceptionClass
  readonly reason: Term
  readonly stacktrace?: readonly Term[]
  readonly cause?: unknown
}

/** Which function was called, and where. */
export interface RpcTarget {
  readonly node: string
  readonly module: Atom
  readonly name: Atom
  readonly arity: number
}

/** Reasons longer than this, in characters, are cut in messages. */
const SHOWN = 200

/**
 * A remote call without a result.
 *
 * - `ERR_RPC_EXCEPTION`: the function raised; `class`, `reason` and `stacktrace` are what it raised.
 * - `ERR_RPC_UNDEF`: there is no such function, or it is not exposed.
 * - `ERR_CALL_EXIT`: the process it ran in was ended from outside, with `reason`.
 * - `ERR_RPC_REFUSED`: the node did not run it; `reason` is an atom such as `system_limit` or `notsup`.
 * - `ERR_NOCONNECTION`: the node cannot be reached, with a `ConnectError` as `cause` that says why; or the link went down,
 *   and the function may have run.
 * - `ERR_TIMEOUT`: no result in time. The function may run on; what it returns is dropped.
 */
export class RpcError extends TsunagiError {
  declare readonly code: RpcErrorCode
  /** The node that was asked. */
  readonly node: string
  /** What was called, as Erlang names it: `lists:sum/1`. */
  readonly function: string
  readonly class: ExceptionClass
  readonly reason: Term
  /** Erlang's, a list of `{Module, Function, ArityOrArguments, Location}`; empty where there is none. */
  readonly stacktrace: readonly Term[]

  constructor(target: RpcTarget, failure: RpcFailure, how: string) {
    const called = `${quoteAtom(target.module.name)}:${quoteAtom(target.name.name)}/${target.arity}`
    super(failure.code, `rpc to ${target.node}: ${called} ${how}`, { cause: failure.cause })
    this.node = target.node
    this.function = called
    this.class = failure.class
    this.reason = failure.reason
    this.stacktrace = failure.stacktrace ?? []
  }

  /** What `erpc:call` raises in its place: class and reason. */
  get exception(): readonly [ExceptionClass, Term] {
    switch (this.code) {
      case 'ERR_CALL_EXIT':
        return ['exit', tuple(atom('signal'), this.reason)]
      case 'ERR_RPC_EXCEPTION':
      case 'ERR_RPC_UNDEF':
        if (this.class === 'throw') return ['throw', this.reason]
        if (this.class === 'exit') return ['exit', tuple(atom('exception'), this.reason)]
        return ['error', tuple(atom('exception'), this.reason, this.stacktrace)]
      default:
        return ['error', tuple(atom('erpc'), this.reason)]
    }
  }

  /** What a process exits with that does not catch it. */
  get exitReason(): Term {
    const [kind, reason] = this.exception
    if (kind === 'exit') return reason
    return tuple(kind === 'throw' ? tuple(atom('nocatch'), reason) : reason, [])
  }

  static {
    RpcError.prototype.name = 'RpcError'
  }
}

/** The function raised. */
export function raised(target: RpcTarget, kind: ExceptionClass, reason: Term, stacktrace: readonly Term[]): RpcError {
  const failure: RpcFailure = { code: 'ERR_RPC_EXCEPTION', class: kind, reason, stacktrace }
  const how = { error: 'raised', exit: 'exited with', throw: 'threw' }[kind]
  return new RpcError(target, failure, `${how} ${print(reason, { length: SHOWN })}`)
}

export function undefinedFunction(target: RpcTarget, stacktrace: readonly Term[]): RpcError {
  const failure: RpcFailure = { code: 'ERR_RPC_UNDEF', class: 'error', reason: atom('undef'), stacktrace }
  const { name } = target.module
  // Only Elixir's modules begin with a capital, and their atoms with `Elixir.`.
  const hint = /^[A-Z]/.test(name) && !name.startsWith('Elixir.') ? `; an Elixir module is named Elixir.${name}` : ''
  return new RpcError(target, failure, `is undefined there, or not exposed${hint}`)
}

/** The process the function ran in ended by an exit signal. */
export function ended(target: RpcTarget, reason: Term): RpcError {
  const how = `was ended with reason ${print(reason, { length: SHOWN })}`
  return new RpcError(target, { code: 'ERR_CALL_EXIT', class: 'exit', reason }, how)
}

export function refused(target: RpcTarget, reason: Term): RpcError {
  const how = `was refused: ${print(reason, { length: SHOWN })}`
  return new RpcError(target, { code: 'ERR_RPC_REFUSED', class: 'error', reason }, how)
}

/** `cause`: why a dial failed. */
export function noConnection(target: RpcTarget, cause: ConnectError | undefined): RpcError {
  const failure: RpcFailure = { code: 'ERR_NOCONNECTION', class: 'error', reason: atom('noconnection'), cause }
  const why = cause === undefined ? '' : `: ${cause.reason}`
  return new RpcError(target, failure, `has no answer: there is no connection${why}`)
}

export function timedOut(target: RpcTarget, timeout: number): RpcError {
  const failure: RpcFailure = { code: 'ERR_TIMEOUT', class: 'error', reason: atom('timeout') }
  return new RpcError(target, failure, `has no answer within ${timeout} ms`)
}
