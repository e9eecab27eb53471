import { Version } from '../version.ts'
import { type LogEntry, weigh } from './operation.ts'

/** What a log keeps for those who lag behind; beyond that they get a snapshot. */
export interface LogBounds {
  readonly entries: number
  readonly bytes: number
}

/** The latest operations in their order, each with the next higher sequence, whatever its epoch. */
export class Log {
  /** The last operation that is not here any more. */
  #base = new Version(0, '', 0)
  #entries: LogEntry[] = []
  /** Entries at the front of `#entries` that are gone; taken away many at a time. */
  #gone = 0
  #bytes = 0
  /** What was last asked for: followers that are equally far get the same array, which is encoded once. */
  #memo: { readonly start: number; readonly end: number; readonly entries: LogEntry[] } | undefined

  /** The last operation; of an empty log, the one before its first. */
  get last(): Version {
    return this.#entries.length > this.#gone ? (this.#entries.at(-1) as LogEntry).version : this.#base
  }

  /** The last operation before the first that is here. */
  get base(): Version {
    return this.#base
  }

  get bytes(): number {
    return this.#bytes
  }

  /** The version at a sequence; undefined where the log does not reach. */
  at(sequence: number): Version | undefined {
    return sequence === this.#base.sequence ? this.#base : this.entry(sequence)?.version
  }

  entry(sequence: number): LogEntry | undefined {
    const index = sequence - this.#base.sequence - 1
    return index < 0 ? undefined : this.#entries[index + this.#gone]
  }

  /** The entries after a sequence, as many as fit into so many bytes, at least one if there is one. */
  after(sequence: number, bytes: number): LogEntry[] {
    let end = sequence - this.#base.sequence + this.#gone
    const start = end
    for (let room = bytes; end < this.#entries.length; end++) {
      room -= weigh(this.#entries[end] as LogEntry)
      if (room < 0 && end > start) break
    }
    const base = this.#base.sequence - this.#gone
    if (this.#memo?.start !== base + start || this.#memo.end !== base + end) {
      this.#memo = { start: base + start, end: base + end, entries: this.#entries.slice(start, end) }
    }
    return this.#memo.entries
  }

  append(entry: LogEntry): void {
    this.#entries.push(entry)
    this.#bytes += weigh(entry)
  }

  /** Takes away all after a sequence. */
  truncate(sequence: number): void {
    this.#memo = undefined
    const keep = Math.max(0, sequence - this.#base.sequence) + this.#gone
    for (const entry of this.#entries.splice(keep)) this.#bytes -= weigh(entry)
  }

  /** Begins anew after a snapshot. */
  reset(base: Version): void {
    this.#memo = undefined
    this.#base = base
    this.#entries = []
    this.#gone = 0
    this.#bytes = 0
  }

  /** Lets the oldest go, none of them beyond `sequence`, until it is within bounds. */
  trim(sequence: number, bounds: LogBounds): void {
    while (
      this.#base.sequence < sequence &&
      (this.#entries.length - this.#gone > bounds.entries || this.#bytes > bounds.bytes)
    ) {
      const entry = this.#entries[this.#gone++]
      if (entry === undefined) break
      this.#bytes -= weigh(entry)
      this.#base = entry.version
    }
    if (this.#gone > 1024 && this.#gone * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#gone)
      this.#gone = 0
    }
  }
}
