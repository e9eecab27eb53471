import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { beforeEach, describe, expect, it } from 'vitest'
import type { Process } from '../../src/process/process.ts'
import type { ProcessSystem } from '../../src/process/process-system.ts'
import { atom } from '../../src/term/atom.ts'
import { FakeNetwork, type FakeNode } from './network.ts'

setFlagsFromString('--expose-gc')
const collect: () => void = runInNewContext('gc')

/** Reads all its messages, for ever. */
async function drain(self: Process): Promise<void> {
  for await (const _ of self);
}

const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve))

async function heapBytes(): Promise<number> {
  // What is weakly held goes a turn later.
  for (let round = 0; round < 3; round++) {
    await nextTurn()
    collect()
  }
  return process.memoryUsage().heapUsed
}

/** 140 bytes for each process; the heap wavers less than that. */
const waver = 4 * 2 ** 20

describe('very many processes', () => {
  let node: FakeNode
  let system: ProcessSystem

  beforeEach(() => {
    node = new FakeNetwork().node('a@host')
    system = node.system
  })

  /** Starts `count` processes in a row of turns, and kills those that are still there two turns later. */
  async function comeAndGo(count: number, body: (self: Process) => unknown): Promise<void> {
    for (let done = 0; done < count; done += 1_000) {
      const pids = Array.from({ length: 1_000 }, () => system.spawn(body))
      await nextTurn()
      for (const pid of pids) system.exit(pid, atom('kill'))
    }
  }

  it.each<[string, (self: Process) => unknown]>([
    ['return', async () => {}],
    ['are killed in their loop', drain],
    ['wait with a timeout', (self) => self.receive(undefined, { timeout: 60_000 })],
    ['look at their signal', (self) => self.receive(undefined, { signal: self.signal })],
    ['never come back', () => new Promise(() => {})],
    [
      'are tied to others',
      async (self) => {
        const other = system.spawn((it) => it.receive())
        self.link(other)
        self.monitor(other)
        self.alias()
        await self.receive()
      },
    ],
  ])('leave nothing when they %s', async (_how, body) => {
    await comeAndGo(1_000, body)
    const before = await heapBytes()
    await comeAndGo(30_000, body)
    await nextTurn()
    expect(system.counts).toEqual({ processes: 0, names: 0, references: 0, peers: 0 })
    expect(node.clock.pending).toBe(0)
    expect((await heapBytes()) - before).toBeLessThan(waver)
  })

  it('a process that does not read ends after a million messages, and its mailbox goes with it', async () => {
    const before = await heapBytes()
    const reasons: unknown[] = []
    let paused = system.pid
    system.spawn(async (self) => {
      paused = system.spawn(() => new Promise(() => {}))
      self.monitor(paused)
      reasons.push(((await self.receive()) as unknown[])[4])
    })
    await nextTurn()
    for (let sent = 0; sent < 1_000_000; sent++) system.send(paused, sent)
    expect(system.isAlive(paused)).toBe(true)
    for (let sent = 0; sent < 1_000_000; sent++) system.send(paused, sent)
    expect(system.isAlive(paused)).toBe(false)
    await nextTurn()
    expect(reasons).toEqual([atom('mailbox_overflow')])
    expect((await heapBytes()) - before).toBeLessThan(waver)
  })
})
