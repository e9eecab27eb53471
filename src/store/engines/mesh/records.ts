import { closeSync, fstatSync, openSync, readSync, truncateSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { crc32 } from 'node:zlib'
import { type Packer, Unpacker } from './packer.ts'

/** Length (u32), CRC-32 of the payload (u32), CRC-32 of these eight bytes (u32). */
const HEADER = 12
const MOST_RECORD = 1 << 30

/** Data that was written whole and is not what was written. */
export class DamagedError extends Error {
  static {
    DamagedError.prototype.name = 'DamagedError'
  }
}

/** A record of a file. */
export function record(packer: Packer): Buffer {
  const payload = packer.finish()
  const bytes = Buffer.allocUnsafe(HEADER + payload.length)
  bytes.writeUInt32LE(payload.length, 0)
  bytes.writeUInt32LE(crc32(payload), 4)
  bytes.writeUInt32LE(crc32(bytes.subarray(0, 8)), 8)
  bytes.set(payload, HEADER)
  return bytes
}

/** `mayBeTorn`: an end within a record, or a last record that is not what it was, was cut off by a crash, and is taken away. */
export function readRecords(path: string, mayBeTorn: boolean, take: (from: Unpacker) => void): void {
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

export async function writeAll(file: FileHandle, bytes: Buffer): Promise<void> {
  for (let at = 0; at < bytes.length; ) at += (await file.write(bytes, at)).bytesWritten
}

/** So that a new name is there after a crash. Not possible on every system, nor needed there. */
export async function syncDirectory(directory: string): Promise<void> {
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
