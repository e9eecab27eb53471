import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { type FileHandle, open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Meta, Saved } from '../../replication/action.ts'
import type { LogEntry } from '../../replication/operation.ts'
import type { StoredEntry, ValueReader } from '../../replication/stored-entry.ts'
import type { TableState } from '../../replication/table.ts'
import type { TableImage } from '../../replication/table-image.ts'
import type { Version } from '../../version.ts'
import {
  packEntry,
  packReaches,
  packSessions,
  packStored,
  unpackEntry,
  unpackReaches,
  unpackSessions,
  unpackStored,
} from './pack-log.ts'
import { PackError, Packer, type Unpacker } from './packer.ts'
import { DamagedError, readRecords, record, syncDirectory, writeAll } from './records.ts'

/** What is to be written. */
export interface DiskSave {
  readonly meta: Meta | undefined
  readonly state: TableImage | undefined
  readonly entries: readonly LogEntry[]
}

const META = 1
const ENTRIES = 2
const POSITION = 3
const VALUES = 4
const END = 5

const VALUES_IN_RECORD = 2048
const BYTES_IN_RECORD = 4 * 1024 * 1024
/** Bytes of a log above which the table is written out and a new one is begun, if it is larger than the table's file. */
const COMPACT_ABOVE = 64 * 1024 * 1024

/**
 * A store on the disk: a table as it was at one place, and the log since. Both are files of records, each with its length,
 * checksums and what {@link Packer} makes of it.
 *
 * Files have generations. `5.table` is written under another name and renamed when it is on the disk; `5.log` is begun when its
 * writing begins. What holds is the highest table with all logs from that number on, in order; those before it go when
 * it is there. A log that ends within a record was cut off by a crash: what was acknowledged is before that.
 */
export class Disk {
  readonly #directory: string
  readonly #sync: boolean
  #generation: number
  #log: FileHandle | undefined
  #logBytes = 0
  #tableBytes = 0
  #compacting: Promise<void> | undefined

  private constructor(directory: string, sync: boolean, generation: number) {
    this.#directory = directory
    this.#sync = sync
    this.#generation = generation
  }

