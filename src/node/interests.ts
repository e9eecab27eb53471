/** `learned`: the name was only heard of. `firm`: it was given, or found. */
export type InterestKind = 'firm' | 'learned'

const NONE: readonly string[] = []

/** On whose behalf a peer is kept connected. Most peers have one such; a node may have thousands of peers. */
export class Interests {
  #firm = NONE
  #learned = NONE

  get size(): number {
    return this.#firm.length + this.#learned.length
  }

  /** Nobody was given the name. True also where there is no interest at all. */
  get onlyLearned(): boolean {
    return this.#firm.length === 0
  }

  get all(): readonly string[] {
    return [...this.#firm, ...this.#learned]
  }

  /** Registers one; one that is there already gets the new kind. */
  add(interest: string, kind: InterestKind): void {
    if ((kind === 'firm' ? this.#firm : this.#learned).includes(interest)) return
    this.delete(interest)
    if (kind === 'firm') this.#firm = [...this.#firm, interest]
    else this.#learned = [...this.#learned, interest]
  }

  delete(interest: string): void {
    const others = (all: readonly string[]) => (all.includes(interest) ? all.filter((it) => it !== interest) : all)
    this.#firm = others(this.#firm)
    this.#learned = others(this.#learned)
  }

  clear(): void {
    this.#firm = NONE
    this.#learned = NONE
  }
}
