import { type ErrorInit, TsunagiError } from '../base/errors.ts'

/** What can go wrong between a node and an EPMD. */
export type EpmdErrorCode =
  | 'ERR_EPMD_PROTOCOL'
  | 'ERR_EPMD_REFUSED'
  | 'ERR_EPMD_TIMEOUT'
  | 'ERR_EPMD_UNREACHABLE'
  | 'ERR_NAME_TAKEN'

/**
 * A talk with an EPMD that failed:
 * - `ERR_EPMD_UNREACHABLE`: nothing listens there, the host is unknown or cannot be reached; `cause` has the system's
 *   error (an `AggregateError` when the host has several addresses),
 * - `ERR_EPMD_TIMEOUT`: no answer in time,
 * - `ERR_EPMD_PROTOCOL`: the answer is not EPMD's,
 * - `ERR_EPMD_REFUSED`: it closed the connection instead of registering the name, as EPMD does to other hosts,
 * - `ERR_NAME_TAKEN`: another node is registered under the name.
 */
export class EpmdError extends TsunagiError {
  declare readonly code: EpmdErrorCode
  /** Where the EPMD was looked for. */
  readonly host: string
  readonly port: number

  constructor(code: EpmdErrorCode, message: string, where: { host: string; port: number }, init?: ErrorInit) {
    super(code, message, init)
    this.host = where.host
    this.port = where.port
  }

  static {
    EpmdError.prototype.name = 'EpmdError'
  }
}
