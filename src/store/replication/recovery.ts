import type { Version } from '../version.ts'
import { compareEpochs, type Epoch, laterEpoch } from './epoch.ts'
import type { Recovered } from './messages.ts'

/** How far the log here is the loader's own, and safe. */
export interface Progress {
  /** The epoch followed. */
  readonly epoch: Epoch
  /** The first operation of the epoch. */
  readonly start: number
  /** On the disk, and the loader's own, up to here. */
  readonly reached: number
  /** All voters have elected the loader, this incarnation among them. */
  readonly unanimous: boolean
}

/** How a voter that has lost its state learns what it must not fall behind. See {@link VoterReplica}. */
export class Recovery {
  readonly #quorum: number
  /** What restored voters have promised to, as they said to this incarnation. */
  readonly #promised = new Map<string, Epoch>()
  /** Voters that know of this incarnation. */
  readonly #heard = new Set<string>()
  /** Nothing of an earlier epoch is to be followed. */
  #barrier: Epoch | undefined
  /** What the loader had when it heard of this incarnation. */
  #target: Version | undefined

  constructor(quorum: number) {
    this.#quorum = quorum
  }

  /** An answer to this incarnation. Returns the barrier when that makes a majority. */
  answered(voter: string, { restored, promised, leads }: Recovered): Epoch | undefined {
    this.#heard.add(voter)
    if (restored) this.#promised.set(voter, promised)
    if (leads !== undefined && (this.#target === undefined || compareEpochs(leads, this.#target) > 0)) {
      this.#target = leads
    }
    if (this.#barrier !== undefined || this.#promised.size < this.#quorum) return undefined
    this.#barrier = [...this.#promised.values()].reduce(laterEpoch)
    return this.#barrier
  }

  /** Whether what is here may be counted on again. */
  isOver({ epoch, start, reached, unanimous }: Progress): boolean {
    const [barrier, target] = [this.#barrier, this.#target]
    const byMajority =
      barrier !== undefined &&
      target !== undefined &&
      compareEpochs(target, epoch) === 0 &&
      compareEpochs(epoch, barrier) >= 0 &&
      reached >= target.sequence
    return byMajority || (unanimous && this.#heard.size + 1 >= this.#quorum && reached >= start)
  }
}
