import { TsunagiError } from '../base/errors.ts'

/** What keeps an engine from its server: `unauthorized` does not go away by itself, everything else may. */
export type NatsErrorReason = 'closed' | 'lost' | 'refused' | 'timeout' | 'unauthorized' | 'failed'

/** There is no connection with NATS, or the server does not allow something. `code` is `ERR_ENGINE`. */
export class NatsError extends TsunagiError {
  readonly reason: NatsErrorReason
  /** The server, or all that were tried: `127.0.0.1:4222`. */
  readonly server: string

  constructor(reason: NatsErrorReason, server: string, message: string, cause?: unknown) {
    super('ERR_ENGINE', message, { cause })
    this.reason = reason
    this.server = server
  }

  static {
    NatsError.prototype.name = 'NatsError'
  }
}

/** What an error of the NATS client means. It is told apart by its name: there may be several copies of that package. */
export function natsError(server: string, cause: unknown): NatsError {
  const { name = '', message = String(cause) } = (cause ?? {}) as Partial<Error>
  const failed = (reason: NatsErrorReason, text: string) => new NatsError(reason, server, text, cause)
  switch (name) {
    case 'AuthorizationError':
    case 'UserAuthenticationExpiredError':
      return failed('unauthorized', `the NATS server at ${server} does not let this node in: ${message}`)
    case 'PermissionViolationError':
      return failed('unauthorized', `the NATS server at ${server} forbids it: ${message}`)
    case 'TimeoutError':
      return failed('timeout', `the NATS server at ${server} does not answer`)
    case 'ClosedConnectionError':
    case 'DrainingConnectionError':
      return failed('closed', 'the connection with NATS was closed')
    default:
      if (message === 'connection refused') return failed('refused', `no NATS server listens at ${server}`)
      return failed('failed', `cannot connect with the NATS server at ${server}: ${message}`)
  }
}
