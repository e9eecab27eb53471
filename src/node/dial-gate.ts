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

/** Who waits to dial. */
export interface Turn {
  /** It may dial now; when that has ended it says so by `gate.done`. Must not throw. */
  begin(): void
}

/**
 * Holds dials back, so that a large cluster that lost its network does not come back as a flood. First come, first served,
 * those to learned names last. Who waits costs no more than its place in the queue.
 */
export class DialGate {
  readonly #clock: Clock
  readonly #waiting = new Set<Turn>()
  readonly #waitingLearned = new Set<Turn>()
  /** When the last dials began: a ring, of which `#next` is the oldest when it is full. */
  readonly #begun: number[] = []
  #next = 0
  #inFlight = 0
  #learned = 0
  #timer: Timer | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Has `turn` begin: now when there is room, else when it is its turn. */
  enter(turn: Turn, learned = false): void {
    const waiting = learned ? this.#waitingLearned : this.#waiting
    if (waiting.size === 0 && this.#free(learned)) {
      this.#take(learned)
      turn.begin()
      return
    }
    waiting.add(turn)
    this.#wake()
  }

  /** Gives up one that has not begun. */
  leave(turn: Turn): void {
    this.#waiting.delete(turn)
    this.#waitingLearned.delete(turn)
  }

  /** The dial of one that has begun is over, whatever came of it. `learned`: as it entered. */
  done(learned = false): void {
    this.#inFlight--
    if (learned) this.#learned--
    this.#admit()
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

  #take(learned: boolean): void {
    this.#inFlight++
    if (learned) this.#learned++
    this.#begun[this.#next] = this.#clock.now()
    this.#next = (this.#next + 1) % MAX_PER_SECOND
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

  #serve(waiting: Set<Turn>, learned: boolean): void {
    for (const turn of waiting) {
      if (!this.#free(learned)) return
      waiting.delete(turn)
      this.#take(learned)
      turn.begin()
    }
  }
}
