import type { Clock } from '../base/clock.ts'
import { OptionError, TsunagiError } from '../base/errors.ts'

/** Options of everything that waits. */
export interface WaitOptions {
  /** Milliseconds until it rejects with `ERR_TIMEOUT`. Default 5000; `Infinity` waits for ever. */
  readonly timeout?: number
  /** Gives the wait up; it rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined
}

/** The names of {@link WaitOptions}, for `knownOnly`. */
export const WAIT_OPTIONS = ['timeout', 'signal'] as const

function isDuration(value: unknown): boolean {
  return typeof value === 'number' && value >= 0
}

/**
 * Settles as `promise` does, or rejects when the time is over or the signal aborts. `what` begins the message of
 * `ERR_TIMEOUT`.
 */
export function withLimits<T>(
  promise: Promise<T>,
  clock: Clock,
  { timeout = 5000, signal }: WaitOptions,
  what: string,
): Promise<T> {
  // Whoever waits hears of a bad option, and of nothing else.
  if (signal?.aborted || !isDuration(timeout)) {
    promise.catch(() => {})
    return Promise.reject(signal?.aborted ? signal.reason : new OptionError('timeout', timeout, 'milliseconds'))
  }
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      timer?.cancel()
      signal?.removeEventListener('abort', abort)
    }
    const abort = (): void => {
      settle()
      reject(signal?.reason)
    }
    const expired = (): void => {
      settle()
      reject(new TsunagiError('ERR_TIMEOUT', `${what} within ${timeout} ms`))
    }
    const timer = timeout === Number.POSITIVE_INFINITY ? undefined : clock.after(timeout, expired, { keepAlive: true })
    signal?.addEventListener('abort', abort, { once: true })
    promise.then(
      (value) => {
        settle()
        resolve(value)
      },
      (error: unknown) => {
        settle()
        reject(error)
      },
    )
  })
}
