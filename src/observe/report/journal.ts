import { cut } from '../shape.ts'
import type { EventKind, TimelineEvent } from '../view.ts'
import type { EventReport } from './report.ts'

/** What is written down. */
export interface JournalEntry {
  readonly kind: EventKind
  readonly severity: TimelineEvent['severity']
  readonly text: string
  readonly reason?: string | null
  /** Whom it is about, where it is about a node. */
  readonly peer?: string | null
}

/** The same again within so many milliseconds is one event. */
const SAME = 10 * 60_000
/** Who comes and goes makes a story, unless it comes and goes all the time. */
const SAME_STORY = 10_000

interface Kept {
  readonly key: string
  event: EventReport
}

/** What happened on one node: the last events, those that are the same as one. */
export class Journal {
  readonly #capacity: number
  readonly #wallClock: () => number
  /** By their ids; the one that changed last is the last. */
  readonly #events = new Map<number, Kept>()
  /** The last event of each kind of sameness. */
  readonly #last = new Map<string, Kept>()
  #id = 0
  #revision = 0
  readonly #listeners = new Set<() => void>()

  /** `wallClock`: milliseconds since 1970. */
  constructor(wallClock: () => number, capacity = 200) {
    this.#wallClock = wallClock
    this.#capacity = capacity
  }

  get revision(): number {
    return this.#revision
  }

  add({ kind, severity, text, reason = null, peer = null }: JournalEntry): void {
    const at = this.#wallClock()
    const said = cut(text, 300)
    const why = reason === null ? null : cut(reason, 300)
    const key = JSON.stringify([kind, peer, said, why])
    const before = this.#last.get(key)
    const same = kind === 'node-up' || kind === 'node-down' ? SAME_STORY : SAME
    const revision = ++this.#revision
    if (before !== undefined && at - before.event.lastAt < same) {
      before.event = { ...before.event, revision, lastAt: at, count: before.event.count + 1 }
      this.#events.delete(before.event.id)
      this.#events.set(before.event.id, before)
    } else {
      const id = ++this.#id
      const event = { id, revision, at, lastAt: at, count: 1, kind, severity, peer, text: said, reason: why }
      const kept = { key, event }
      this.#events.set(id, kept)
      this.#last.set(key, kept)
      this.#forget()
    }
    for (const listener of [...this.#listeners]) listener()
  }

  /** What came, or changed, after a revision, in that order; at most `limit`, the last of them. */
  since(revision: number, limit: number): EventReport[] {
    const later: EventReport[] = []
    for (const { event } of this.#events.values()) if (event.revision > revision) later.push(event)
    return later.slice(-limit)
  }

  /** Tells of each entry from now on, until what it returns is called. */
  follow(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #forget(): void {
    for (const [id, kept] of this.#events) {
      if (this.#events.size <= this.#capacity) return
      this.#events.delete(id)
      if (this.#last.get(kept.key) === kept) this.#last.delete(kept.key)
    }
  }
}
