import { type ErrorCode, TsunagiError } from '../base/errors.ts'
import { atom } from '../term/atom.ts'
import { Pid, Reference } from '../term/identifiers.ts'
import type { Term } from '../term/term.ts'
import { tuple } from '../term/tuple.ts'
import type { Address } from './address.ts'
import { withoutStack } from './exit-reason.ts'
import { NOCONNECTION, NOPROC } from './exit-signal.ts'

/** How a call can fail. */
export type CallErrorCode = Extract<ErrorCode, 'ERR_CALL_EXIT' | 'ERR_NOCONNECTION' | 'ERR_NOPROC' | 'ERR_TIMEOUT'>

/**
 * A call that got no reply.
 *
 * - `ERR_TIMEOUT`: none came in time. The server may still work on it; a late reply is dropped.
 * - `ERR_NOPROC`: there is no such process.
 * - `ERR_NOCONNECTION`: its node cannot be reached, or the link went down.
 * - `ERR_CALL_EXIT`: the process ended before it replied, with `reason`.
 */
export class CallError extends TsunagiError {
  declare readonly code: CallErrorCode
  /** Whom the call went to. */
  readonly target: Address
  /** As OTP's `gen_server:call` would exit: `timeout`, `noproc`, `{nodedown, Node}`, or the server's exit reason. */
  readonly reason: Term

  constructor(code: CallErrorCode, message: string, target: Address, reason: Term) {
    super(code, message)
    this.target = target
    this.reason = reason
  }

  /** What a process exits with that does not catch it: `{Reason, {gen_server, call, [Target]}}`. */
  get exitReason(): Term {
    const { target } = this
    const where = target instanceof Pid || target instanceof Reference ? target : tuple(target.name, target.node)
    return tuple(this.reason, tuple(atom('gen_server'), atom('call'), [where]))
  }

  static {
    CallError.prototype.name = 'CallError'
  }
}

/** The error of a call whose monitor fired with `reason`. */
export function callErrorOf(target: Address, reason: Term): CallError {
  const whom = nameOf(target)
  if (reason === NOPROC) return new CallError('ERR_NOPROC', `call to ${whom}: no such process`, target, reason)
  if (reason === NOCONNECTION) {
    const node = target instanceof Pid || target instanceof Reference ? target.nodeAtom : target.node
    const nodedown = tuple(atom('nodedown'), node)
    return new CallError('ERR_NOCONNECTION', `call to ${whom}: no connection to ${node.name}`, target, nodedown)
  }
  const how = `it exited with reason ${String(withoutStack(reason))}`
  return new CallError('ERR_CALL_EXIT', `call to ${whom}: ${how}`, target, reason)
}

export function timeoutError(target: Address, timeout: number): CallError {
  return new CallError(
    'ERR_TIMEOUT',
    `call to ${nameOf(target)}: no reply within ${timeout} ms`,
    target,
    atom('timeout'),
  )
}

function nameOf(target: Address): string {
  if (target instanceof Pid || target instanceof Reference) return target.toString()
  return `${target.name.name} on ${target.node.name}`
}
