import type { Clock, Timer } from '../base/clock.ts'

/** Dials a node has under way at most. */
export const MAX_IN_FLIGHT = 32
/**
 * Of them, how many may be to names that were only learned: a peer that reports many dead ones holds up nobody else, and
 * when many nodes come at once their handshakes do not time out over one another.
 */
export const MAX_LEARNED = 8
/** Dials a node begins within any second at most. */
export const MAX_PER_SECOND = 100

/**
 * Holds dials back, so that a large cluster that lost its network does not come back as a flood. First come, first served,
 * those to learned names last.
 */
export class DialGate {
  readonly #clock: Clock
  readonly #waiting = new Set<() => void>()
  readonly #waitingLearned = new Set<() => void>()
  /** When the last dials began: a ring, of which `#next` is the oldest when it is full. */
  readonly #begun: number[] = []
  #next = 0
  #inFlight = 0
  #learned = 0
  #timer: Timer | undefined

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
    return this.#inFlight < MAX_IN_FLIGHT && this.#pause === 0
  }

  /** Milliseconds until another dial may begin. */
  get #pause(): number {
    const oldest = this.#begun[this.#next]
    return oldest === undefined ? 0 : Math.max(0, oldest + 1000 - this.#clock.now())
  }

  /** Takes a place, at the moment it is granted: who got it may run only later. */
  #take(learned: boolean): void {
    this.#inFlight++
    if (learned) this.#learned++
    this.#begun[this.#next] = this.#clock.now()
    this.#next = (this.#next + 1) % MAX_PER_SECOND
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
      this.#wake()
    })
  }

  #admit(): void {
    this.#serve(this.#waiting, false)
    this.#serve(this.#waitingLearned, true)
    this.#wake()
  }

  /** Whoever waits for the second to pass, and not for a dial to end, is served then. */
  #wake(): void {
    const pause = this.#pause
    if (pause === 0 || this.#timer !== undefined || this.#waiting.size + this.#waitingLearned.size === 0) return
    this.#timer = this.#clock.after(Math.ceil(pause), () => {
      this.#timer = undefined
      this.#admit()
    })
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
