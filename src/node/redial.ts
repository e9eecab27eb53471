import { Backoff } from '../base/backoff.ts'
import type { Clock, Timer } from '../base/clock.ts'

/** When a peer is dialled again: further and further apart. */
export class Redial {
  readonly #clock: Clock
  readonly #backoff = new Backoff()
  #timer: Timer | undefined
  #at = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Milliseconds until then; undefined when none is due. */
  get dueIn(): number | undefined {
    return this.#timer === undefined ? undefined : Math.max(0, this.#at - this.#clock.now())
  }

  /** Has `dial` called after the next delay, unless it is due already. */
  schedule(dial: () => void): void {
    if (this.#timer !== undefined) return
    const delay = this.#backoff.next()
    this.#at = this.#clock.now() + delay
    const due = (): void => {
      this.#timer = undefined
      dial()
    }
    this.#timer = this.#clock.after(delay, due, { keepAlive: true })
  }

  cancel(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  /** The delays from now on are short again. */
  reset(): void {
    this.#backoff.reset()
  }
}
