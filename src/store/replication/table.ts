import { Version } from '../version.ts'
import { Knowledge, type Reach } from './epoch.ts'
import type { LogEntry, MergedWrite, Outcome, SessionState, Write } from './operation.ts'
import { StoredEntry, type ValueReader } from './stored-entry.ts'

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

/** A table as it is at one place in the order. Taking one costs a list of all entries, which never change themselves. */
export interface TableState {
  /** The last operation in it. */
  readonly position: Version
  readonly entries: readonly StoredEntry[]
  readonly reaches: readonly Reach[]
  readonly sessions: readonly SessionState[]
}

/** Where changes are told. */
export interface TableListener {
  change(change: TableChange): void
  conflict(conflict: TableConflict): void
}

/** Clients whose requests are remembered; who came first is forgotten first. */
const MOST_SESSIONS = 10_000

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
    return outcome
  }

  state(): TableState {
    return {
      position: this.position,
      entries: Array.from(this.#entries.values()),
      reaches: this.knowledge.copy(),
      sessions: this.sessions(),
    }
  }

  sessions(): SessionState[] {
    return Array.from(this.#sessions, ([client, { floor, outcomes }]) => ({ client, floor, outcomes: [...outcomes] }))
  }

  /** Takes over another table's state in one step. */
  install(state: TableState): void {
    const before = this.#entries
    const after = new Map<string, StoredEntry>()
    for (const entry of state.entries) after.set(entry.key, entry)
    this.#entries = after
    this.#sessions = new Map()
    for (const session of state.sessions) this.#adopt(session)
    this.position = state.position
    this.knowledge.learnAll(state.reaches)
    for (const [key, entry] of after) {
      const previous = before.get(key)
      if (previous?.version.equals(entry.version)) continue
      this.#listener.change({ key, entry, previous, version: entry.version, cause: 'resync' })
    }
    for (const [key, previous] of before) {
      if (after.has(key)) continue
      this.#listener.change({ key, entry: undefined, previous, version: state.position, cause: 'resync' })
    }
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
