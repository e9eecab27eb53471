import type { Epoch } from './epoch.ts'
import type { Vote } from './messages.ts'

/** What a vote says of who gives it. */
export type Ballot = Pick<Vote, 'restored' | 'incarnation' | 'incarnations'>

/** A voter's attempt to be elected, or its question whether it would be. */
export class Candidacy {
  readonly epoch: Epoch
  /** Only a question. */
  readonly trial: boolean
  /** When it began. */
  readonly since: number
  readonly #votes = new Map<string, Ballot>()

  constructor(epoch: Epoch, trial: boolean, since: number) {
    this.epoch = epoch
    this.trial = trial
    this.since = since
  }

  voted(voter: string, ballot: Ballot): void {
    this.#votes.set(voter, ballot)
  }

  /** A vote that counts no more. */
  withdrawn(voter: string): void {
    this.#votes.delete(voter)
  }

  /** What has been given so far, but for votes of incarnations that are gone and have forgotten. */
  count(isGone: (voter: string, incarnation: number) => boolean): {
    readonly given: number
    readonly restored: number
  } {
    let [given, restored] = [0, 0]
    for (const [voter, ballot] of this.#votes) {
      if (isGone(voter, ballot.incarnation)) continue
      given++
      if (ballot.restored) restored++
    }
    return { given, restored }
  }
}
