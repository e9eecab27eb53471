import { TsunagiError } from '../base/errors.ts'

/** What a peer sent on an established link breaks the protocol or crosses a limit; its link ends. `ERR_PROTOCOL`. */
export class ProtocolError extends TsunagiError {
  constructor(message: string, cause?: unknown) {
    super('ERR_PROTOCOL', message, { cause })
  }

  static {
    ProtocolError.prototype.name = 'ProtocolError'
  }
}
