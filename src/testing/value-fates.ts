import type { StoredEntry } from '../store/replication/stored-entry.ts'
import type { TableChange } from '../store/replication/table.ts'
import type { SimulatedProcess } from './simulated-process.ts'

/**
 * What becomes of the values of an open store, no two of which are alike: each is there in the end, was overwritten, or is in a
 * conflict event.
 */
export class ValueFates {
  readonly #fail: (message: string) => never
  readonly #overwritten = new Set<string>()
  readonly #conflicted = new Set<string>()
  /** The values that each process has had, with their keys. */
  readonly #held = new Map<SimulatedProcess, Map<string, string>>()

  constructor(fail: (message: string) => never) {
    this.#fail = fail
  }

  get conflicts(): number {
    return this.#conflicted.size
  }

  change(process: SimulatedProcess, { key, version, previous, entry, cause }: TableChange): void {
    // What is written anew when a partition heals is above all that it replaces; but what one side deleted may give way to what
    // the other had all the time.
    const isBack = previous !== undefined && entry !== undefined && version.compare(previous.version) < 0
    if (isBack && !this.#overwritten.has(textOf(previous))) {
      this.#fail(`${process.client} replaces ${key} at ${previous.version} by ${version} (${cause})`)
    }
    if (previous !== undefined && cause !== 'merge' && cause !== 'resync') this.#overwritten.add(textOf(previous))
    if (entry === undefined) return
    const held = this.#held.get(process) ?? new Map<string, string>()
    this.#held.set(process, held)
    held.set(textOf(entry), key)
  }

  discarded(entry: StoredEntry): void {
    this.#conflicted.add(textOf(entry))
  }

  /** To be called when all has healed. What was only on a process that is gone may be lost. */
  check(processes: Iterable<SimulatedProcess>): void {
    const there = new Set<string>()
    for (const { replica } of processes) for (const [, entry] of replica.table.entries()) there.add(textOf(entry))
    for (const [process, held] of this.#held) {
      if (!process.alive) continue
      for (const [value, key] of held) {
        if (there.has(value) || this.#overwritten.has(value) || this.#conflicted.has(value)) continue
        this.#fail(`${value} of ${key} was on ${process.client}, is not there, and nobody was told`)
      }
    }
  }
}

function textOf({ bytes }: StoredEntry): string {
  return Buffer.from(bytes).toString()
}
