import { describe, expect, it } from 'vitest'
import { openObservatory } from '../../src/observe/cluster-observatory.ts'
import { Reporter } from '../../src/observe/report/reporter.ts'
import { FakeClock } from '../../src/testing/fake-clock.ts'
import { startNode, type TsunagiNode } from '../../src/tsunagi.ts'
import { LogBook } from '../process/network.ts'

const MINUTE = 60_000

/** A node that is alone, with a clock that only the test turns. */
async function alone(): Promise<{ clock: FakeClock; node: TsunagiNode }> {
  const clock = new FakeClock(1000)
  const node = await startNode({
    name: 'a@127.0.0.1',
    cookie: 'c',
    epmd: false,
    listen: false,
    clock,
    logger: new LogBook(),
  })
  return { clock, node }
}

const question = { parts: [], run: null, revision: 0, watched: false }

describe('what a node remembers of itself', () => {
  it('is ten minutes of samples, and it stops when nobody has asked for a quarter of an hour', async () => {
    const { clock, node } = await alone()
    const before = clock.pending
    const reporter = new Reporter(node, () => 5_000_000)
    clock.advance(11 * MINUTE)
    const { samples } = reporter.report({ ...question, parts: ['samples'] })
    expect(samples).toHaveLength(120)
    expect(samples?.[0]).toMatchObject({ values: { processes: expect.any(Number), memory: expect.any(Number) } })
    clock.advance(16 * MINUTE)
    expect(clock.pending).toBe(before)
    reporter.report(question)
    expect(clock.pending).toBe(before + 1)
    await node.close()
    expect(clock.pending).toBe(0)
  })

  it('says when the process stood still', async () => {
    const { clock, node } = await alone()
    const reporter = new Reporter(node, () => 5_000_000)
    const late = clock.now.bind(clock)
    // The timer fires when it is due, and sees that it is three seconds later than it should be.
    clock.now = () => late() + 3000
    clock.advance(5000)
    expect(reporter.report(question).events).toMatchObject([
      { kind: 'standstill', text: 'a@127.0.0.1 stood still', reason: 'its event loop was late by 3.0 s' },
    ])
    clock.now = late
    await node.close()
  })

  it('tells times that stay the same while what they tell of does', async () => {
    const { clock, node } = await alone()
    const reporter = new Reporter(node, () => 5_000_000 + clock.now() * 1.00001)
    const first = reporter.report({ ...question, parts: ['processes'] })
    clock.advance(12_345.678)
    const second = reporter.report({ ...question, parts: ['processes'] })
    expect(second.node.startedAt).toBe(first.node.startedAt)
    expect(second.processes?.top.map((it) => it.startedAt)).toEqual(first.processes?.top.map((it) => it.startedAt))
    await node.close()
  })
})

describe('an observatory', () => {
  it('sets no timer that outlives it, looks each second while somebody follows, and each five else', async () => {
    const { clock, node } = await alone()
    const before = clock.pending
    const observatory = openObservatory(node, { wallClock: () => 5_000_000 + clock.now() })
    const at = () => observatory.section('overview').at
    const seen = async (seconds: number): Promise<number> => {
      let changes = 0
      for (let i = 0; i < seconds * 10; i++) {
        const was = observatory.section('nodes').nodes[0]?.answer.at
        clock.advance(100)
        await new Promise(setImmediate)
        if (observatory.section('nodes').nodes[0]?.answer.at !== was) changes++
      }
      return changes
    }
    expect(await seen(20)).toBe(4)
    const stop = observatory.follow(() => {})
    expect(await seen(10)).toBeGreaterThanOrEqual(10)
    stop()
    await seen(1)
    expect(await seen(20)).toBe(4)
    expect(at()).toBeGreaterThan(5_000_000)
    await observatory.close()
    // What the node remembers of itself goes on for some time.
    expect(clock.pending).toBe(before + 1)
    await node.close()
    expect(clock.pending).toBe(0)
  })
})
