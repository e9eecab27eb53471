/** How long to wait between attempts. Milliseconds. */
export interface BackoffOptions {
  /** The first ceiling. Default 500. */
  readonly min?: number
  /** The last ceiling. Default 5000. */
  readonly max?: number
  /** A source of numbers in [0, 1). Default `Math.random`. */
  readonly random?: () => number
}

/**
 * Exponential backoff with full jitter: each delay is drawn evenly from zero to a ceiling that doubles from `min` to
 * `max`, so that many nodes that lost the same peer do not come back at the same moment.
 * Source: "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
 */
export class Backoff {
  readonly #min: number
  readonly #max: number
  readonly #random: () => number
  #attempts = 0

  constructor(options: BackoffOptions = {}) {
    this.#min = options.min ?? 500
    this.#max = options.max ?? 5000
    this.#random = options.random ?? Math.random
  }

  /** Attempts since the last reset. */
  get attempts(): number {
    return this.#attempts
  }

  /** The next delay in milliseconds. */
  next(): number {
    const ceiling = Math.min(this.#max, this.#min * 2 ** Math.min(this.#attempts, 30))
    this.#attempts++
    return Math.round(this.#random() * ceiling)
  }

  reset(): void {
    this.#attempts = 0
  }
}
