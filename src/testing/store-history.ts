import type { LogEntry, Outcome } from '../store/replication/operation.ts'
import type { Version } from '../store/version.ts'
import type { SimulatedProcess } from './simulated-process.ts'

interface Replayed {
  readonly last: number
  readonly table: ReadonlyMap<string, { readonly version: Version }>
  readonly done: ReadonlyMap<string, Outcome>
}

/** What the replicas of a store with fixed voters have applied: the same operations at the same places. */
export class StoreHistory {
  readonly #fail: (message: string) => never
  readonly #entries = new Map<number, LogEntry>()

  constructor(fail: (message: string) => never) {
    this.#fail = fail
  }

  applied(process: SimulatedProcess, entry: LogEntry): void {
    const { sequence } = entry.version
    const known = this.#entries.get(sequence)
    if (known === undefined) this.#entries.set(sequence, entry)
    else if (!sameEntry(known, entry)) {
      this.#fail(`${process.client} applies ${describe(entry)}, where others have applied ${describe(known)}`)
    }
  }

  /** Compares it with what clients were told, and with what replicas have. */
  check(settled: ReadonlyMap<string, Outcome>, processes: Iterable<SimulatedProcess>, acknowledgedTo: number): void {
    const { last, table, done } = this.#replay()
    for (const [id, outcome] of settled) {
      const found = done.get(id)
      if (found === undefined) return this.#fail(`${id} was acknowledged at ${outcome.version}, and is lost`)
      const isSame =
        found.version.equals(outcome.version) &&
        String(found.changed) === String(outcome.changed) &&
        found.refused?.key === outcome.refused?.key
      if (!isSame) this.#fail(`${id} was told another outcome than it had`)
    }
    for (const process of processes) {
      const position = process.replica.table.position.sequence
      if (position < acknowledgedTo) this.#fail(`${process.client} has only got to ${position}`)
      const entries = new Map(process.replica.table.entries())
      if (position === last && entries.size !== table.size)
        this.#fail(`${process.client} has other keys than it should`)
      for (const [key, { version }] of position === last ? table : []) {
        if (!version.equals(entries.get(key)?.version))
          this.#fail(`${process.client} has another ${key} than it should`)
      }
    }
  }

  /** Carries it out once more, the simple way. */
  #replay(): Replayed {
    const table = new Map<string, { version: Version; expiresAt: number | undefined }>()
    const done = new Map<string, Outcome>()
    const floors = new Map<string, number>()
    const last = Math.max(0, ...this.#entries.keys())
    for (let sequence = 1; sequence <= last; sequence++) {
      const entry = this.#entries.get(sequence)
      if (entry === undefined) return this.#fail(`nobody has applied ${sequence} of ${last}`)
      const { operation, client, request, version } = entry
      if (operation.kind === 'expire') {
        for (const { key, version: at } of operation.expired) if (at.equals(table.get(key)?.version)) table.delete(key)
      }
      if (operation.kind !== 'write') continue
      const floor = Math.max(floors.get(client) ?? 0, entry.floor)
      floors.set(client, floor)
      const id = `${client}/${request}`
      if (request < floor || done.has(id)) continue
      const refused = operation.writes.find(({ key, expected }) => {
        const current = table.get(key)
        if (expected === 'absent') return current !== undefined && !((current.expiresAt ?? Infinity) <= entry.at)
        return expected !== undefined && !expected.equals(current?.version)
      })
      const changed: boolean[] = []
      for (const { key, bytes, ttl, stale } of refused === undefined ? operation.writes : []) {
        changed.push(bytes !== undefined || table.has(key))
        if (bytes === undefined) table.delete(key)
        else table.set(key, { version, expiresAt: ttl === undefined ? undefined : entry.at + ttl + stale })
      }
      done.set(id, { version, changed, refused: refused && { key: refused.key, current: undefined } })
    }
    return { last, table, done }
  }
}

function sameEntry(a: LogEntry, b: LogEntry): boolean {
  return a.version.equals(b.version) && a.client === b.client && a.request === b.request
}

function describe({ version, client, request, operation }: LogEntry): string {
  return `${version} ${client}/${request} ${operation.kind}`
}
