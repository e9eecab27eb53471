import type { Clock, Timer } from '../base/clock.ts'
import type { Term } from '../term/term.ts'

/** A message a server gets when none comes for a while. */
export class IdleTimeout {
  readonly message: Term
  readonly #ms: number
  #timer: Timer | undefined
  #due = false

  constructor(ms: number, message: Term) {
    this.#ms = ms
    this.message = message
  }

  /** Whether the time is up. */
  get due(): boolean {
    return this.#due
  }

  /** The server has nothing to do: the time begins, unless it has begun already. */
  start(clock: Clock, wake: () => void): void {
    this.#timer ??= clock.after(this.#ms, () => {
      this.#due = true
      wake()
    })
  }

  cancel(): void {
    this.#timer?.cancel()
  }
}
