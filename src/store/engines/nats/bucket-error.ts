import { TsunagiError } from '../../../base/errors.ts'
import { StoreError } from '../../store-error.ts'

/** JetStream: "wrong last sequence". */
const WRONG_SEQUENCE = 10071
/** JetStream: "system temporarily unavailable", as when its own servers have no majority. */
const UNAVAILABLE = 10008

/** Whether a compare and set came too late. */
export function isConflict(error: unknown): boolean {
  return (error as { code?: unknown }).code === WRONG_SEQUENCE
}

/** What nats.js rejects with, as an error of ours. */
export function bucketError(error: unknown, key?: string): unknown {
  if (error instanceof TsunagiError || !(error instanceof Error)) return error
  const { name, message } = error
  const { code } = error as { code?: unknown }
  const init = { key, cause: error }
  if (isConflict(error)) return new StoreError('ERR_VERSION', 'the key has another version on the NATS server', init)
  if (code === UNAVAILABLE) return new StoreError('ERR_NO_QUORUM', `JetStream has no majority: ${message}`, init)
  if (name === 'TimeoutError') return new TsunagiError('ERR_TIMEOUT', 'the NATS server has not answered', init)
  if (name === 'ClosedConnectionError')
    return new TsunagiError('ERR_CLOSED', 'the connection with NATS is closed', init)
  return new StoreError('ERR_NO_LOADER', `JetStream cannot be used: ${message}`, init)
}
