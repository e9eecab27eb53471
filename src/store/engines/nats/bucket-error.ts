import { TsunagiError } from '../../../base/errors.ts'
import { StoreError } from '../../store-error.ts'

/** JetStream: "wrong last sequence", with the right one and without. */
const WRONG_SEQUENCE: readonly unknown[] = [10071, 10164]
/** JetStream: "system temporarily unavailable", as when its own servers have no majority. */
const UNAVAILABLE = 10008
/** JetStream: "message size exceeds maximum allowed", by the bucket's own limit. */
const TOO_LARGE = 10054

/** Whether a compare and set came too late. */
export function isConflict(error: unknown): boolean {
  return WRONG_SEQUENCE.includes((error as { code?: unknown }).code)
}

/** Whether nobody knows if a write happened. */
export function isUnanswered(error: unknown): boolean {
  return (error as { name?: unknown }).name === 'TimeoutError'
}

/** Whether no server has what was asked for: the bucket was deleted, or has no majority of its servers. */
export function isNobody(error: unknown): boolean {
  return (error as { name?: unknown }).name === 'JetStreamNotEnabled'
}

/** What nats.js rejects with, as an error of ours. Its errors are told apart by name: there may be several copies of it. */
export function bucketError(error: unknown): TsunagiError {
  if (error instanceof TsunagiError) return error
  const {
    name = '',
    message = String(error),
    code,
  } = (error ?? {}) as { name?: string; message?: string; code?: unknown }
  const init = { cause: error }
  if (code === TOO_LARGE) return new TsunagiError('ERR_LIMIT', `the bucket does not take it: ${message}`, init)
  if (code === UNAVAILABLE) return new StoreError('ERR_NO_QUORUM', `JetStream has no majority: ${message}`, init)
  switch (name) {
    case 'TimeoutError':
      return new TsunagiError('ERR_TIMEOUT', 'the NATS server has not answered', init)
    case 'JetStreamNotEnabled':
      return new StoreError('ERR_NO_LOADER', 'the NATS server has no JetStream, or not for this account', init)
    case 'ClosedConnectionError':
    case 'DrainingConnectionError':
      return new StoreError('ERR_NO_LOADER', 'the connection with NATS was closed', init)
    case 'PermissionViolationError':
    case 'JetStreamApiError':
      return new StoreError('ERR_STORE_REFUSED', `JetStream refuses it: ${message}`, init)
    default:
      return new StoreError('ERR_NO_LOADER', `JetStream cannot be used: ${message}`, init)
  }
}
