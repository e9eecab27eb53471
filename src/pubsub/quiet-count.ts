/** What happens often is worth a line at most this often after the first time, in milliseconds; each time twice as long. */
const QUIET_FROM = 1_000
const QUIET_MAX = 60_000

/** Counts what may happen very often, and says when that is worth a line in the log. */
export class QuietCount {
  /** All there were. */
  total = 0
  #unsaid = 0
  #notBefore = 0
  #quiet = QUIET_FROM

  /** So many more. How many the log is to tell of now, those before that it was not told of included; 0 for none. */
  add(count: number, now: number): number {
    const first = this.total === 0
    this.total += count
    this.#unsaid += count
    if (!first && now < this.#notBefore) return 0
    const calm = first || now > this.#notBefore + QUIET_MAX
    this.#quiet = calm ? QUIET_FROM : Math.min(this.#quiet * 2, QUIET_MAX)
    this.#notBefore = now + this.#quiet
    const unsaid = this.#unsaid
    this.#unsaid = 0
    return unsaid
  }
}
