import { Merging } from './merging.ts'
import type { Join, Message, OfferPart } from './messages.ts'
import type { Operation } from './operation.ts'
import type { Table } from './table.ts'

/** What joiners need of the loader. */
export interface JoinersHost {
  readonly table: Table
  /** Whether a node's word on a key is taken. */
  heeds(key: string, peer: string): boolean
  send(to: string, message: Message): void
  order(operation: Operation, now: number): void
  /** Whatever is written from now on is to be above all epochs up to this number. */
  raise(epoch: number, now: number): void
  /** The loader knows all that the node knows: it can follow. */
  takeIn(peer: string, join: Join): void
  estrange(peer: string, why: string): void
}

/** Those that want to follow a loader of an open store. Whose state has to be merged first has to wait for its turn. */
export class Joiners {
  readonly #host: JoinersHost
  readonly #waiting = new Map<string, Join>()
  #merging: Merging | undefined

  constructor(host: JoinersHost) {
    this.#host = host
  }

  /** All those that have not been taken in. */
  get names(): Iterable<string> {
    return this.#waiting.keys()
  }

  /** There is something left to merge: {@link mergeOn} does a part of it. */
  get busy(): boolean {
    return this.#merging?.whole === true
  }

  add(peer: string, join: Join, now: number): void {
    this.#waiting.set(peer, join)
    this.serve(now)
  }

  /** It does not want to any more, or is gone. What was merged of it stays. */
  left(peer: string): void {
    this.#waiting.delete(peer)
    if (this.#merging?.peer === peer) this.#merging = undefined
  }

  clear(): void {
    this.#waiting.clear()
    this.#merging = undefined
  }

  /** Nobody is to blame for what was not heard until now. */
  alive(now: number): void {
    this.#merging?.alive(now)
  }

  /** Whose turn it is, and who has said nothing since that time. */
  silentSince(time: number): string | undefined {
    return this.#merging !== undefined && this.#merging.heardAt <= time ? this.#merging.peer : undefined
  }

  /** Takes in whom it can; begins to merge the state of one more. */
  serve(now: number): void {
    const { table } = this.#host
    for (const [peer, join] of [...this.#waiting]) {
      if (this.#merging?.peer === peer) continue
      if (table.knowledge.coversAll(join.reaches)) {
        this.#waiting.delete(peer)
        this.#host.takeIn(peer, join)
      } else if (this.#merging === undefined) {
        const heeds = (key: string): boolean => this.#host.heeds(key, peer)
        this.#merging = new Merging(peer, join, table, heeds, now)
        this.#host.send(peer, { kind: 'offer-wanted', session: join.session, reaches: table.knowledge.copy() })
      }
    }
  }

  /** Merges a part of an offer. */
  offered(peer: string, part: OfferPart, now: number): void {
    const merging = this.#merging
    const { session, index } = part
    if (merging?.peer !== peer || merging.session !== session) return
    merging.alive(now)
    this.#host.raise(merging.highest, now)
    const merged = merging.add(part)
    if (merged === undefined) {
      this.left(peer)
      return this.#host.estrange(peer, 'its offer has parts missing')
    }
    for (const operation of merged.operations) this.#host.order(operation, now)
    const { discarded } = merged
    if (discarded.length > 0) this.#host.send(peer, { kind: 'merged', session, discarded })
    this.#host.send(peer, { kind: 'offer-received', session, index })
  }

  /** Does some of what is left of a merge when all of the offer is here. */
  mergeOn(now: number): void {
    if (!this.busy) return
    const { operations, done } = (this.#merging as Merging).finish()
    for (const operation of operations) this.#host.order(operation, now)
    if (!done) return
    this.#merging = undefined
    this.serve(now)
  }
}
