import type { Clock } from '../../base/clock.ts'

/** Counts restarts: more than `max` within `period` milliseconds are too many. */
export class RestartIntensity {
  readonly max: number
  readonly #period: number
  readonly #clock: Clock
  /** When they were, oldest first; never more than one too many. */
  #times: number[] = []

  constructor(max: number, period: number, clock: Clock) {
    this.max = max
    this.#period = period
    this.#clock = clock
  }

  /** How many there were within the period at the last one. */
  get count(): number {
    return this.#times.length
  }

  /** One more. False when that is too many. */
  add(): boolean {
    const now = this.#clock.now()
    this.#times = this.#times.filter((time) => now - time <= this.#period)
    this.#times.push(now)
    return this.#times.length <= this.max
  }
}
