/**
 * The reign of one loader. The loader's name is part of it, so that two nodes can never have one epoch, whatever they
 * forgot or promised. A `Version` is an epoch and a place in it.
 */
export interface Epoch {
  readonly epoch: number
  readonly loader: string
}

/** Before the first. */
export const noEpoch: Epoch = Object.freeze({ epoch: 0, loader: '' })

/** Negative when `a` is the earlier one, 0 when they are the same. */
export function compareEpochs(a: Epoch, b: Epoch): number {
  if (a.epoch !== b.epoch) return a.epoch - b.epoch
  if (a.loader === b.loader) return 0
  return a.loader < b.loader ? -1 : 1
}

/** The later of two epochs. */
export function laterEpoch(a: Epoch, b: Epoch): Epoch {
  return compareEpochs(a, b) >= 0 ? a : b
}

/** What of all writes a node knows: of each epoch, how far. Whatever is covered and not there was deleted or replaced. */
export class Knowledge {
  /** Epochs held; the oldest go beyond that. */
  static readonly LIMIT = 4096
  readonly #reach = new Map<string, Reach>()
  /** The one learnt last: nearly always the one that is learnt next. */
  #latest: Reach | undefined

  /** All there is, in no order. */
  get reaches(): Iterable<Reach> {
    return this.#reach.values()
  }

  /** The highest number of an epoch. */
  get highest(): number {
    let highest = 0
    for (const { epoch } of this.#reach.values()) highest = Math.max(highest, epoch)
    return highest
  }

  learn(epoch: Epoch, sequence: number): void {
    const latest = this.#latest
    if (latest !== undefined && latest.epoch === epoch.epoch && latest.loader === epoch.loader) {
      latest.sequence = Math.max(latest.sequence, sequence)
      return
    }
    const key = keyOf(epoch)
    const known = this.#reach.get(key)
    if (known !== undefined) {
      known.sequence = Math.max(known.sequence, sequence)
      this.#latest = known
      return
    }
    const reach = { epoch: epoch.epoch, loader: epoch.loader, sequence }
    this.#reach.set(key, reach)
    this.#latest = reach
    if (this.#reach.size > Knowledge.LIMIT) this.#forgetOldest()
  }

  learnAll(reaches: Iterable<Reach>): void {
    for (const reach of reaches) this.learn(reach, reach.sequence)
  }

  /** Whether a write is covered. */
  covers(version: Reach): boolean {
    return (this.#reach.get(keyOf(version))?.sequence ?? 0) >= version.sequence
  }

  /** Whether all that others know is known here. */
  coversAll(reaches: Iterable<Reach>): boolean {
    for (const reach of reaches) if (!this.covers(reach)) return false
    return true
  }

  copy(): Reach[] {
    return Array.from(this.#reach.values(), (reach) => ({ ...reach }))
  }

  #forgetOldest(): void {
    let oldest: Reach | undefined
    for (const reach of this.#reach.values()) {
      if (oldest === undefined || compareEpochs(reach, oldest) < 0) oldest = reach
    }
    if (oldest === undefined) return
    this.#reach.delete(keyOf(oldest))
    if (oldest === this.#latest) this.#latest = undefined
  }
}

/** How far an epoch is known. */
export interface Reach extends Epoch {
  sequence: number
}

function keyOf({ epoch, loader }: Epoch): string {
  return `${epoch} ${loader}`
}
