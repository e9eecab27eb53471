import type { Vote } from './messages.ts'

/** The fixed voters of a store, and of each the latest incarnation that was heard of. */
export class Members {
  readonly names: readonly string[]
  /** How many are a majority. */
  readonly quorum: number
  /** This node is one of them. */
  readonly areOwn: boolean
  readonly #self: string
  readonly #incarnations = new Map<string, number>()

  constructor(names: readonly string[], self: string) {
    this.names = names
    this.quorum = Math.floor(names.length / 2) + 1
    this.areOwn = names.includes(self)
    this.#self = self
  }

  get incarnations(): [voter: string, incarnation: number][] {
    return [...this.#incarnations]
  }

  has(name: string): boolean {
    return this.names.includes(name)
  }

  /** 0: nothing was heard of it. */
  incarnationOf(voter: string): number {
    return this.#incarnations.get(voter) ?? 0
  }

  /** Whether this incarnation of a voter is over, so that it has forgotten what it said. */
  isGone(voter: string, incarnation: number): boolean {
    return voter !== this.#self && incarnation < this.incarnationOf(voter)
  }

  /** What others say of incarnations; a voter knows its own itself. */
  learn(incarnations: Vote['incarnations']): void {
    for (const [voter, incarnation] of incarnations) {
      if (voter === this.#self || !this.has(voter)) continue
      if (incarnation > this.incarnationOf(voter)) this.#incarnations.set(voter, incarnation)
    }
  }

  /** What a majority has at least reached. */
  reached(of: (voter: string) => number): number {
    return this.names.map(of).sort((a, b) => b - a)[this.quorum - 1] as number
  }
}
