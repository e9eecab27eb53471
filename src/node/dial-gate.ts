import type { Clock } from '../base/clock.ts'

/** Dials a node has under way at most. */
export const MAX_IN_FLIGHT = 32
/**
 * Of them, how many may be to names that were only learned: a peer that reports many dead ones holds up nobody else, and
 * when many nodes come at once their handshakes do not time out over one another.
 */
export const MAX_LEARNED = 8
/** Dials a node begins per second at most. */
export const MAX_PER_SECOND = 100

/**
 * Holds dials back, so that a large cluster that lost its network does not come back as a flood. First come, first served,
 * those to learned names last.
 */
export class DialGate {
  readonly #clock: Clock
  readonly #waiting = new Set<() => void>()
  readonly #waitingLearned = new Set<() => void>()
  #inFlight = 0
  #learned = 0
  #begun = 0
  #windowOpen = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Runs `work` when it is its turn; rejects with the signal's reason if that aborts before. */
  async run<T>(signal: AbortSignal, work: () => Promise<T>, learned = false): Promise<T> {
    signal.throwIfAborted()
    const waiting = learned ? this.#waitingLearned : this.#waiting
    if (waiting.size === 0 && this.#free(learned)) this.#take(learned)
    else await this.#turn(signal, waiting)
    try {
      signal.throwIfAborted()
      return await work()
    } finally {
      this.#inFlight--
      if (learned) this.#learned--
      this.#admit()
    }
  }

  #free(learned: boolean): boolean {
    if (learned && (this.#learned >= MAX_LEARNED || this.#waiting.size > 0)) return false
    return this.#inFlight < MAX_IN_FLIGHT && this.#begun < MAX_PER_SECOND
  }

  /** Takes a place, at the moment it is granted: who got it may run only later. */
  #take(learned: boolean): void {
    this.#inFlight++
    if (learned) this.#learned++
    this.#begun++
    if (this.#windowOpen) return
    this.#windowOpen = true
    this.#clock.after(1000, () => {
      this.#windowOpen = false
      this.#begun = 0
      this.#admit()
    })
  }

  #turn(signal: AbortSignal, waiting: Set<() => void>): Promise<void> {
    return new Promise((resolve, reject) => {
      const go = (): void => {
        signal.removeEventListener('abort', abort)
        resolve()
      }
      const abort = (): void => {
        waiting.delete(go)
        reject(signal.reason)
      }
      signal.addEventListener('abort', abort, { once: true })
      waiting.add(go)
    })
  }

  #admit(): void {
    this.#serve(this.#waiting, false)
    this.#serve(this.#waitingLearned, true)
  }

  #serve(waiting: Set<() => void>, learned: boolean): void {
    for (const go of waiting) {
      if (!this.#free(learned)) return
      waiting.delete(go)
      this.#take(learned)
      go()
    }
  }
}
