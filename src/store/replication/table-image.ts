import type { Version } from '../version.ts'
import type { Reach } from './epoch.ts'
import type { SessionState } from './operation.ts'
import type { StoredEntry } from './stored-entry.ts'

/** What became of a key since the image was taken. */
interface Changed {
  /** What the key had then. */
  readonly entry: StoredEntry | undefined
  /** The key was taken away; it may be there again. */
  deleted: boolean
  read: boolean
}

/**
 * A table as it is at one place in the order, read little by little while the table goes on. Costs what changes
 * meanwhile, and no copy: what a changed key had is kept aside until it has been read.
 *
 * A key that is deleted while the image is read may be read twice, both times with what it had.
 */
export class TableImage {
  /** Tells it from other images of the same table. */
  readonly id: number
  /** The last operation in it. */
  readonly position: Version
  readonly reaches: readonly Reach[]
  readonly sessions: readonly SessionState[]
  readonly #entries: ReadonlyMap<string, StoredEntry>
  readonly #rest: Iterator<readonly [string, StoredEntry]>
  readonly #changed = new Map<string, Changed>()
  #gone: Iterator<Changed> | undefined
  #done = false
  #close: (() => void) | undefined

  /** `close` is called once, when nothing has to be kept aside any more. */
  constructor(
    id: number,
    entries: ReadonlyMap<string, StoredEntry>,
    position: Version,
    reaches: readonly Reach[],
    sessions: readonly SessionState[],
    close: (image: TableImage) => void,
  ) {
    this.id = id
    this.#entries = entries
    this.#rest = entries.entries()
    this.position = position
    this.reaches = reaches
    this.sessions = sessions
    this.#close = () => close(this)
  }

  /** All has been read. */
  get done(): boolean {
    return this.#done
  }

  /** Whether the key was there. */
  has(key: string): boolean {
    const changed = this.#changed.get(key)
    return changed === undefined ? this.#entries.has(key) : changed.entry !== undefined
  }

  /** The next entries: at most so many, and no more once they have so many bytes. */
  next(most: number, bytes: number): StoredEntry[] {
    const entries: StoredEntry[] = []
    for (let room = bytes; entries.length < most && room > 0; ) {
      const entry = this.#next()
      if (entry === undefined) break
      room -= entry.key.length + entry.bytes.length
      entries.push(entry)
    }
    return entries
  }

  /** A key of the table is about to change. */
  change(key: string, entry: StoredEntry | undefined, deleted: boolean): void {
    const known = this.#changed.get(key)
    if (known === undefined) this.#changed.set(key, { entry, deleted, read: false })
    else if (deleted) known.deleted = true
  }

  /** Nobody reads it any more. */
  close(): void {
    this.#done = true
    this.#close?.()
    this.#close = undefined
  }

  #next(): StoredEntry | undefined {
    while (this.#gone === undefined) {
      const next = this.#rest.next()
      if (next.done) {
        this.#gone = this.#changed.values()
        break
      }
      const [key, entry] = next.value
      const changed = this.#changed.get(key)
      if (changed === undefined) return entry
      if (changed.read || changed.entry === undefined) continue
      changed.read = true
      return changed.entry
    }
    for (let next = this.#gone.next(); !next.done; next = this.#gone.next()) {
      const { deleted, read, entry } = next.value
      if (deleted && !read && entry !== undefined) return entry
    }
    this.#done = true
    return undefined
  }
}
