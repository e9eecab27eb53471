import type { Version } from '../version.ts'
import type { StoredEntry } from './stored-entry.ts'

interface Expiry {
  readonly at: number
  readonly key: string
  readonly version: Version
}

/** When values expire: a heap, the earliest first. Values replaced meanwhile stay in it until their time comes. */
export class Expiries {
  #heap: Expiry[] = []

  /** When the first one is due, in milliseconds since 1970; undefined: there is none. */
  get next(): number | undefined {
    return this.#heap[0]?.at
  }

  add({ key, version, expiresAt }: StoredEntry): void {
    if (expiresAt === undefined) return
    const heap = this.#heap
    const added = { at: expiresAt, key, version }
    let at = heap.length
    heap.push(added)
    while (at > 0) {
      const parent = (at - 1) >> 1
      const above = heap[parent] as Expiry
      if (above.at <= added.at) break
      heap[at] = above
      at = parent
    }
    heap[at] = added
  }

  /** Takes out what is due, at most so many. */
  due(now: number, most: number): Expiry[] {
    const due: Expiry[] = []
    while (due.length < most && (this.#heap[0]?.at ?? Number.POSITIVE_INFINITY) <= now) due.push(this.#pop())
    return due
  }

  clear(): void {
    this.#heap = []
  }

  #pop(): Expiry {
    const heap = this.#heap
    const first = heap[0] as Expiry
    const moved = heap.pop() as Expiry
    if (heap.length === 0) return first
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && (heap[child + 1] as Expiry).at < (heap[child] as Expiry).at) child++
      if ((heap[child] as Expiry).at >= moved.at) break
      heap[at] = heap[child] as Expiry
      at = child
    }
    heap[at] = moved
    return first
  }
}
