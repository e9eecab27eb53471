import type { Clock, Timer } from '../../base/clock.ts'
import type { Atom } from '../../term/index.ts'

type Integer = number | bigint

interface Report {
  readonly creation: Integer
  readonly operation: Integer
  readonly timer: Timer
}

/** How long a report is remembered, in ms: `?lost_conn_info_cleanup_time` of OTP, an hour. */
const REMEMBERED = 60 * 60 * 1000
/** More are not remembered at once; the oldest is forgotten then. */
const MAX_REPORTS = 10_000

/** Which losses of connections were reported to us, so that each is passed on once. */
export class LostConnections {
  readonly #clock: Clock
  readonly #reports = new Map<string, Report>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get size(): number {
    return this.#reports.size
  }

  /**
   * Takes note of a report; false when it, or a later one, was seen before.
   *
   * @param creation the reporter's incarnation
   * @param operation grows with each of its reports
   */
  isNew(from: Atom, creation: Integer, operation: Integer, to: Atom): boolean {
    // No node name has a line feed in it.
    const key = `${from.name}\n${to.name}`
    const seen = this.#reports.get(key)
    if (seen !== undefined && seen.creation === creation && operation <= seen.operation) return false
    this.#forget(key)
    const [oldest] = this.#reports.keys()
    if (oldest !== undefined && this.#reports.size >= MAX_REPORTS) this.#forget(oldest)
    const timer = this.#clock.after(REMEMBERED, () => this.#reports.delete(key))
    this.#reports.set(key, { creation, operation, timer })
    return true
  }

  clear(): void {
    for (const key of [...this.#reports.keys()]) this.#forget(key)
  }

  #forget(key: string): void {
    this.#reports.get(key)?.timer.cancel()
    this.#reports.delete(key)
  }
}
