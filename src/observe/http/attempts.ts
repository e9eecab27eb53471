import type { Clock } from '../../base/clock.ts'
import { blockOf, FailureBudget } from '../../base/failure-budget.ts'
import type { Logger } from '../../base/logger.ts'

/** Wrong tokens an address may send at once, and within a minute. */
const MOST = 10
const MINUTE = 60_000

/** Counts wrong tokens for each address, so that nobody gets far by guessing. */
export class Attempts {
  readonly #budget: FailureBudget
  readonly #logger: Logger

  constructor(clock: Clock, logger: Logger) {
    this.#budget = new FailureBudget({ clock, most: MOST, per: MINUTE })
    this.#logger = logger
  }

  /** Milliseconds until an address may try again; 0: it may. */
  wait(address: string): number {
    return this.#budget.wait(address)
  }

  /** The first wrong token of an address, and the last one it may send for now, are worth a line in the log. */
  wrong(address: string): void {
    const left = this.#budget.charge(address)
    if (left === MOST - 1) this.#logger.warn({ address }, `dashboard: a wrong token from ${address}`)
    if (left > 0) return
    const block = blockOf(address)
    const text = `dashboard: ${MOST} wrong tokens from ${block}, which has to wait now`
    this.#logger.warn({ address, block, wait: this.wait(address) }, text)
  }
}
