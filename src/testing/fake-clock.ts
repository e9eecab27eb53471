import type { Clock, Timer } from '../base/clock.ts'

interface Pending {
  readonly at: number
  readonly callback: () => void
}

/**
 * A clock that stands still until it is told otherwise. Timers fire within `advance`, in the order of their times, and
 * those of the same time in the order they were set.
 */
export class FakeClock implements Clock {
  #now: number
  readonly #timers = new Set<Pending>()

  /** `start` is the first answer of `now`, in milliseconds. Default 0. */
  constructor(start = 0) {
    this.#now = start
  }

  now(): number {
    return this.#now
  }

  after(ms: number, callback: () => void): Timer {
    const timer: Pending = { at: this.#now + Math.max(0, ms), callback }
    if (timer.at !== Number.POSITIVE_INFINITY) this.#timers.add(timer)
    return { cancel: () => void this.#timers.delete(timer) }
  }

  /** How many timers are set. A test that ends with some has found a leak. */
  get pending(): number {
    return this.#timers.size
  }

  /** Moves time on by `ms` milliseconds; also fires timers that are set meanwhile and fall due. */
  advance(ms: number): void {
    const end = this.#now + ms
    for (let timer = this.#next(end); timer !== undefined; timer = this.#next(end)) {
      this.#timers.delete(timer)
      this.#now = timer.at
      timer.callback()
    }
    this.#now = end
  }

  #next(end: number): Pending | undefined {
    let first: Pending | undefined
    for (const timer of this.#timers) {
      if (timer.at <= end && (first === undefined || timer.at < first.at)) first = timer
    }
    return first
  }
}
