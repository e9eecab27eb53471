import type { Clock, Timer } from '../../../base/clock.ts'

/** Milliseconds a marker stays, far longer than a watch can be behind: who was away longer finds what is gone without it. */
const AGE = 30 * 60_000
/** Milliseconds between two looks. */
const INTERVAL = 60_000
/** Markers purged at one look, one after the other. */
const MOST = 1000

/**
 * What deletes leave in a bucket, taken away in time: by the node that deleted, and what others did not live to take away by
 * those who find it when they begin.
 */
export class Markers {
  readonly #clock: Clock
  readonly #purge: (key: string, revision: number) => Promise<void>
  /** In the order in which they are due. */
  readonly #due = new Map<string, { readonly revision: number; readonly at: number }>()
  #timer: Timer | undefined
  #closed = false

  constructor(clock: Clock, purge: (key: string, revision: number) => Promise<void>) {
    this.#clock = clock
    this.#purge = purge
  }

  add(key: string, revision: number, now: number): void {
    this.#due.delete(key)
    this.#due.set(key, { revision, at: now + AGE })
    this.#schedule()
  }

  /** One that was there before, so many milliseconds old. Younger ones are somebody's who still lives, or of the next start. */
  addOld(key: string, revision: number, age: number): void {
    if (age > 2 * AGE) this.add(key, revision, this.#clock.now())
  }

  close(): void {
    this.#closed = true
    this.#timer?.cancel()
    this.#due.clear()
  }

  #schedule(): void {
    if (this.#closed) return
    this.#timer ??= this.#clock.after(INTERVAL, () => {
      void this.#look().finally(() => {
        this.#timer = undefined
        if (this.#due.size > 0) this.#schedule()
      })
    })
  }

  async #look(): Promise<void> {
    let left = MOST
    for (const [key, { revision, at }] of this.#due) {
      if (at > this.#clock.now() || left-- === 0 || this.#closed) return
      this.#due.delete(key)
      // One that cannot be taken away now is found by the next start.
      await this.#purge(key, revision).catch(() => {})
    }
  }
}
