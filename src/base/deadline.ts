import type { Clock } from './clock.ts'

/** What bounds a wait. */
export interface DeadlineOptions {
  /** Milliseconds; `Infinity` for no bound. */
  readonly timeout: number
  readonly clock: Clock
  /** Gives up at once; the wait rejects with its reason. */
  readonly signal?: AbortSignal | undefined
}

/**
 * Runs `work` under a signal that aborts with `timedOut()` when the time is over and with the caller's own reason when
 * the caller gives up. `work` must heed the signal.
 */
export async function withDeadline<T>(
  options: DeadlineOptions,
  timedOut: () => Error,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const { clock, signal, timeout } = options
  signal?.throwIfAborted()
  const controller = new AbortController()
  const onAbort = (): void => controller.abort(signal?.reason)
  signal?.addEventListener('abort', onAbort, { once: true })
  const timer =
    timeout === Infinity ? undefined : clock.after(timeout, () => controller.abort(timedOut()), { keepAlive: true })
  try {
    return await work(controller.signal)
  } finally {
    timer?.cancel()
    signal?.removeEventListener('abort', onAbort)
  }
}

/** Settles as `promise` does, or rejects with the signal's reason, whichever comes first. */
export async function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) {
    // Nobody hears of it: it may reject for the same reason.
    promise.catch(() => {})
    throw signal.reason
  }
  let onAbort: (() => void) | undefined
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
  })
  try {
    return await Promise.race([promise, aborted])
  } finally {
    if (onAbort !== undefined) signal.removeEventListener('abort', onAbort)
  }
}

/** Waits `ms` milliseconds; rejects with the signal's reason when it aborts. Does not keep the process alive unless told. */
export function pause(ms: number, clock: Clock, signal: AbortSignal, options?: { keepAlive?: boolean }): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason)
    const onAbort = (): void => {
      timer.cancel()
      reject(signal.reason)
    }
    const onTime = (): void => {
      signal.removeEventListener('abort', onAbort)
      resolve()
    }
    const timer = clock.after(ms, onTime, options)
    signal.addEventListener('abort', onAbort, { once: true })
  })
}
