/** Pairs of a sender and a subject that are remembered, once more as many in the older half. */
const PAIRS = 65_536

/** What is known of a subject that messages come by. */
export interface Stream {
  /** What the subject stands for; undefined where it does not say. */
  readonly topic: string | undefined
  /** The number of the next message by its sender. */
  readonly next: Map<number, number>
}

/**
 * Which message of each sender comes next on each subject. A gap is what was lost between the sender and here, as when this
 * node was disconnected for a moment or too slow for its server; what was there before is the copy by another subscription
 * that has the same subject.
 *
 * Those that had no message for long are forgotten, so that its size has a bound whatever arrives.
 */
export class Sequences {
  readonly #topicOf: (subject: string) => string | undefined
  readonly #most: number
  #young = new Map<string, Stream>()
  #old = new Map<string, Stream>()
  #pairs = 0

  constructor(topicOf: (subject: string) => string | undefined, most = PAIRS) {
    this.#topicOf = topicOf
    this.#most = most
  }

  of(subject: string): Stream {
    const known = this.#young.get(subject)
    if (known !== undefined) return known
    const stream = this.#old.get(subject) ?? { topic: this.#topicOf(subject), next: new Map() }
    this.#old.delete(subject)
    this.#remember(1 + stream.next.size)
    this.#young.set(subject, stream)
    return stream
  }

  /**
   * Takes note of `count` messages.
   *
   * @returns how many were lost before them; −1 when they were there already
   */
  take(stream: Stream, sender: number, sequence: number, count: number, first: boolean): number {
    const expected = stream.next.get(sender)
    if (expected !== undefined && sequence < expected) return -1
    if (expected === undefined) this.#meet(stream)
    stream.next.set(sender, sequence + count)
    return expected === undefined || first ? 0 : sequence - expected
  }

  /** What comes by a subject from now on follows upon nothing. */
  forget(subject: string): void {
    this.#young.delete(subject)
    this.#old.delete(subject)
  }

  /** The same for all that `isGone` says so of. */
  forgetAll(isGone: (subject: string) => boolean): void {
    for (const subject of [...this.#young.keys(), ...this.#old.keys()]) if (isGone(subject)) this.forget(subject)
  }

  #meet({ next }: Stream): void {
    if (next.size >= this.#most / 2) next.clear()
    this.#remember(1)
  }

  #remember(pairs: number): void {
    this.#pairs += pairs
    if (this.#pairs <= this.#most) return
    this.#old = this.#young
    this.#young = new Map()
    this.#pairs = pairs
  }
}
