import type { Action, Meta } from './action.ts'
import type { LogEntry } from './operation.ts'
import type { TableImage } from './table-image.ts'

/** What saves need of the replica. */
export interface SavesHost {
  readonly durable: boolean
  meta(): Meta
  emit(action: Action): void
}

/** What of a replica is on the disk, or on its way there. Without a disk everything is, at once. */
export class Saves {
  /** The log is on the disk up to here; without a disk: in memory. */
  savedTo = 0
  /** The disk does not take anything any more. */
  failed = false
  readonly #host: SavesHost
  readonly #underWay: { readonly id: number; sequence: number }[] = []
  readonly #after: { readonly id: number; readonly run: () => void }[] = []
  #id = 0
  #issuedTo = 0

  constructor(host: SavesHost) {
    this.#host = host
  }

  /** What is here has been found on the disk. */
  restored(sequence: number): void {
    this.savedTo = sequence
    this.#issuedTo = sequence
  }

  /** A save is on the disk, and all before it. True when the log is there further than before. */
  saved(id: number): boolean {
    let sequence = 0
    while ((this.#underWay[0]?.id ?? Number.POSITIVE_INFINITY) <= id) {
      sequence = (this.#underWay.shift() as { sequence: number }).sequence
    }
    if (sequence <= this.savedTo) return false
    this.savedTo = sequence
    return true
  }

  /** What has waited for saves up to this one. */
  runAfter(id: number): void {
    while ((this.#after[0]?.id ?? Number.POSITIVE_INFINITY) <= id) this.#after.shift()?.run()
  }

  fail(): void {
    this.failed = true
    this.#underWay.length = 0
    this.#after.length = 0
  }

  /** Saves what of the log is not under way yet. True when it counts as saved at once. */
  issue(last: number, after: (sequence: number) => readonly LogEntry[]): boolean {
    if (!this.#host.durable) {
      if (this.savedTo === last) return false
      this.restored(last)
      return true
    }
    if (this.failed || this.#issuedTo === last) return false
    this.#emit(undefined, undefined, after(this.#issuedTo), last)
    return false
  }

  /** Runs something when the meta data as it is now is on the disk; at once without a disk. */
  saveMeta(then: () => void): void {
    if (!this.#host.durable) return then()
    if (this.failed) return
    const id = this.#emit(this.#host.meta(), undefined, [], this.#issuedTo)
    this.#after.push({ id, run: then })
  }

  /** The table was replaced, and these are the entries that follow on it. */
  replaced(image: () => TableImage, entries: readonly LogEntry[], last: number): void {
    for (const save of this.#underWay) save.sequence = 0
    this.savedTo = 0
    if (this.failed) this.#issuedTo = last
    else if (this.#host.durable) this.#emit(this.#host.meta(), image(), entries, last)
    else this.restored(last)
  }

  /** What is in the log after a sequence is taken away. */
  truncated(sequence: number): void {
    this.savedTo = Math.min(this.savedTo, sequence)
    this.#issuedTo = Math.min(this.#issuedTo, sequence)
    for (const save of this.#underWay) save.sequence = Math.min(save.sequence, sequence)
  }

  #emit(meta: Meta | undefined, state: TableImage | undefined, entries: readonly LogEntry[], sequence: number): number {
    const id = ++this.#id
    this.#host.emit({ kind: 'save', id, meta, state, entries })
    this.#underWay.push({ id, sequence })
    this.#issuedTo = sequence
    return id
  }
}
