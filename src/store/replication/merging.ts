import { Knowledge } from './epoch.ts'
import type { Join, OfferPart } from './messages.ts'
import type { Discarded, MergedWrite, Operation } from './operation.ts'
import type { StoredEntry } from './stored-entry.ts'
import type { Table } from './table.ts'

/** How much goes into one operation of a merge. Bytes are those of values. */
const WRITES = 1000
const BYTES = 1024 * 1024
/** Keys that are looked at in one turn for those that the other side has deleted. */
const LOOKED_AT = 4096

/**
 * The merging of a node's state into the loader's own table, part by part as the offer comes in, while the loader goes on. What
 * of it has been written stays when the other node goes before its end: offered again, it is found equal.
 *
 * The operations have to be applied to the table before the next call.
 */
export class Merging {
  readonly peer: string
  readonly session: number
  /** The highest number of an epoch that the other side knows of. */
  readonly highest: number
  /** When something of it came last. */
  heardAt: number
  readonly #table: Table
  readonly #theirs = new Knowledge()
  readonly #heeds: (key: string) => boolean
  /** Keys as old here as the other side knows them, and which it has. */
  readonly #kept = new Set<string>()
  #next = 0
  #last: OfferPart['last']
  #rest: Iterator<readonly [string, StoredEntry]> | undefined

  /** `heeds`: whether the other side's word on a key is taken. */
  constructor(peer: string, join: Join, table: Table, heeds: (key: string) => boolean, now: number) {
    this.peer = peer
    this.session = join.session
    this.heardAt = now
    this.#table = table
    this.#theirs.learnAll(join.reaches)
    this.#heeds = heeds
    this.highest = this.#theirs.highest
  }

  alive(now: number): void {
    this.heardAt = now
  }

  /** All of the offer is here: {@link finish} does what is left. */
  get whole(): boolean {
    return this.#rest !== undefined
  }

  /** What a part changes, and what of it is discarded; undefined when parts are missing. */
  add(part: OfferPart): { readonly operations: Operation[]; readonly discarded: readonly Discarded[] } | undefined {
    if (part.index !== this.#next || this.whole) return undefined
    this.#next++
    const writes: MergedWrite[] = []
    const discarded: Discarded[] = []
    for (const { key, version, bytes, staleAt, expiresAt } of part.entries) {
      const own = this.#table.read(key)
      const isOlder = own !== undefined && this.#theirs.covers(own.version)
      if (isOlder) this.#kept.add(key)
      // Known here: it is here still, or was replaced or deleted since.
      if (bytes === undefined || this.#table.knowledge.covers(version) || !this.#heeds(key)) continue
      if (own === undefined || isOlder) {
        writes.push({ key, bytes, staleAt, expiresAt })
        continue
      }
      writes.push({ key, bytes: own.bytes, staleAt: own.staleAt, expiresAt: own.expiresAt })
      if (Buffer.compare(own.bytes, bytes) !== 0) discarded.push({ key, version, bytes })
    }
    if (part.last !== undefined) {
      this.#last = part.last
      this.#rest = this.#table.entries()
    }
    return { operations: [...operationsOf(writes, discarded)], discarded }
  }

  /** A part of what is left: the keys that the other side has deleted, and in the end what it knew. */
  finish(): { readonly operations: Operation[]; readonly done: boolean } {
    const writes: MergedWrite[] = []
    for (let looked = 0; looked < LOOKED_AT; looked++) {
      const next = this.#rest?.next()
      if (next === undefined || next.done) {
        const { reaches = [], sessions = [] } = this.#last ?? {}
        const end: Operation = { kind: 'merge', writes: [], discarded: [], reaches, sessions }
        return { operations: [...operationsOf(writes, []), end], done: true }
      }
      const [key, { version }] = next.value
      const isGone = !this.#kept.has(key) && this.#theirs.covers(version) && this.#heeds(key)
      if (isGone) writes.push({ key, bytes: undefined, staleAt: undefined, expiresAt: undefined })
    }
    return { operations: [...operationsOf(writes, [])], done: false }
  }
}

function* operationsOf(
  writes: readonly MergedWrite[],
  discarded: readonly Discarded[],
): Generator<Operation, void, undefined> {
  const lost = new Map(discarded.map((each) => [each.key, each]))
  for (let at = 0; at < writes.length; ) {
    const start = at
    for (let bytes = 0; at < writes.length && at - start < WRITES && bytes < BYTES; at++) {
      bytes += writes[at]?.bytes?.length ?? 0
    }
    const piece = writes.slice(start, at)
    const conflicts = piece.flatMap(({ key }) => lost.get(key) ?? [])
    yield { kind: 'merge', writes: piece, discarded: conflicts, reaches: [], sessions: [] }
  }
}
