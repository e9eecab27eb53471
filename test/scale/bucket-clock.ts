import type { Clock, Timer } from '../../src/base/clock.ts'

/** A clock for millions of timers: one bucket for each millisecond. */
export class BucketClock implements Clock {
  #now = 0
  #last = 0
  readonly #buckets = new Map<number, Set<Due>>()

  now(): number {
    return this.#now
  }

  after(ms: number, callback: () => void): Timer {
    const at = this.#now + Math.max(1, Math.ceil(ms))
    let bucket = this.#buckets.get(at)
    if (bucket === undefined) {
      bucket = new Set()
      this.#buckets.set(at, bucket)
    }
    const due = new Due(callback, bucket)
    bucket.add(due)
    this.#last = Math.max(this.#last, at)
    return due
  }

  /** Goes on, millisecond by millisecond, until nothing is due any more; answers false when `end` came first. */
  async run(end: number): Promise<boolean> {
    while (this.#now < this.#last) {
      if (++this.#now > end) return false
      const bucket = this.#buckets.get(this.#now)
      if (bucket === undefined) continue
      for (const due of bucket) due.callback()
      this.#buckets.delete(this.#now)
      await new Promise(setImmediate)
    }
    return true
  }
}

class Due implements Timer {
  readonly callback: () => void
  readonly #bucket: Set<Due>

  constructor(callback: () => void, bucket: Set<Due>) {
    this.callback = callback
    this.#bucket = bucket
  }

  cancel(): void {
    this.#bucket.delete(this)
  }
}
