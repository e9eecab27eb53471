import { describe, expect, it } from 'vitest'
import { Merging } from '../../../src/store/replication/merging.ts'
import { Offering } from '../../../src/store/replication/offering.ts'
import { weigh } from '../../../src/store/replication/operation.ts'
import { StoredEntry } from '../../../src/store/replication/stored-entry.ts'
import { Table } from '../../../src/store/replication/table.ts'
import { Version } from '../../../src/store/version.ts'

const reader = { read: () => ({ value: 1, shared: true }) }

function tableOf(loader: string, keys: number, bytes: Uint8Array): Table {
  const table = new Table(reader, { change: () => {}, replaced: () => {}, conflict: () => {} })
  const entries = new Map<string, StoredEntry>()
  for (let i = 0; i < keys; i++) {
    const version = new Version(3, loader, i + 1)
    entries.set(`k${i}`, new StoredEntry(reader, `k${i}`, version, bytes, undefined, undefined))
  }
  const position = new Version(3, loader, keys)
  table.load({ position, entries, reaches: [{ epoch: 3, loader, sequence: keys }], sessions: [] })
  return table
}

describe('an offer', () => {
  it('leaves in parts, and no further part before the loader has merged one', () => {
    const offering = new Offering(tableOf('b', 50_000, Buffer.alloc(100)), {
      kind: 'offer-wanted',
      session: 7,
      reaches: [],
    })
    const first = [...offering.parts()]
    expect(first.map(({ index }) => index)).toEqual([0, 1, 2, 3])
    expect([...offering.parts()]).toEqual([])
    // Of a part that never left nobody can have had.
    offering.received(1000)
    expect([...offering.parts()]).toEqual([])
    offering.received(1)
    expect([...offering.parts()].map(({ index }) => index)).toEqual([4, 5])
    for (const { entries } of first) {
      const size = entries.reduce((sum, { key, bytes }) => sum + key.length + (bytes?.length ?? 0), 0)
      expect(size).toBeLessThan(256 * 1024 + 200)
    }
  })

  it('is merged in operations of bounded size, a part in one turn, and the end in several', () => {
    const theirs = tableOf('b', 20_000, Buffer.alloc(1000))
    const own = tableOf('a', 30_000, Buffer.alloc(10_000))
    const reaches = [
      { epoch: 3, loader: 'a', sequence: 30_000 },
      { epoch: 3, loader: 'b', sequence: 20_000 },
    ]
    const join = { kind: 'join', session: 7, position: theirs.position, reaches } as const
    const merging = new Merging('b', join, own, () => true, 0)
    const offering = new Offering(theirs, { kind: 'offer-wanted', session: 7, reaches: [] })
    let sequence = 30_000
    const apply = ({
      operations,
    }: {
      readonly operations: readonly Parameters<typeof weigh>[0]['operation'][]
    }): void => {
      for (const operation of operations) {
        expect(weigh({ operation })).toBeLessThan(2 * 1024 * 1024)
        const version = new Version(4, 'a', ++sequence)
        own.apply({ version, at: 0, client: '', request: 0, floor: 0, operation })
      }
    }
    while (!merging.whole) {
      for (const part of offering.parts()) {
        const merged = merging.add(part)
        if (merged === undefined) throw new Error('a part is missing')
        apply(merged)
        offering.received(part.index)
      }
    }
    let turns = 0
    for (let done = false; !done; turns++) {
      const finished = merging.finish()
      apply(finished)
      done = finished.done
    }
    expect(turns).toBeGreaterThan(4)
    // What the other side has not got any more, although it knew of it, is gone.
    expect(own.size).toBe(20_000)
    expect(own.knowledge.coversAll(reaches)).toBe(true)
  })

  it('of which a part is missing is not merged', () => {
    const table = tableOf('a', 1, Buffer.alloc(1))
    const join = { kind: 'join', session: 1, position: table.position, reaches: [] } as const
    const merging = new Merging('b', join, table, () => true, 0)
    expect(merging.add({ kind: 'offer', session: 1, index: 1, entries: [], last: undefined })).toBeUndefined()
  })
})
