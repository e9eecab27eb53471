/** A handle that stops a pending timer. */
export interface Timer {
  cancel(): void
}

/** Where time comes from. Injected everywhere, so that tests can turn it by hand. */
export interface Clock {
  /** Milliseconds that only ever go forward. */
  now(): number
  /**
   * Calls `callback` once after `ms` milliseconds. The timer does not keep the process alive unless `keepAlive`.
   */
  after(ms: number, callback: () => void, options?: { keepAlive?: boolean }): Timer
}

/** Real time. Longer waits than a Node.js timer can hold (24.8 days) are taken as that long. */
export const systemClock: Clock = {
  now: () => performance.now(),
  after(ms, callback, options) {
    const timer = setTimeout(callback, Math.min(ms, 0x7fffffff))
    if (options?.keepAlive !== true) timer.unref()
    return new SystemTimer(timer)
  },
}

/** A class, since every call makes one: smaller than a closure. */
class SystemTimer implements Timer {
  readonly #timer: NodeJS.Timeout

  constructor(timer: NodeJS.Timeout) {
    this.#timer = timer
  }

  cancel(): void {
    clearTimeout(this.#timer)
  }
}
