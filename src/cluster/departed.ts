/** Names a topology found once and does not find any more, with the time since when. */
export class Departed {
  readonly #after: number
  readonly #max: number
  readonly #since = new Map<string, number>()

  /** `after`: ms until a name is due; `Infinity` for none ever. Of more than `max` names the oldest are forgotten. */
  constructor(after: number, max: number) {
    this.#after = after
    this.#max = max
  }

  add(name: string, now: number): void {
    if (this.#after === Number.POSITIVE_INFINITY) return
    this.#since.set(name, now)
    if (this.#since.size <= this.#max) return
    const [oldest] = this.#since.keys()
    if (oldest !== undefined) this.#since.delete(oldest)
  }

  delete(name: string): void {
    this.#since.delete(name)
  }

  /** Those that have been gone for long enough. They stay until they are deleted. */
  due(now: number): string[] {
    return [...this.#since].filter(([, since]) => now - since >= this.#after).map(([name]) => name)
  }

  /** Milliseconds until the next name is due, `again` for one that is due already; undefined when there is none. */
  nextIn(now: number, again: number): number | undefined {
    let next: number | undefined
    for (const since of this.#since.values()) {
      const wait = since + this.#after - now
      next = Math.min(next ?? Number.POSITIVE_INFINITY, wait > 0 ? wait : again)
    }
    return next
  }

  /** The same names under another rule. */
  with(after: number): Departed {
    const departed = new Departed(after, this.#max)
    for (const [name, since] of this.#since) departed.add(name, since)
    return departed
  }
}
