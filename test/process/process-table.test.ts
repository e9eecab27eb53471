import { beforeEach, describe, expect, it } from 'vitest'
import { defaultLimits } from '../../src/base/limits.ts'
import { silentLogger } from '../../src/base/logger.ts'
import { LocalProcess } from '../../src/process/local-process.ts'
import { ProcessTable } from '../../src/process/process-table.ts'
import type { Router } from '../../src/process/router.ts'
import { atom } from '../../src/term/atom.ts'
import { Pid } from '../../src/term/identifiers.ts'
import { FakeClock } from '../../src/testing/fake-clock.ts'

const normal = atom('normal')
const router = { nodeAtom: atom('a@host'), creation: 7 } as Router
const lastId = 2 ** 28 - 1

function make(firstId?: number): ProcessTable {
  return new ProcessTable(router, { clock: new FakeClock(), logger: silentLogger, limits: defaultLimits }, firstId)
}

function start(table: ProcessTable): LocalProcess {
  return new LocalProcess(table, {})
}

describe('the table of processes', () => {
  let table: ProcessTable

  beforeEach(() => {
    table = make()
  })

  it('finds every living process by its pid, however many there are', () => {
    const processes = Array.from({ length: 5_000 }, () => start(table))
    for (const process of processes) {
      expect(table.find(process.pid)).toBe(process)
      expect(table.at(process.pid.id, process.pid.serial, 7)).toBe(process)
    }
    expect(table.size).toBe(5_000)
    expect([...table.processes]).toEqual(processes)
  })

  it('forgets a process that ended, and keeps the others', () => {
    const processes = Array.from({ length: 1_000 }, () => start(table))
    for (const [index, process] of processes.entries()) if (index % 3 === 0) process.end(normal)
    for (const [index, process] of processes.entries()) {
      expect(table.find(process.pid)).toBe(index % 3 === 0 ? undefined : process)
    }
    expect(table.size).toBe(666)
    expect([...table.processes]).toHaveLength(666)
  })

  it('does not give the pid of a process that ended to the next ones', () => {
    const seen = new Set<string>()
    for (let count = 0; count < 10_000; count++) {
      const process = start(table)
      expect(seen.has(process.pid.key)).toBe(false)
      seen.add(process.pid.key)
      process.end(normal)
    }
    expect(table.size).toBe(0)
  })

  it('finds nothing under ids that share the slot of a living process', () => {
    const { pid } = start(table)
    for (let power = 4; power < 28; power++) expect(table.at(pid.id + 2 ** power, pid.serial, 7)).toBeUndefined()
  })

  it('finds nothing under another serial, creation or node', () => {
    const { pid } = start(table)
    expect(table.find(new Pid(router.nodeAtom, pid.id, pid.serial + 1, 7))).toBeUndefined()
    expect(table.find(new Pid(router.nodeAtom, pid.id, pid.serial, 8))).toBeUndefined()
    expect(table.find(new Pid('b@host', pid.id, pid.serial, 7))).toBeUndefined()
  })

  it('counts the serial on when all ids had their turn, and leaves out those still in use', () => {
    table = make(lastId - 1)
    const pids = Array.from({ length: 4 }, () => start(table).pid)
    expect(pids.map(({ id, serial }) => [id, serial])).toEqual([
      [lastId - 1, 0],
      [lastId, 0],
      [1, 1],
      [2, 1],
    ])
    for (const pid of pids) expect(table.find(pid)?.pid).toBe(pid)
  })

  it('goes round and round among long-lived processes without losing one', () => {
    table = make(lastId - 2_000)
    const kept = new Set<LocalProcess>()
    for (let count = 0; count < 20_000; count++) {
      const process = start(table)
      expect(table.find(process.pid)).toBe(process)
      if (count % 100 === 0) kept.add(process)
      else process.end(normal)
    }
    expect(table.size).toBe(kept.size)
    for (const process of kept) expect(table.find(process.pid)).toBe(process)
    expect(new Set(table.processes)).toEqual(kept)
  })
})
