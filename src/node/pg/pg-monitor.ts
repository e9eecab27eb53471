import { AsyncQueue } from '../../base/queue.ts'
import type { Pid, Term } from '../../term/index.ts'
import { termKey } from '../../term/term-key.ts'
import type { PgEvent } from './groups.ts'

/** Options of `scope.monitor` and `scope.monitorScope`. */
export interface PgMonitorOptions {
  /** Ends the iteration. */
  readonly signal?: AbortSignal | undefined
  /** Events held for a slow reader; the oldest is dropped above it, see {@link PgMonitor.dropped}. Default 10,000. */
  readonly capacity?: number
}

/** For a monitor that sends messages to a process. */
export interface PgMessageOptions {
  /** A process of this node. It gets `{Ref, join | leave, Group, [Pid]}`. */
  readonly to: Pid
}

/**
 * What happens to one group, as an async iterator. When `dropped` counts, some events are missing: look at `members` of
 * the scope again.
 */
export class PgMonitor extends AsyncQueue<PgEvent> {
  /** Who was in the group when this began; the events tell what has changed since. */
  readonly members: readonly Pid[]

  constructor(members: readonly Pid[], options: PgMonitorOptions & { readonly onClose: () => void }) {
    super({ capacity: 10_000, ...options })
    this.members = members
  }
}

/** What happens to all groups of a scope, as an async iterator. See {@link PgMonitor}. */
export class PgScopeMonitor extends AsyncQueue<PgEvent> {
  /** All groups with members when this began. `mapGet` finds names that are tuples or lists. */
  readonly groups: ReadonlyMap<Term, readonly Pid[]>

  constructor(groups: ReadonlyMap<Term, readonly Pid[]>, options: PgMonitorOptions & { readonly onClose: () => void }) {
    super({ capacity: 10_000, ...options })
    this.groups = groups
  }
}

/** One who hears of changes: of one group, or of all. */
export interface PgListener {
  push(event: PgEvent): void
}

/** Those who hear of one group's changes, by its key, and those who hear of all. */
export class PgListeners {
  readonly #all = new Set<PgListener>()
  readonly #groups = new Map<unknown, Set<PgListener>>()

  addToAll(listener: PgListener): () => void {
    this.#all.add(listener)
    return () => void this.#all.delete(listener)
  }

  addTo(key: unknown, listener: PgListener): () => void {
    let listeners = this.#groups.get(key)
    if (listeners === undefined) {
      listeners = new Set()
      this.#groups.set(key, listeners)
    }
    listeners.add(listener)
    return () => {
      listeners.delete(listener)
      if (listeners.size === 0 && this.#groups.get(key) === listeners) this.#groups.delete(key)
    }
  }

  emit(event: PgEvent): void {
    for (const listener of this.#all) listener.push(event)
    if (this.#groups.size === 0) return
    for (const listener of this.#groups.get(termKey(event.group)) ?? []) listener.push(event)
  }
}
