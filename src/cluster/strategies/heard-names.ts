/**
 * Names that are told again and again by those who have them. A name that was silent for too long is forgotten; who has not
 * listened for as long cannot say that one is gone.
 */
export class HeardNames {
  /** When each was heard last. */
  readonly #heard = new Map<string, number>()
  readonly #silence: number
  readonly #max: number
  /** Since when it is listened without a gap. */
  #since: number

  /** `silence` in milliseconds; `max` names at most are kept; `now`: listening begins. */
  constructor(silence: number, max: number, now: number) {
    this.#silence = silence
    this.#max = max
    this.#since = now
  }

  /** What came of it; `full` when there is no room for another. */
  hear(name: string, now: number): 'new' | 'known' | 'full' {
    const isNew = !this.#heard.has(name)
    if (isNew && this.#heard.size >= this.#max) return 'full'
    this.#heard.set(name, now)
    return isNew ? 'new' : 'known'
  }

  /** Forgets who was silent for too long; answers whether somebody was. */
  forget(now: number): boolean {
    const { size } = this.#heard
    for (const [name, at] of this.#heard) if (at <= now - this.#silence) this.#heard.delete(name)
    return this.#heard.size < size
  }

  /** Nobody could be heard until now. */
  missed(now: number): void {
    this.#since = now
  }

  /** Whether who is not among the names is gone, as far as one can tell. */
  isWhole(now: number): boolean {
    return now - this.#since >= this.#silence
  }

  names(): string[] {
    return [...this.#heard.keys()]
  }
}
