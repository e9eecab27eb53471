import type { Version } from '../version.ts'
import type { Epoch } from './epoch.ts'
import type { Log } from './log.ts'
import type { Append, SnapshotPart } from './messages.ts'
import { weigh } from './operation.ts'
import type { TableImage } from './table-image.ts'

/** How much goes to one follower at once. Bytes are those of keys and values. */
const MESSAGE_BYTES = 512 * 1024
const WINDOW_BYTES = 8 * 1024 * 1024
/** Small parts, and many of them: the receiver is never idle, and nobody is busy with one for long. */
const PART_BYTES = 64 * 1024
const PART_ENTRIES = 1024
const PARTS_IN_FLIGHT = 16
/** Parts that leave in one turn, so that others get theirs. */
const PARTS_AT_ONCE = 4

interface Sent {
  readonly sequence: number
  readonly bytes: number
}

interface Transfer {
  readonly image: TableImage
  index: number
  acknowledged: number
}

/** What all appends of a moment have in common. */
export type AppendHead = Omit<Append, 'kind' | 'previous' | 'entries'>

/**
 * What the loader sends to one follower: first it finds out where the follower's log follows on its own, then it sends
 * entries without waiting for each answer, up to a window. Whoever needs what the log does not hold any more is sent the
 * table in parts, a few at a time, and then what happened since.
 */
export class Outflow {
  /** The follower has all up to here. */
  match = 0
  /** When it was heard of, by the loader's clock; of voters: as it was when the message left that was answered. */
  heardAt = Number.NEGATIVE_INFINITY
  /** It counts when it is asked what a majority has. */
  counts = false
  /** The commit it was last told. */
  #told = -1
  #toldAll = -1
  readonly #session: number
  #next: number
  #probing: boolean
  /** The question has not been sent yet. */
  #ask = true
  #foreign = false
  #sent: Sent[] = []
  #sentBytes = 0
  #transfer: Transfer | undefined
  /** When the last part of a table left, by the loader's clock. */
  #transferredAt = Number.NEGATIVE_INFINITY

  /** `probe`: whether its log has to be asked where it follows on, beginning with `next`. `session`: that of its join. */
  constructor(next: number, probe: boolean, session = 0) {
    this.#session = session
    this.#next = next
    this.#probing = probe
  }

  /** Something came from the follower. */
  alive(now: number): void {
    this.heardAt = Math.max(this.heardAt, now)
  }

  /** The table is being sent. */
  get transferring(): boolean {
    return this.#transfer !== undefined
  }

  /** The lowest sequence whose successor is still needed here. */
  get pinned(): number {
    return this.#transfer?.image.position.sequence ?? Number.POSITIVE_INFINITY
  }

  /** The table from here on, in place of entries. */
  transfer(image: TableImage): void {
    this.close()
    this.#transfer = { image, index: 0, acknowledged: -1 }
    this.#forgetSent()
  }

  /** Sends nothing more. */
  close(): void {
    this.#transfer?.image.close()
    this.#transfer = undefined
  }

