import type { Clock } from '../../base/clock.ts'

/** Questions to EPMDs under way at most. */
const MAX_IN_FLIGHT = 8

/** The longest time between two questions about a name that is not marked as one of ours, in milliseconds. */
export const MAX_PAUSE = 60_000

/** Asks the EPMD of a name's host whether it is marked as a node of this package. */
export type AskMark = (name: string, signal: AbortSignal) => Promise<boolean>

interface Mark {
  state: 'ours' | 'asking' | 'unknown'
  /** When it may be asked about again. */
  next: number
  pause: number
}

/**
 * Which hidden names are nodes of this package, as the EPMD of their host says. One that is not marked, or not to be found,
 * is asked about ever more rarely, since a name can pass from one node to another.
 */
export class Marks {
  /** Told once for each name that is ours, unless `isOurs` said so itself. */
  onOurs: (name: string) => void = () => {}
  readonly #clock: Clock
  readonly #ask: AskMark
  readonly #firstPause: number
  readonly #marks = new Map<string, Mark>()
  readonly #queue = new Set<string>()
  readonly #closing = new AbortController()
  #inFlight = 0

  constructor(clock: Clock, firstPause: number, ask: AskMark) {
    this.#clock = clock
    this.#firstPause = Math.min(firstPause, MAX_PAUSE)
    this.#ask = ask
  }

  /** Whether a name is known to be ours; if not, it is asked about when it is time to. */
  isOurs(name: string): boolean {
    let mark = this.#marks.get(name)
    if (mark === undefined) {
      mark = { state: 'unknown', next: 0, pause: this.#firstPause }
      this.#marks.set(name, mark)
    }
    if (mark.state === 'unknown' && this.#clock.now() >= mark.next) {
      mark.state = 'asking'
      this.#queue.add(name)
      this.#pump()
    }
    return mark.state === 'ours'
  }

  /** Forgets the names that nobody reports any more. */
  keep(isReported: (name: string) => boolean): void {
    for (const name of this.#marks.keys()) {
      if (isReported(name)) continue
      this.#marks.delete(name)
      this.#queue.delete(name)
    }
  }

  close(): void {
    this.#closing.abort()
    this.#marks.clear()
    this.#queue.clear()
  }

  #pump(): void {
    for (const name of this.#queue) {
      if (this.#inFlight >= MAX_IN_FLIGHT) return
      this.#queue.delete(name)
      this.#inFlight++
      void this.#lookUp(name)
    }
  }

  async #lookUp(name: string): Promise<void> {
    let ours = false
    try {
      ours = await this.#ask(name, this.#closing.signal)
    } catch {
      // No answer is no mark.
    }
    this.#inFlight--
    const mark = this.#marks.get(name)
    if (mark?.state === 'asking' && !this.#queue.has(name)) {
      mark.state = ours ? 'ours' : 'unknown'
      mark.next = this.#clock.now() + mark.pause
      mark.pause = Math.min(mark.pause * 2, MAX_PAUSE)
      if (ours) this.onOurs(name)
    }
    this.#pump()
  }
}
