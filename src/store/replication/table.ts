import { Version } from '../version.ts'
import { Knowledge, type Reach } from './epoch.ts'
import type { LogEntry, MergedWrite, Outcome, SessionState, Write } from './operation.ts'
import { StoredEntry, type ValueReader } from './stored-entry.ts'
import { TableImage } from './table-image.ts'

/** One key changed. */
export interface TableChange {
  readonly key: string
  readonly entry: StoredEntry | undefined
  readonly previous: StoredEntry | undefined
  readonly version: Version
  readonly cause: 'put' | 'delete' | 'expire' | 'merge' | 'resync'
}

/** Something of the other side that a merge lost. */
export interface TableConflict {
  readonly key: string
  readonly discarded: StoredEntry | undefined
  readonly kept: StoredEntry | undefined
}

/** A table as it was at one place in the order. */
export interface TableState {
  /** The last operation in it. */
  readonly position: Version
  /** Becomes the table's own. */
  readonly entries: Map<string, StoredEntry>
  readonly reaches: readonly Reach[]
  readonly sessions: readonly SessionState[]
}

/** Where changes are told. */
export interface TableListener {
  change(change: TableChange): void
  /**
   * The table was replaced, with these changes; undefined is none, and a good place to pause. To be read to its end; what
   * changes meanwhile comes after all of it.
   */
  replaced(changes: Iterator<TableChange | undefined>): void
  conflict(conflict: TableConflict): void
}

/** Clients whose requests are remembered; who came first is forgotten first. */
const MOST_SESSIONS = 10_000

/** What is remembered of one client, whatever it says of what it may send again. */
const MOST_OUTCOMES = 1_000_000

interface Session {
  floor: number
  readonly outcomes: Map<number, Outcome>
}

/** What replicas agree on: values, and which requests have been carried out. Only changed by operations, in their order. */
export class Table {
  /** The last operation applied. */
  position = new Version(0, '', 0)
  readonly knowledge = new Knowledge()
  readonly #reader: ValueReader
  readonly #listener: TableListener
  readonly #images = new Set<TableImage>()
  #imageId = 0
  #entries = new Map<string, StoredEntry>()
  #sessions = new Map<string, Session>()

  constructor(reader: ValueReader, listener: TableListener) {
    this.#reader = reader
    this.#listener = listener
  }

  get size(): number {
    return this.#entries.size
  }

  read(key: string): StoredEntry | undefined {
    return this.#entries.get(key)
  }

  /** A key's value, unless its time is over at this time. */
  live(key: string, at: number): StoredEntry | undefined {
    const entry = this.#entries.get(key)
    return entry?.expiresAt !== undefined && entry.expiresAt <= at ? undefined : entry
  }

  entries(): IterableIterator<[string, StoredEntry]> {
    return this.#entries.entries()
  }

  /** What became of a request, if it was carried out and is still remembered. */
  outcome(client: string, request: number): Outcome | undefined {
    return this.#sessions.get(client)?.outcomes.get(request)
  }

  /** Carries out the next operation; undefined for a request that is over. */
  apply(entry: LogEntry): Outcome | undefined {
    const { version, client } = entry
    this.position = version
    this.knowledge.learn(version, version.sequence)
    if (client === '') return this.#carryOut(entry)
    const session = this.#session(client)
    if (entry.floor > session.floor) {
      session.floor = entry.floor
      // In the order of requests, nearly always, so that this looks at no more than it takes away.
      for (const request of session.outcomes.keys()) {
        if (request >= entry.floor) break
        session.outcomes.delete(request)
      }
    }
    if (entry.request < session.floor) return undefined
    const known = session.outcomes.get(entry.request)
    if (known !== undefined) return known
    const outcome = this.#carryOut(entry)
    session.outcomes.set(entry.request, outcome)
    if (session.outcomes.size > MOST_OUTCOMES) {
      const [first = 0] = session.outcomes.keys()
      session.outcomes.delete(first)
    }
    return outcome
  }

