import { type Clock, systemClock, type Timer } from '../../src/base/clock.ts'

/** Real time that counts its timers. */
export class CountingClock implements Clock {
  readonly #pending = new Set<object>()

  /** How many timers are set. */
  get pending(): number {
    return this.#pending.size
  }

  now(): number {
    return systemClock.now()
  }

  after(ms: number, callback: () => void, options?: { keepAlive?: boolean }): Timer {
    const key = {}
    const fire = (): void => {
      this.#pending.delete(key)
      callback()
    }
    const timer = systemClock.after(ms, fire, options)
    this.#pending.add(key)
    return {
      cancel: () => {
        this.#pending.delete(key)
        timer.cancel()
      },
    }
  }
}
