import { systemClock } from '../base/clock.ts'

/** Waits; rejects with the signal's reason when that aborts. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason)
    const abort = (): void => {
      timer.cancel()
      reject(signal.reason)
    }
    const done = (): void => {
      signal.removeEventListener('abort', abort)
      resolve()
    }
    const timer = systemClock.after(ms, done, { keepAlive: true })
    signal.addEventListener('abort', abort, { once: true })
  })
}
