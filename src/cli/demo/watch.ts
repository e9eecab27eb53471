import { systemClock } from '../../base/clock.ts'

/** The longest the demo waits for any one thing, ms: what takes longer is broken. */
const PATIENCE = 30_000

/** Something that changes, and tells when it did. */
export class Watched {
  readonly #watchers = new Set<() => void>()

  changed(): void {
    for (const watcher of [...this.#watchers]) watcher()
  }

  /**
   * Resolves with the first answer of `look` that is not undefined; it is asked now and after each change.
   *
   * @param what completes "waited in vain …" when it takes too long
   */
  until<T>(look: () => T | undefined, what: string, signal: AbortSignal): Promise<T> {
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        timer.cancel()
        this.#watchers.delete(check)
        signal.removeEventListener('abort', abort)
      }
      const check = (): void => {
        try {
          const found = look()
          if (found === undefined) return
          settle()
          resolve(found)
        } catch (error) {
          settle()
          reject(error)
        }
      }
      const abort = (): void => {
        settle()
        reject(signal.reason)
      }
      const late = (): void => {
        settle()
        reject(new Error(`waited in vain ${what} for ${PATIENCE / 1000} s`))
      }
      const timer = systemClock.after(PATIENCE, late, { keepAlive: true })
      this.#watchers.add(check)
      signal.addEventListener('abort', abort, { once: true })
      if (signal.aborted) abort()
      else check()
    })
  }
}