  /** Its log follows on up to `match`. */
  matched(match: number): void {
    if (this.#transfer !== undefined) return
    if (this.#probing) {
      this.#probing = false
      this.#next = match + 1
    }
    this.match = Math.max(this.match, match)
    let done = 0
    for (const { sequence, bytes } of this.#sent) {
      if (sequence > match) break
      this.#sentBytes -= bytes
      done++
    }
    if (done > 0) this.#sent.splice(0, done)
  }

  /**
   * It does not; it may at `hint`. What has gone further than it was asked about has another history. `sentAt`: when the
   * message left that this answers; what follows on a table does not follow on anything before that.
   */
  mismatched(hint: number, sentAt: number): void {
    if (this.#transfer !== undefined || sentAt <= this.#transferredAt) return
    if (hint >= this.#next && this.#probing) this.#foreign = true
    this.#probing = true
    this.#ask = true
    this.#next = Math.max(1, Math.min(hint + 1, this.#next))
    this.#forgetSent()
  }

  /** The receiver has all parts up to this one. */
  received(id: number, index: number): void {
    const transfer = this.#transfer
    if (transfer?.image.id !== id || index >= transfer.index) return
    transfer.acknowledged = Math.max(transfer.acknowledged, index)
  }

  /**
   * What is to be sent now. `beat`: something, in any case. `image` is asked for the table when the log does not reach
   * back far enough.
   */
  *fill(
    log: Log,
    head: AppendHead,
    beat: boolean,
    image: () => TableImage,
  ): Generator<Append | SnapshotPart, void, undefined> {
    if (this.#transfer === undefined && (this.#foreign || log.at(this.#next - 1) === undefined)) {
      this.#foreign = false
      this.transfer(image())
    }
    if (this.#transfer !== undefined) {
      yield* this.#parts(this.#transfer, head.epoch)
      // A sign of life, that says who is the loader and no more.
      if (this.#transfer !== undefined) {
        if (beat) yield this.#append(head, this.#transfer.image.position, [])
        return
      }
      this.#transferredAt = head.sentAt
    }
    let silent = beat
    while (!this.#probing && this.#sentBytes < WINDOW_BYTES && this.#next <= log.last.sequence) {
      const previous = log.at(this.#next - 1)
      if (previous === undefined) return
      const entries = log.after(previous.sequence, MESSAGE_BYTES)
      let bytes = 0
      for (const entry of entries) bytes += weigh(entry)
      this.#next += entries.length
      this.#sent.push({ sequence: this.#next - 1, bytes })
      this.#sentBytes += bytes
      silent = false
      yield this.#append(head, previous, entries)
    }
    const news = this.#probing ? this.#ask : this.#told < head.commit || this.#toldAll < head.all
    const previous = log.at(this.#next - 1)
    if (!(silent || news) || previous === undefined) return
    this.#ask = false
    yield this.#append(head, previous, [])
  }

  *#parts(transfer: Transfer, epoch: Epoch): Generator<SnapshotPart, void, undefined> {
    const { image } = transfer
    const { id, position, reaches, sessions } = image
    const end = Math.min(transfer.acknowledged + PARTS_IN_FLIGHT, transfer.index + PARTS_AT_ONCE - 1)
    while (transfer.index <= end) {
      const entries = image.next(PART_ENTRIES, PART_BYTES)
      const last = image.done ? { reaches, sessions } : undefined
      const index = transfer.index++
      yield { kind: 'snapshot', epoch, session: this.#session, id, index, position, entries, last }
      if (last === undefined) continue
      this.close()
      this.#probing = false
      this.#next = position.sequence + 1
      return
    }
  }

  #append(head: AppendHead, previous: Version, entries: Append['entries']): Append {
    this.#told = head.commit
    this.#toldAll = head.all
    return { kind: 'append', ...head, previous, entries }
  }

  #forgetSent(): void {
    this.#sent = []
    this.#sentBytes = 0
  }
}

/** What a loader sends to those that follow, by their names. */
export class Outflows extends Map<string, Outflow> {
  override set(peer: string, outflow: Outflow): this {
    this.get(peer)?.close()
    return super.set(peer, outflow)
  }

  override delete(peer: string): boolean {
    this.get(peer)?.close()
    return super.delete(peer)
  }

  override clear(): void {
    for (const outflow of this.values()) outflow.close()
    super.clear()
  }

  /** The lowest sequence whose successor somebody still needs. */
  get pinned(): number {
    let pinned = Number.POSITIVE_INFINITY
    for (const outflow of this.values()) pinned = Math.min(pinned, outflow.pinned)
    return pinned
  }

  /** What is to be sent now, and to whom: see {@link Outflow.fill}. */
  *fill(
    log: Log,
    head: AppendHead,
    beat: boolean,
    image: () => TableImage,
  ): Generator<readonly [peer: string, message: Append | SnapshotPart], void, undefined> {
    for (const [peer, outflow] of this) {
      for (const message of outflow.fill(log, head, beat, image)) yield [peer, message]
    }
  }
}
