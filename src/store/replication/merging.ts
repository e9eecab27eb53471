import { Knowledge, type Reach } from './epoch.ts'
import type { OfferedEntry, OfferPart } from './messages.ts'
import type { Discarded, MergedWrite, Operation, SessionState } from './operation.ts'
import type { Table } from './table.ts'

/** Writes in one operation of a merge. */
const WRITES = 1000

/** The offer of a node whose state is to be merged, as far as it has arrived. */
export class Merging {
  readonly peer: string
  /** When something of it came last. */
  heardAt: number
  readonly #offered = new Map<string, OfferedEntry>()
  #next = 0

  constructor(peer: string, now: number) {
    this.peer = peer
    this.heardAt = now
  }

  alive(now: number): void {
    this.heardAt = now
  }

  /** False when parts are missing. */
  add(part: OfferPart, now: number): boolean {
    this.heardAt = now
    if (part.index !== this.#next) return false
    this.#next++
    for (const entry of part.entries) this.#offered.set(entry.key, entry)
    return true
  }

  /**
   * What there is to write, so that the table holds what both sides know, but for keys of which the other side is not
   * heeded. Applying it to this very table is up to the caller.
   */
  merge(
    table: Table,
    reaches: readonly Reach[],
    sessions: readonly SessionState[],
    heeds: (key: string) => boolean,
  ): { readonly operations: Operation[]; readonly discarded: Discarded[] } {
    const theirs = new Knowledge()
    theirs.learnAll(reaches)
    const writes: MergedWrite[] = []
    const discarded: Discarded[] = []
    for (const [key, offered] of this.#offered) {
      const { version, bytes, staleAt, expiresAt } = offered
      // Known here: it is here still, or was replaced or deleted since.
      if (bytes === undefined || table.knowledge.covers(version) || !heeds(key)) continue
      const own = table.read(key)
      if (own === undefined || theirs.covers(own.version)) {
        writes.push({ key, bytes, staleAt, expiresAt })
        continue
      }
      writes.push({ key, bytes: own.bytes, staleAt: own.staleAt, expiresAt: own.expiresAt })
      if (Buffer.compare(own.bytes, bytes) !== 0) discarded.push({ key, version, bytes })
    }
    for (const [key, own] of table.entries()) {
      const isGone = !this.#offered.has(key) && theirs.covers(own.version) && heeds(key)
      if (isGone) writes.push({ key, bytes: undefined, staleAt: undefined, expiresAt: undefined })
    }
    return { operations: operationsOf(writes, discarded, reaches, sessions), discarded }
  }
}

/** In pieces; the last one says that all is there. */
function operationsOf(
  writes: readonly MergedWrite[],
  discarded: readonly Discarded[],
  reaches: readonly Reach[],
  sessions: readonly SessionState[],
): Operation[] {
  const lost = new Map(discarded.map((each) => [each.key, each]))
  const operations: Operation[] = []
  for (let at = 0; at < writes.length; at += WRITES) {
    const piece = writes.slice(at, at + WRITES)
    const conflicts = piece.flatMap(({ key }) => lost.get(key) ?? [])
    operations.push({ kind: 'merge', writes: piece, discarded: conflicts, reaches: [], sessions: [] })
  }
  operations.push({ kind: 'merge', writes: [], discarded: [], reaches, sessions })
  return operations
}
