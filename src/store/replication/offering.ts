import { Knowledge } from './epoch.ts'
import type { OfferedEntry, OfferPart, OfferWanted } from './messages.ts'
import type { StoredEntry } from './stored-entry.ts'
import type { Table } from './table.ts'

/** How much of a table goes into one part, and how many parts leave before the first has been merged. */
const PART_ENTRIES = 4096
const PART_BYTES = 256 * 1024
const PARTS_IN_FLIGHT = 4

/** The offer of this node's table to its loader. The table stays as it is meanwhile: a node that follows nobody changes nothing. */
export class Offering {
  readonly session: number
  readonly #table: Table
  /** What the loader knows. */
  readonly #covered = new Knowledge()
  readonly #rest: Iterator<readonly [string, StoredEntry]>
  #index = 0
  #acknowledged = -1
  #done = false

  constructor(table: Table, { session, reaches }: OfferWanted) {
    this.session = session
    this.#table = table
    this.#covered.learnAll(reaches)
    this.#rest = table.entries()
  }

  /** The loader has merged all parts up to this one. */
  received(index: number): void {
    if (index < this.#index) this.#acknowledged = Math.max(this.#acknowledged, index)
  }

  /** The parts that may leave now. */
  *parts(): Generator<OfferPart, void, undefined> {
    while (!this.#done && this.#index - this.#acknowledged <= PARTS_IN_FLIGHT) {
      const entries = this.#entries()
      const { knowledge } = this.#table
      const last = this.#done ? { reaches: knowledge.copy(), sessions: this.#table.sessions() } : undefined
      yield { kind: 'offer', session: this.session, index: this.#index++, entries, last }
    }
  }

  #entries(): OfferedEntry[] {
    const entries: OfferedEntry[] = []
    for (let room = PART_BYTES; entries.length < PART_ENTRIES && room > 0; ) {
      const next = this.#rest.next()
      if (next.done) {
        this.#done = true
        break
      }
      const [key, { version, bytes: value, staleAt, expiresAt }] = next.value
      const bytes = this.#covered.covers(version) ? undefined : value
      room -= key.length + (bytes?.length ?? 0)
      entries.push({ key, version, bytes, staleAt, expiresAt })
    }
    return entries
  }
}