  /**
   * What is there. `saved` is undefined for an empty directory, and when what was there is damaged; then `damage` says
   * how, and the files are set aside.
   */
  static open(
    directory: string,
    sync: boolean,
    reader: ValueReader,
  ): { readonly disk: Disk; readonly saved: Saved | undefined; readonly damage: Error | undefined } {
    mkdirSync(directory, { recursive: true })
    let highest = 0
    for (const name of readdirSync(directory)) {
      const number = /^(\d+)\.(table|log)(\.new)?$/.exec(name)
      if (number?.[3] !== undefined) rmSync(join(directory, name))
      if (number !== null) highest = Math.max(highest, Number(number[1]))
    }
    const disk = new Disk(directory, sync, highest)
    try {
      return { disk, saved: disk.#load(highest, reader), damage: undefined }
    } catch (error) {
      if (!(error instanceof DamagedError || error instanceof PackError)) throw error
      for (const name of readdirSync(directory)) {
        if (/^\d+\.(table|log)$/.test(name)) renameSync(join(directory, name), join(directory, `${name}.damaged`))
      }
      return { disk, saved: undefined, damage: error }
    }
  }

  /** The log has grown enough to be replaced by the table. */
  get wantsCompaction(): boolean {
    return this.#compacting === undefined && this.#logBytes > Math.max(COMPACT_ABOVE, this.#tableBytes)
  }

  /** Writes; resolves when all is on the disk. Not to be called again before. */
  async write(saves: readonly DiskSave[]): Promise<void> {
    let records: Buffer[] = []
    for (const { meta, state, entries } of saves) {
      if (state !== undefined) {
        await this.#append(records)
        records = []
        await this.#compacting
        await this.#begin()
      }
      if (meta !== undefined) records.push(record(packMeta(meta)))
      if (entries.length > 0) records.push(record(packEntries(entries)))
      if (state === undefined) continue
      // Before the table, which takes away the logs that have it: the old promise, and what was acknowledged.
      await this.#append(records)
      records = []
      await this.#writeTable(this.#generation, state)
      await this.#dropBefore(this.#generation)
    }
    await this.#append(records)
  }

  /**
   * Begins a new log, and writes the table out beside it. Resolves when the log can be written on; `done` is told when
   * the table is there, or could not be written.
   */
  async compact(
    image: { readonly meta: Meta; readonly state: TableImage; readonly entries: readonly LogEntry[] },
    done: (error?: unknown) => void,
  ): Promise<void> {
    const { meta, state, entries } = image
    await this.#begin()
    await this.write([{ meta, state: undefined, entries }])
    const generation = this.#generation
    this.#compacting = this.#writeTable(generation, state)
      .then(() => this.#dropBefore(generation))
      .finally(() => {
        this.#compacting = undefined
      })
    this.#compacting.then(() => done(), done)
    this.#compacting.catch(() => {})
  }

  async close(): Promise<void> {
    await this.#compacting?.catch(() => {})
    await this.#log?.close()
    this.#log = undefined
  }

  async #append(records: readonly Buffer[]): Promise<void> {
    if (records.length === 0) return
    if (this.#log === undefined) await this.#begin()
    const log = this.#log as FileHandle
    const bytes = Buffer.concat(records)
    await writeAll(log, bytes)
    this.#logBytes += bytes.length
    if (this.#sync) await log.datasync()
  }

  /** A log of the next generation. */
  async #begin(): Promise<void> {
    await this.#log?.close()
    this.#generation++
    this.#log = await open(join(this.#directory, `${this.#generation}.log`), 'ax')
    this.#logBytes = 0
    if (this.#sync) await syncDirectory(this.#directory)
  }

  async #writeTable(generation: number, state: TableImage): Promise<void> {
    const path = join(this.#directory, `${generation}.table`)
    const file = await open(`${path}.new`, 'w')
    let written = 0
    try {
      const write = async (packer: Packer): Promise<void> => {
        const bytes = record(packer)
        written += bytes.length
        await writeAll(file, bytes)
      }
      const head = new Packer()
      head.u8(POSITION)
      head.version(state.position)
      await write(head)
      let size = 0
      while (!state.done) {
        const entries = state.next(VALUES_IN_RECORD, BYTES_IN_RECORD)
        size += entries.length
        const part = new Packer(65_536)
        part.u8(VALUES)
        part.list(entries, (entry) => packStored(part, entry))
        await write(part)
      }
      const end = new Packer()
      end.u8(END)
      end.integer(size)
      packReaches(end, state.reaches)
      packSessions(end, state.sessions)
      await write(end)
      if (this.#sync) await file.datasync()
    } finally {
      state.close()
      await file.close()
    }
    await rename(`${path}.new`, path)
    if (this.#sync) await syncDirectory(this.#directory)
    this.#tableBytes = written
  }

  async #dropBefore(generation: number): Promise<void> {
    for (const name of readdirSync(this.#directory)) {
      const number = /^(\d+)\.(table|log)$/.exec(name)
      if (number !== null && Number(number[1]) < generation) await rm(join(this.#directory, name), { force: true })
    }
  }

  #load(highest: number, reader: ValueReader): Saved | undefined {
    let first = highest
    while (first > 0 && !existsSync(join(this.#directory, `${first}.table`))) first--
    const state = first === 0 ? undefined : this.#loadTable(first, reader)
    const found: { meta: Meta | undefined; entries: LogEntry[] } = { meta: undefined, entries: [] }
    for (let number = Math.max(first, 1); number <= highest; number++)
      this.#loadLog(number, number === highest, state, found)
    if (found.meta === undefined && found.entries.length === 0 && state === undefined) return undefined
    const meta = found.meta ?? { promised: { epoch: 0, loader: '' }, incarnation: 0, incarnations: [], restored: false }
    return { meta, state, entries: found.entries }
  }

  #loadTable(number: number, reader: ValueReader): TableState {
    let position: Version | undefined
    let [size, read] = [-1, 0]
    const entries = new Map<string, StoredEntry>()
    let end: Pick<TableState, 'reaches' | 'sessions'> | undefined
    readRecords(join(this.#directory, `${number}.table`), false, (from) => {
      switch (from.u8()) {
        case POSITION:
          position = from.version()
          return
        case VALUES:
          for (const entry of from.list(() => unpackStored(from, reader))) {
            entries.set(entry.key, entry)
            read++
          }
          return
        case END:
          size = from.integer()
          end = { reaches: unpackReaches(from), sessions: unpackSessions(from) }
      }
    })
    if (position === undefined || end === undefined || size !== read) {
      throw new DamagedError(`${number}.table is not whole`)
    }
    return { position, entries, ...end }
  }

  #loadLog(
    number: number,
    isLast: boolean,
    state: TableState | undefined,
    found: { meta: Meta | undefined; entries: LogEntry[] },
  ): void {
    const path = join(this.#directory, `${number}.log`)
    if (!existsSync(path)) return
    const base = state?.position.sequence ?? 0
    readRecords(path, isLast, (from) => {
      switch (from.u8()) {
        case META:
          found.meta = unpackMeta(from)
          return
        case ENTRIES: {
          const entries = from.list(() => unpackEntry(from)).filter(({ version }) => version.sequence > base)
          const start = entries[0]?.version.sequence
          if (start === undefined) return
          const last = found.entries.at(-1)?.version.sequence ?? base
          // What follows on a table that never was finished.
          if (start > last + 1) return
          found.entries.splice(start - base - 1, Number.POSITIVE_INFINITY)
          for (const entry of entries) found.entries.push(entry)
        }
      }
    })
  }
}

function packMeta({ promised, incarnation, incarnations, restored }: Meta): Packer {
  const to = new Packer()
  to.u8(META)
  to.integer(promised.epoch)
  to.name(promised.loader)
  to.integer(incarnation)
  to.list(incarnations, ([voter, known]) => {
    to.name(voter)
    to.integer(known)
  })
  to.flag(restored)
  return to
}

function unpackMeta(from: Unpacker): Meta {
  return {
    promised: { epoch: from.integer(), loader: from.name() },
    incarnation: from.integer(),
    incarnations: from.list((): [string, number] => [from.name(), from.integer()]),
    restored: from.flag(),
  }
}

function packEntries(entries: readonly LogEntry[]): Packer {
  const to = new Packer(entries.length > 16 ? 16_384 : 1024)
  to.u8(ENTRIES)
  to.list(entries, (entry) => packEntry(to, entry))
  return to
}
