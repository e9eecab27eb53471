/**
 * Which names that were only heard of are meant. Each topology says whom it means; a name is as long as one of them means it,
 * or there is none.
 */
export class Hearsay {
  readonly #judges = new Map<string, (name: string) => boolean>()

  /** `means` is asked from now on, on behalf of `owner`; undefined: it says nothing any more. It must not throw. */
  judge(owner: string, means: ((name: string) => boolean) | undefined): void {
    if (means === undefined) this.#judges.delete(owner)
    else this.#judges.set(owner, means)
  }

  means(name: string): boolean {
    if (this.#judges.size === 0) return true
    for (const means of this.#judges.values()) if (means(name)) return true
    return false
  }
}