  /** The table as it is now; to be read to its end, or closed. */
  image(): TableImage {
    const forget = (image: TableImage): void => void this.#images.delete(image)
    const { knowledge, position } = this
    const image = new TableImage(++this.#imageId, this.#entries, position, knowledge.copy(), this.sessions(), forget)
    this.#images.add(image)
    return image
  }

  sessions(): SessionState[] {
    return Array.from(this.#sessions, ([client, { floor, outcomes }]) => ({ client, floor, outcomes: [...outcomes] }))
  }

  /** Takes over another table's state in one step, and tells of it. */
  install(state: TableState): void {
    const before = this.#entries
    this.load(state)
    this.#listener.replaced(differences(before, this.image()))
  }

  /** The same, telling nobody. */
  load(state: TableState): void {
    // They read what nobody changes any more.
    this.#images.clear()
    this.#entries = state.entries
    this.#sessions = new Map()
    for (const session of state.sessions) this.#adopt(session)
    this.position = state.position
    this.knowledge.learnAll(state.reaches)
  }

  #carryOut(entry: LogEntry): Outcome {
    const { version, operation } = entry
    switch (operation.kind) {
      case 'none':
        return { version, changed: [], refused: undefined }
      case 'write': {
        for (const { key, expected } of operation.writes) {
          if (expected === undefined) continue
          const current = this.#entries.get(key)
          const isAsExpected =
            expected === 'absent' ? this.live(key, entry.at) === undefined : expected.equals(current?.version)
          if (isAsExpected) continue
          return { version, changed: [], refused: { key, current: current?.version } }
        }
        const changed = operation.writes.map((write) => this.#write(write, entry))
        return { version, changed, refused: undefined }
      }
      case 'expire':
        for (const { key, version: expected } of operation.expired) {
          if (expected.equals(this.#entries.get(key)?.version)) this.#set(key, undefined, version, 'expire')
        }
        return { version, changed: [], refused: undefined }
      case 'merge':
        for (const write of operation.writes) this.#merge(write, version)
        for (const lost of operation.discarded) {
          const discarded = new StoredEntry(this.#reader, lost.key, lost.version, lost.bytes, undefined, undefined)
          this.#listener.conflict({ key: lost.key, discarded, kept: this.#entries.get(lost.key) })
        }
        this.knowledge.learnAll(operation.reaches)
        for (const session of operation.sessions) this.#adopt(session)
        return { version, changed: [], refused: undefined }
    }
  }

  #write({ key, bytes, ttl, stale }: Write, { version, at }: LogEntry): boolean {
    if (bytes === undefined) return this.#set(key, undefined, version, 'delete')
    const staleAt = ttl === undefined ? undefined : at + ttl
    const expiresAt = staleAt === undefined ? undefined : staleAt + stale
    return this.#set(key, new StoredEntry(this.#reader, key, version, bytes, staleAt, expiresAt), version, 'put')
  }

  #merge({ key, bytes, staleAt, expiresAt }: MergedWrite, version: Version): void {
    const entry =
      bytes === undefined ? undefined : new StoredEntry(this.#reader, key, version, bytes, staleAt, expiresAt)
    this.#set(key, entry, version, 'merge')
  }

  #set(key: string, entry: StoredEntry | undefined, version: Version, cause: TableChange['cause']): boolean {
    const previous = this.#entries.get(key)
    for (const image of this.#images) image.change(key, previous, entry === undefined)
    if (entry !== undefined) this.#entries.set(key, entry)
    else if (!this.#entries.delete(key)) return false
    this.#listener.change({ key, entry, previous, version, cause })
    return true
  }

  #session(client: string): Session {
    const known = this.#sessions.get(client)
    if (known !== undefined) return known
    const session: Session = { floor: 0, outcomes: new Map() }
    this.#sessions.set(client, session)
    if (this.#sessions.size > MOST_SESSIONS) {
      const [first] = this.#sessions.keys()
      if (first !== undefined) this.#sessions.delete(first)
    }
    return session
  }

  #adopt(state: SessionState): void {
    const session = this.#session(state.client)
    session.floor = Math.max(session.floor, state.floor)
    for (const [request, outcome] of state.outcomes) {
      if (!session.outcomes.has(request)) session.outcomes.set(request, outcome)
    }
  }
}

/** Keys that {@link differences} looks at in one step. */
const STEP = 256

/** Undefined after each step, so that whoever reads it can pause although nothing differs. */
function* differences(
  before: ReadonlyMap<string, StoredEntry>,
  after: TableImage,
): Generator<TableChange | undefined, void, undefined> {
  const { position } = after
  const cause = 'resync'
  while (!after.done) {
    for (const entry of after.next(STEP, Number.POSITIVE_INFINITY)) {
      const { key, version } = entry
      const previous = before.get(key)
      if (previous?.version.equals(version) !== true) yield { key, entry, previous, version, cause }
    }
    yield undefined
  }
  let looked = 0
  for (const [key, previous] of before) {
    if (!after.has(key)) yield { key, entry: undefined, previous, version: position, cause }
    if (++looked % STEP === 0) yield undefined
  }
  after.close()
}
