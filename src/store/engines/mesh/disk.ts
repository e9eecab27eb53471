import {
  closeSync,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  truncateSync,
} from 'node:fs'
import { type FileHandle, open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import type { Meta, Saved } from '../../replication/action.ts'
import type { LogEntry } from '../../replication/operation.ts'
import type { StoredEntry, ValueReader } from '../../replication/stored-entry.ts'
import type { TableState } from '../../replication/table.ts'
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
import { PackError, Packer, Unpacker } from './packer.ts'

/** What is to be written. */
export interface DiskSave {
  readonly meta: Meta | undefined
  readonly state: TableState | undefined
  readonly entries: readonly LogEntry[]
}

const META = 1
const ENTRIES = 2
const POSITION = 3
const VALUES = 4
const END = 5

/** Length (u32), CRC-32 of the payload (u32), CRC-32 of these eight bytes (u32). */
const HEADER = 12
const MOST_RECORD = 1 << 30
const VALUES_IN_RECORD = 2048
/** Bytes of a log above which the table is written out and a new one is begun, if it is larger than the table's file. */
const COMPACT_ABOVE = 64 * 1024 * 1024

/** Data that was written whole and is not what was written. */
export class DamagedError extends Error {
  static {
    DamagedError.prototype.name = 'DamagedError'
  }
}

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
    image: { readonly meta: Meta; readonly state: TableState; readonly entries: readonly LogEntry[] },
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

  async #writeTable(generation: number, state: TableState): Promise<void> {
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
      head.integer(state.entries.length)
      await write(head)
      for (let at = 0; at < state.entries.length; at += VALUES_IN_RECORD) {
        const part = new Packer(65_536)
        part.u8(VALUES)
        part.list(state.entries.slice(at, at + VALUES_IN_RECORD), (entry) => packStored(part, entry))
        await write(part)
      }
      const end = new Packer()
      end.u8(END)
      packReaches(end, state.reaches)
      packSessions(end, state.sessions)
      await write(end)
      if (this.#sync) await file.datasync()
    } finally {
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
    let size = 0
    const entries: StoredEntry[] = []
    let end: Pick<TableState, 'reaches' | 'sessions'> | undefined
    readRecords(join(this.#directory, `${number}.table`), false, (from) => {
      switch (from.u8()) {
        case POSITION:
          position = from.version()
          size = from.integer()
          return
        case VALUES:
          for (const entry of from.list(() => unpackStored(from, reader))) entries.push(entry)
          return
        case END:
          end = { reaches: unpackReaches(from), sessions: unpackSessions(from) }
      }
    })
    if (position === undefined || end === undefined || size !== entries.length) {
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

function record(packer: Packer): Buffer {
  const payload = packer.finish()
  const bytes = Buffer.allocUnsafe(HEADER + payload.length)
  bytes.writeUInt32LE(payload.length, 0)
  bytes.writeUInt32LE(crc32(payload), 4)
  bytes.writeUInt32LE(crc32(bytes.subarray(0, 8)), 8)
  bytes.set(payload, HEADER)
  return bytes
}

/** `mayBeTorn`: an end within a record, or a last record that is not what it was, was cut off by a crash, and is taken away. */
function readRecords(path: string, mayBeTorn: boolean, take: (from: Unpacker) => void): void {
  const file = openSync(path, 'r')
  let end = 0
  try {
    const { size } = fstatSync(file)
    const header = Buffer.allocUnsafe(HEADER)
    while (end < size) {
      const payload = readRecord(file, end, size, header)
      if (payload === undefined) break
      if (payload === 'damaged') {
        // Where a write was cut off, some file systems leave zeros.
        if (isZero(file, end, size)) break
        throw new DamagedError(`${path}: there is no record at ${end}`)
      }
      const sum = header.readUInt32LE(4)
      const next = end + HEADER + payload.length
      if (crc32(payload) !== sum) {
        if (next === size) break
        throw new DamagedError(`${path}: the record at ${end} is not what was written`)
      }
      const from = new Unpacker(payload)
      take(from)
      from.finish()
      end = next
    }
    if (end === size) return
  } finally {
    closeSync(file)
  }
  if (!mayBeTorn) throw new DamagedError(`${path} ends within a record`)
  truncateSync(path, end)
}

function readRecord(file: number, at: number, size: number, header: Buffer): Buffer | 'damaged' | undefined {
  if (readSync(file, header, 0, HEADER, at) < HEADER) return undefined
  if (crc32(header.subarray(0, 8)) !== header.readUInt32LE(8)) return 'damaged'
  const length = header.readUInt32LE(0)
  if (length > MOST_RECORD || at + HEADER + length > size) return undefined
  const payload = Buffer.allocUnsafe(length)
  return readSync(file, payload, 0, length, at + HEADER) < length ? undefined : payload
}

function isZero(file: number, start: number, size: number): boolean {
  const part = Buffer.allocUnsafe(65_536)
  for (let at = start; at < size; ) {
    const length = readSync(file, part, 0, part.length, at)
    if (length === 0 || part.subarray(0, length).some((byte) => byte !== 0)) return false
    at += length
  }
  return true
}

async function writeAll(file: FileHandle, bytes: Buffer): Promise<void> {
  for (let at = 0; at < bytes.length; ) at += (await file.write(bytes, at)).bytesWritten
}

/** So that a new name is there after a crash. Not possible on every system, nor needed there. */
async function syncDirectory(directory: string): Promise<void> {
  try {
    const handle = await open(directory, 'r')
    try {
      await handle.sync()
    } finally {
      await handle.close()
    }
  } catch (error) {
    if (process.platform !== 'win32') throw error
  }
}
