import type { SnapshotPart } from './messages.ts'
import type { StoredEntry } from './stored-entry.ts'
import type { TableState } from './table.ts'

/** A table that is on its way here in parts. */
export class ArrivingTable {
  readonly #from: string
  readonly #id: number
  readonly #entries = new Map<string, StoredEntry>()
  #next = 0

  constructor(from: string, id: number) {
    this.#from = from
    this.#id = id
  }

  /** Whether this is its next part. */
  isNext(from: string, { id, index }: SnapshotPart): boolean {
    return from === this.#from && id === this.#id && index === this.#next
  }

  /** Takes its next part in. The last one makes it whole. */
  add({ position, entries, last }: SnapshotPart): TableState | undefined {
    this.#next++
    for (const entry of entries) this.#entries.set(entry.key, entry)
    if (last === undefined) return undefined
    return { position, entries: this.#entries, reaches: last.reaches, sessions: last.sessions }
  }
}
