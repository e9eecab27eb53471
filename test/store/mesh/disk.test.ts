import {
  appendFileSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Disk } from '../../../src/store/engines/mesh/disk.ts'
import type { Meta } from '../../../src/store/replication/action.ts'
import type { LogEntry } from '../../../src/store/replication/operation.ts'
import { StoredEntry, type ValueReader } from '../../../src/store/replication/stored-entry.ts'
import { TableImage } from '../../../src/store/replication/table-image.ts'
import { Version } from '../../../src/store/version.ts'

const reader: ValueReader = { read: (bytes) => ({ value: Buffer.from(bytes).toString(), shared: true }) }

function meta(epoch: number): Meta {
  return { promised: { epoch, loader: 'a@h' }, incarnation: 7, incarnations: [['b@h', 3]], restored: true }
}

function entry(sequence: number, text = `v${sequence}`): LogEntry {
  return {
    version: new Version(2, 'a@h', sequence),
    at: 1_700_000_000_000,
    client: 'a@h#1',
    request: sequence,
    floor: 1,
    operation: {
      kind: 'write',
      writes: [
        { key: `k${sequence}`, bytes: new Uint8Array(Buffer.from(text)), ttl: undefined, stale: 0, expected: 'absent' },
      ],
    },
  }
}

function table(sequence: number): TableImage {
  const position = new Version(2, 'a@h', sequence)
  const entries = [new StoredEntry(reader, 'k', position, Buffer.from('v'), 5, 6)]
  const outcome = { version: position, changed: [true], refused: undefined }
  const reaches = [{ epoch: 2, loader: 'a@h', sequence }]
  const sessions = [{ client: 'a@h#1', floor: 3, outcomes: [[4, outcome]] as const }]
  return new TableImage(1, new Map(entries.map((each) => [each.key, each])), position, reaches, sessions, () => {})
}

function save(entries: readonly LogEntry[], state?: TableImage, of?: Meta) {
  return { meta: of, state, entries }
}

let directory: string

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tsunagi-disk-'))
})

afterEach(() => rmSync(directory, { recursive: true }))

function open() {
  return Disk.open(directory, true, reader)
}

function sequences(): number[] | undefined {
  return open().saved?.entries.map(({ version }) => version.sequence)
}

describe('a disk', () => {
  it('is empty at first', () => {
    expect(open()).toMatchObject({ saved: undefined, damage: undefined })
  })

  it('gives back what was written, over several lives', async () => {
    const first = open().disk
    await first.write([save([entry(1), entry(2)], undefined, meta(2)), save([entry(3)])])
    await first.close()
    const second = open()
    expect(second.saved?.meta).toEqual(meta(2))
    expect(second.saved?.entries.map(({ operation }) => operation)).toEqual(
      [entry(1), entry(2), entry(3)].map((e) => e.operation),
    )
    // What replaces the end of the log, as under a new loader.
    await second.disk.write([save([entry(2, 'other')], undefined, meta(3))])
    await second.disk.close()
    const third = open()
    expect(third.saved?.meta.promised.epoch).toBe(3)
    expect(third.saved?.entries).toHaveLength(2)
    expect(third.saved?.entries[1]?.operation).toEqual(entry(2, 'other').operation)
  })

  it('begins anew with a table that it was given', async () => {
    const { disk } = open()
    await disk.write([save([entry(1)], undefined, meta(2))])
    await disk.write([save([], table(10), meta(2)), save([entry(11)])])
    await disk.close()
    const { saved } = open()
    expect(saved?.state?.position).toEqual(table(10).position)
    expect(saved?.state?.sessions).toEqual(table(10).sessions)
    const values = [...(saved?.state?.entries.values() ?? [])]
    expect(values).toMatchObject([{ key: 'k', value: 'v', staleAt: 5, expiresAt: 6 }])
    expect(sequences()).toEqual([11])
  })

  it('has what was promised and acknowledged before, when a table that it was given is not there yet', async () => {
    const { disk } = open()
    await disk.write([save([entry(1), entry(2)], undefined, meta(2))])
    // So that writing the table ends with an error.
    mkdirSync(join(directory, '2.table.new'))
    await expect(disk.write([save([entry(11)], table(10), meta(3))])).rejects.toMatchObject({ code: 'EISDIR' })
    await disk.close()
    rmdirSync(join(directory, '2.table.new'))
    const { saved } = open()
    expect(saved?.meta).toEqual(meta(3))
    expect(sequences()).toEqual([1, 2])
  })

  it('has what follows on a table that it was given as soon as the table is there', async () => {
    const { disk } = open()
    await disk.write([save([entry(1)], undefined, meta(2))])
    await disk.write([save([entry(11), entry(12)], table(10), meta(2))])
    await disk.close()
    expect(readdirSync(directory).sort()).toEqual(['2.log', '2.table'])
    expect(sequences()).toEqual([11, 12])
  })

  it('replaces its log by the table, and drops what is of no use any more', async () => {
    const { disk } = open()
    await disk.write([save([entry(1), entry(2), entry(3)], undefined, meta(2))])
    await new Promise<void>((resolve, reject) => {
      const done = (error?: unknown) => (error === undefined ? resolve() : reject(error as Error))
      disk.compact({ meta: meta(2), state: table(2), entries: [entry(3)] }, done).catch(reject)
    })
    await disk.write([save([entry(4)])])
    await disk.close()
    expect(readdirSync(directory).sort()).toEqual(['2.log', '2.table'])
    expect(sequences()).toEqual([3, 4])
  })

  it('has all before the place where a crash cut its log off, wherever that is', async () => {
    const { disk } = open()
    for (const each of [1, 2, 3]) await disk.write([save([entry(each)])])
    await disk.close()
    const path = join(directory, '1.log')
    const whole = readFileSync(path)
    const record = whole.length / 3
    for (let length = 0; length <= whole.length; length++) {
      writeFileSync(path, whole.subarray(0, length))
      expect(sequences() ?? []).toEqual([1, 2, 3].slice(0, Math.floor(length / record)))
    }
    // Zeros are what some file systems leave there.
    writeFileSync(path, whole)
    appendFileSync(path, Buffer.alloc(100))
    expect(sequences()).toEqual([1, 2, 3])
    expect(readFileSync(path)).toEqual(whole)
  })

  it('is set aside when any of its bytes before the end was changed', async () => {
    const { disk } = open()
    for (const each of [1, 2, 3]) await disk.write([save([entry(each)])])
    await disk.close()
    const path = join(directory, '1.log')
    copyFileSync(path, join(directory, 'copy'))
    const whole = readFileSync(path)
    for (let at = 0; at < (whole.length / 3) * 2; at++) {
      const changed = Buffer.from(whole)
      changed[at] = (changed[at] as number) ^ 0x55
      writeFileSync(path, changed)
      const { saved, damage } = open()
      expect(saved).toBeUndefined()
      expect(damage).toBeInstanceOf(Error)
      rmSync(`${path}.damaged`)
    }
  })
})
