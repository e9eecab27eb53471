import { TsunagiError } from '../base/errors.ts'

/** Bytes that are no term, or one that crosses a limit. `code` is `ERR_DECODE`. */
export class DecodeError extends TsunagiError {
  /** Where in the input, in bytes. */
  readonly offset: number

  constructor(message: string, offset: number) {
    super('ERR_DECODE', `${message} (at byte ${offset})`)
    this.offset = offset
  }

  static {
    DecodeError.prototype.name = 'DecodeError'
  }
}

/** A value that has no Erlang form. `code` is `ERR_ENCODE`. */
export class EncodeError extends TsunagiError {
  /** Where in the value, such as `.rows[3].createdAt`; empty for the value itself. */
  readonly path: string

  constructor(message: string, path = '') {
    super('ERR_ENCODE', path === '' ? message : `${message}, at ${path}`)
    this.path = path
  }

  static {
    EncodeError.prototype.name = 'EncodeError'
  }
}
