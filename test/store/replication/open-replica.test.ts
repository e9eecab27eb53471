import { describe, expect, it } from 'vitest'
import { Merging } from '../../../src/store/replication/merging.ts'
import { StoredEntry } from '../../../src/store/replication/stored-entry.ts'
import { Table } from '../../../src/store/replication/table.ts'
import { Version } from '../../../src/store/version.ts'
import { Scene } from './scene.ts'

const others = ['a', 'b', 'c']

describe('an open store', () => {
  it('goes on with another loader when the loader is silent for a lease, and has one again when it is back', () => {
    const scene = new Scene({ others })
    const silent = scene.loader()
    const [b, c] = scene.others(silent).map(({ name }) => name) as [string, string]
    scene.simulation.pause(silent)
    scene.run(10_000)
    expect(scene.loader().name).not.toBe(silent.name)
    scene.put(b, 'k')
    scene.put(c, 'l')
    scene.run(2000)
    expect(scene.settlements).toHaveLength(2)
    scene.simulation.resume(silent)
    scene.run(30_000)
    scene.expectEqual()
    expect(silent.replica.table.size).toBe(2)
  })

  it('has another loader as soon as the links to the old one are gone', () => {
    const scene = new Scene({ others })
    scene.simulation.kill(scene.loader())
    scene.run(1000)
    scene.put(scene.loader().name, 'k')
    scene.run(500)
    expect(scene.settlements).toHaveLength(1)
  })

  it('has no loader while the only one is silent', () => {
    const scene = new Scene({ others, loader: ['a'] })
    const silent = scene.process('a')
    scene.simulation.pause(silent)
    scene.run(10_000)
    scene.put('b', 'k')
    scene.run(500)
    expect(scene.refusals).toEqual(['b ERR_NO_LOADER'])
    scene.simulation.resume(silent)
    scene.run(30_000)
    scene.put('b', 'k')
    scene.run(5000)
    scene.expectEqual()
    expect(silent.replica.table.size).toBe(1)
  })

  it('is ready on a node that comes later when all that was there is here, however that gets there', () => {
    const scene = new Scene({ others })
    const late = scene.process('c')
    scene.simulation.kill(late)
    scene.run(10_000)
    // Far more than one message, and still in the log.
    for (let i = 0; i < 20; i++) scene.put('a', `k${i}`, 'x'.repeat(100_000))
    scene.run(5000)
    scene.simulation.start('c')
    const isReady = (): boolean => scene.process('c').replica.ready
    for (let time = 0; time < 20_000 && !isReady(); time++) scene.run(1)
    expect(isReady()).toBe(true)
    expect(scene.process('c').replica.table.size).toBe(20)
  })

  it('does not wait for a follower that is silent for a lease, and takes it in again', () => {
    const scene = new Scene({ others: ['a', 'b'] })
    const loader = scene.loader()
    const [silent] = scene.others(loader)
    if (silent === undefined) throw new Error('alone')
    scene.simulation.pause(silent)
    scene.put(loader.name, 'k')
    scene.run(1000)
    expect(scene.settlements).toEqual([])
    scene.run(10_000)
    expect(scene.settlements).toEqual([loader.name])
    expect(scene.loader()).toBe(loader)
    scene.simulation.resume(silent)
    scene.run(30_000)
    scene.expectEqual()
    expect(silent.replica.table.size).toBe(1)
  })

  it('goes on with nodes whose disks take nothing any more, and does not count them', () => {
    const scene = new Scene({ others, durable: true })
    for (const victim of [scene.others(scene.loader())[0], scene.loader()]) scene.simulation.failDisk(victim as never)
    scene.run(15_000)
    for (let i = 0; i < 20; i++) scene.put('a', `k${i}`, 'x'.repeat(1 << 20))
    scene.run(10_000)
    expect(scene.settlements).toHaveLength(0)
    scene.expectEqual()
    expect(scene.process('a').replica.table.size).toBe(20)
  })

  it('keeps its loader when a node that was paused itself wakes up', () => {
    const scene = new Scene({ others })
    const loader = scene.loader()
    const [paused] = scene.others(loader)
    if (paused === undefined) throw new Error('alone')
    const epoch = loader.replica.currentEpoch
    scene.simulation.pause(paused)
    scene.run(20_000)
    scene.simulation.resume(paused)
    scene.run(20_000)
    expect(loader.replica.currentEpoch).toBe(epoch)
    scene.expectEqual()
  })
})

describe('a merge', () => {
  const reader = { read: () => ({ value: 1, shared: true }) }
  const own = new Version(1, 'a', 2)
  const theirs = new Version(1, 'b', 2)

  function merge(heeds: (key: string) => boolean) {
    const table = new Table(reader, { change: () => {}, replaced: () => {}, conflict: () => {} })
    const mine = new StoredEntry(reader, 'mine', own, Buffer.from('1'), undefined, undefined)
    table.load({ position: own, entries: new Map([['mine', mine]]), reaches: [{ ...own, sequence: 2 }], sessions: [] })
    // The other side knows of `mine`, and has it no more.
    const join = { kind: 'join', session: 1, position: theirs, reaches: [own, theirs] } as const
    const merging = new Merging('b', join, table, heeds, 0)
    const offered = { key: 'new', version: theirs, bytes: Buffer.from('2'), staleAt: undefined, expiresAt: undefined }
    const last = { reaches: join.reaches, sessions: [] }
    const added = merging.add({ kind: 'offer', session: 1, index: 0, entries: [offered], last })
    const operations = [...(added?.operations ?? []), ...merging.finish().operations]
    return operations.flatMap((operation) => (operation.kind === 'merge' ? operation.writes : []))
  }

  it('takes what the other side has written and deleted', () => {
    expect(merge(() => true)).toMatchObject([{ key: 'new' }, { key: 'mine', bytes: undefined }])
  })

  it('takes nothing of keys for which the other side is not heeded', () => {
    expect(merge(() => false)).toEqual([])
    expect(merge((key) => key === 'mine')).toMatchObject([{ key: 'mine' }])
  })
})
