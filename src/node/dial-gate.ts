import type { Clock } from '../base/clock.ts'

/** Dials a node has under way at most. */
export const MAX_IN_FLIGHT = 32
/** Dials a node begins per second at most. */
export const MAX_PER_SECOND = 100

/** Holds dials back, so that a large cluster that lost its network does not come back as a flood. First come, first served. */
export class DialGate {
  readonly #clock: Clock
  readonly #waiting = new Set<() => void>()
  #inFlight = 0
  #begun = 0
  #windowOpen = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Runs `work` when it is its turn; rejects with the signal's reason if that aborts before. */
  async run<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    signal.throwIfAborted()
    if (this.#waiting.size === 0 && this.#free) this.#take()
    else await this.#turn(signal)
    try {
      signal.throwIfAborted()
      return await work()
    } finally {
      this.#inFlight--
      this.#admit()
    }
  }

  get #free(): boolean {
    return this.#inFlight < MAX_IN_FLIGHT && this.#begun < MAX_PER_SECOND
  }

  /** Takes a place, at the moment it is granted: who got it may run only later. */
  #take(): void {
    this.#inFlight++
    this.#begun++
    if (this.#windowOpen) return
    this.#windowOpen = true
    this.#clock.after(1000, () => {
      this.#windowOpen = false
      this.#begun = 0
      this.#admit()
    })
  }

  #turn(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const go = (): void => {
        signal.removeEventListener('abort', abort)
        resolve()
      }
      const abort = (): void => {
        this.#waiting.delete(go)
        reject(signal.reason)
      }
      signal.addEventListener('abort', abort, { once: true })
      this.#waiting.add(go)
    })
  }

  #admit(): void {
    for (const go of this.#waiting) {
      if (!this.#free) return
      this.#waiting.delete(go)
      this.#take()
      go()
    }
  }
}
