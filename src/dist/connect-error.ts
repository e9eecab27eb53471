import { type ErrorCode, type ErrorInit, TsunagiError } from '../base/errors.ts'

/** The codes a failed connect can have. */
export type ConnectErrorCode = Extract<ErrorCode, `ERR_CONNECT_${string}`>

/** Options of a {@link ConnectError}. */
export interface ConnectErrorInit extends ErrorInit {
  /** See {@link ConnectError.permanent}. Default false. */
  readonly permanent?: boolean
}

/**
 * A connection that did not come about, whichever side began it. `reason` says why and what would cure it; cookies are
 * never part of it.
 */
export class ConnectError extends TsunagiError {
  declare readonly code: ConnectErrorCode
  /** The whole sentence; the same as `message`. */
  readonly reason: string
  /** The peer's name, as far as it is known. */
  readonly node: string | undefined
  /** Trying again is in vain until somebody changes a setting: a cookie, a name, an allow list. */
  readonly permanent: boolean

  constructor(code: ConnectErrorCode, node: string | undefined, reason: string, init: ConnectErrorInit = {}) {
    super(code, reason, init)
    this.reason = reason
    this.node = node
    this.permanent = init.permanent ?? false
  }

  static {
    ConnectError.prototype.name = 'ConnectError'
  }
}
