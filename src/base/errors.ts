/** Every code an error of this package can carry. Each has an entry in `docs/errors.md`. */
export type ErrorCode =
  | 'ERR_ATOM_LIMIT'
  | 'ERR_CALL_EXIT'
  | 'ERR_CHILD'
  | 'ERR_CLOSED'
  | 'ERR_COMPUTE'
  | 'ERR_COMPUTE_TIMEOUT'
  | 'ERR_CONFIG'
  | 'ERR_CONNECT_ALREADY_CONNECTED'
  | 'ERR_CONNECT_CLOSED'
  | 'ERR_CONNECT_COOKIE'
  | 'ERR_CONNECT_EPMD'
  | 'ERR_CONNECT_FLAGS'
  | 'ERR_CONNECT_HOST'
  | 'ERR_CONNECT_NAME'
  | 'ERR_CONNECT_NOT_ALLOWED'
  | 'ERR_CONNECT_NOT_REGISTERED'
  | 'ERR_CONNECT_PROTOCOL'
  | 'ERR_CONNECT_REFUSED'
  | 'ERR_CONNECT_SELF'
  | 'ERR_CONNECT_SIMULTANEOUS'
  | 'ERR_CONNECT_SPLIT_NAMES'
  | 'ERR_CONNECT_TIMEOUT'
  | 'ERR_CONNECT_TLS'
  | 'ERR_CONNECT_TLS_EXPIRED'
  | 'ERR_CONNECT_TLS_HOST'
  | 'ERR_CONNECT_TLS_NAME'
  | 'ERR_CONNECT_TLS_NO_CERTIFICATE'
  | 'ERR_CONNECT_TLS_PLAIN'
  | 'ERR_CONNECT_TLS_REFUSED'
  | 'ERR_CONNECT_TLS_UNTRUSTED'
  | 'ERR_CONNECT_TLS_VERSION'
  | 'ERR_COOKIE_FILE'
  | 'ERR_DECODE'
  | 'ERR_DISCOVERY'
  | 'ERR_ENCODE'
  | 'ERR_ENGINE'
  | 'ERR_EPMD_PROTOCOL'
  | 'ERR_EPMD_REFUSED'
  | 'ERR_EPMD_TIMEOUT'
  | 'ERR_EPMD_UNREACHABLE'
  | 'ERR_ERLANG'
  | 'ERR_EXIT'
  | 'ERR_FUNCTION_ENDED'
  | 'ERR_FUNCTION_MISSING'
  | 'ERR_FUNCTION_REFUSED'
  | 'ERR_FUNCTION_SOURCE'
  | 'ERR_INVALID_OPTION'
  | 'ERR_LIMIT'
  | 'ERR_LINK_FULL'
  | 'ERR_LISTEN'
  | 'ERR_NAME_TAKEN'
  | 'ERR_NOCONNECTION'
  | 'ERR_NOPROC'
  | 'ERR_NOT_FOUND'
  | 'ERR_NOT_VISIBLE'
  | 'ERR_NO_LOADER'
  | 'ERR_NO_QUORUM'
  | 'ERR_NO_VALUE'
  | 'ERR_OBSERVE_REFUSED'
  | 'ERR_PACKAGE_MISSING'
  | 'ERR_PARSE'
  | 'ERR_PROTOCOL'
  | 'ERR_RPC_EXCEPTION'
  | 'ERR_RPC_REFUSED'
  | 'ERR_RPC_UNDEF'
  | 'ERR_SCHEMA'
  | 'ERR_STORE_DISK'
  | 'ERR_STORE_LOCKED'
  | 'ERR_STORE_REFUSED'
  | 'ERR_SYNC_NODES'
  | 'ERR_TIMEOUT'
  | 'ERR_TLS_CREDENTIALS'
  | 'ERR_UNSUPPORTED'
  | 'ERR_VERSION'

/** Options of an error: its cause, and data that belongs to it. */
export interface ErrorInit {
  readonly cause?: unknown
}

/**
 * The base of every error this package throws or reports, apart from an aborted wait, which rejects with its
 * signal's own reason. Switch on `code`: messages are for people and may change.
 */
export class TsunagiError extends Error {
  /** What happened, stable across releases. */
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, init?: ErrorInit) {
    super(message, init?.cause === undefined ? undefined : { cause: init.cause })
    this.code = code
  }

  static {
    TsunagiError.prototype.name = 'TsunagiError'
  }
}

/** An option, argument or environment variable that cannot be used. `code` is `ERR_INVALID_OPTION`. */
export class OptionError extends TsunagiError {
  /** The option's name as the caller wrote it, such as `netTickTime`. */
  readonly option: string
  /** The value at fault; undefined for secrets and for options that do not exist. */
  readonly value: unknown

  constructor(option: string, value: unknown, expected: string, message?: string) {
    super('ERR_INVALID_OPTION', message ?? `${option}: expected ${expected}, got ${describe(value)}`)
    this.option = option
    this.value = value
  }

  static {
    OptionError.prototype.name = 'OptionError'
  }
}

/** A short picture of any value for an error message. Secrets must not be passed to it. */
export function describe(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value.length > 60 ? `${value.slice(0, 57)}...` : value)
    case 'bigint':
      return `${value}n`
    case 'function':
      return `a function${value.name === '' ? '' : ` (${value.name})`}`
    case 'object':
      if (value === null) return 'null'
      if (Array.isArray(value)) return `an array of ${value.length}`
      return `an instance of ${value.constructor?.name ?? 'Object'}`
    default:
      return String(value)
  }
}
