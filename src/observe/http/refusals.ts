import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/logger.ts'
import type { Refusal } from './answers.ts'

/** Milliseconds between two lines in the log about refusals of one kind. */
const LOG_INTERVAL = 60_000

/** Counts whom the dashboard has refused, and says so in the log, each kind at most once a minute. */
export class Refusals {
  readonly counts = new Map<Refusal, number>()
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #loggedAt = new Map<Refusal, number>()

  constructor(clock: Clock, logger: Logger) {
    this.#clock = clock
    this.#logger = logger
  }

  /** One more, of which the log has no line. */
  count(kind: Refusal): number {
    const count = (this.counts.get(kind) ?? 0) + 1
    this.counts.set(kind, count)
    return count
  }

  /** @param detail what was wrong, for the log; it may hold anything a stranger has sent */
  add(kind: Refusal, address: string, detail: string): void {
    const count = this.count(kind)
    const now = this.#clock.now()
    if (now < (this.#loggedAt.get(kind) ?? Number.NEGATIVE_INFINITY) + LOG_INTERVAL) return
    this.#loggedAt.set(kind, now)
    const text = JSON.stringify(detail.slice(0, 200))
    this.#logger.warn(
      { address, refusal: kind, count },
      `dashboard: refused a request from ${address} (${kind}): ${text}`,
    )
  }
}
