import type { Clock } from '../../base/clock.ts'

/** Beyond so many milliseconds the wall clock was set; within, it is only not quite as fast. */
const SET = 1000

/**
 * Tells when something was by the wall clock that is known by the other one. What happened at one time is told the same each
 * time, and not a millisecond earlier or later.
 */
export class WallTime {
  readonly #clock: Clock
  readonly #wallClock: () => number
  #offset: number

  constructor(clock: Clock, wallClock: () => number) {
    this.#clock = clock
    this.#wallClock = wallClock
    this.#offset = wallClock() - clock.now()
  }

  /** Milliseconds since 1970. */
  get now(): number {
    const offset = this.#wallClock() - this.#clock.now()
    if (Math.abs(offset - this.#offset) > SET) this.#offset = offset
    return Math.round(this.#clock.now() + this.#offset)
  }

  /** What was so many milliseconds ago; null for what was never. */
  ago(ms: number | undefined): number | null {
    return ms === undefined ? null : Math.round(this.#clock.now() - ms + this.#offset)
  }

  /** What will be in so many milliseconds. */
  in(ms: number | undefined): number | null {
    return ms === undefined ? null : this.ago(-ms)
  }
}
