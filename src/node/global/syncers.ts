import type { Atom } from '../../term/index.ts'

interface Syncer {
  readonly waiting: Set<Atom>
  readonly done: () => void
}

/** Those who wait until this node has the same names as some others (`global:sync/0`). */
export class Syncers {
  readonly #syncers = new Set<Syncer>()

  get size(): number {
    return this.#syncers.size
  }

  /** Calls `done` when all of the nodes are in sync or gone. The result gives up. */
  wait(nodes: Iterable<Atom>, done: () => void): () => void {
    const syncer = { waiting: new Set(nodes), done }
    this.#syncers.add(syncer)
    this.#check(syncer)
    return () => void this.#syncers.delete(syncer)
  }

  /** A node is in sync with us, or is gone. */
  settled(node: Atom): void {
    for (const syncer of [...this.#syncers]) {
      if (syncer.waiting.delete(node)) this.#check(syncer)
    }
  }

  clear(): void {
    this.#syncers.clear()
  }

  #check(syncer: Syncer): void {
    if (syncer.waiting.size > 0) return
    this.#syncers.delete(syncer)
    syncer.done()
  }
}
