import { expect, it } from 'vitest'
import { Journal } from '../../src/observe/report/journal.ts'

const down = { kind: 'node-down', severity: 'error', text: 'b@h is down', peer: 'b@h' } as const
const failed = { kind: 'dial-failed', severity: 'warning', text: 'b@h cannot be connected', peer: 'b@h' } as const

function journal(capacity?: number) {
  const clock = { now: 1000 }
  return { clock, journal: new Journal(() => clock.now, capacity) }
}

it('the same again is one event, which says how often and when last', () => {
  const { clock, journal: it } = journal()
  it.add({ ...failed, reason: 'refused' })
  clock.now = 5000
  it.add({ ...failed, reason: 'refused' })
  it.add({ ...failed, reason: 'cookie' })
  expect(it.since(0, 10)).toEqual([
    { ...failed, reason: 'refused', id: 1, revision: 2, at: 1000, lastAt: 5000, count: 2 },
    { ...failed, reason: 'cookie', id: 2, revision: 3, at: 5000, lastAt: 5000, count: 1 },
  ])
  clock.now += 11 * 60_000
  it.add({ ...failed, reason: 'refused' })
  expect(it.since(3, 10)).toMatchObject([{ id: 3, count: 1 }])
})

it('nodes that come and go are a story, unless they do so all the time', () => {
  const { clock, journal: it } = journal()
  for (const wait of [0, 60_000, 1000, 1000]) {
    clock.now += wait
    it.add(down)
  }
  expect(it.since(0, 10).map(({ count }) => count)).toEqual([1, 3])
})

it('tells what is new since a revision, the last of it, and forgets the oldest', () => {
  const { journal: it } = journal(3)
  const told: number[] = []
  const stop = it.follow(() => told.push(it.revision))
  for (const peer of ['a', 'b', 'c', 'd']) it.add({ ...down, peer })
  stop()
  it.add({ ...down, peer: 'e' })
  expect(told).toEqual([1, 2, 3, 4])
  expect(it.since(0, 10).map(({ peer }) => peer)).toEqual(['c', 'd', 'e'])
  expect(it.since(0, 2).map(({ peer }) => peer)).toEqual(['d', 'e'])
  expect(it.since(4, 10).map(({ peer }) => peer)).toEqual(['e'])
})

it('keeps no more of a text than it shows', () => {
  const { journal: it } = journal()
  it.add({ ...failed, text: 'x'.repeat(1e6), reason: 'y'.repeat(1e6) })
  const [event] = it.since(0, 1)
  expect([event?.text.length, event?.reason?.length]).toEqual([300, 300])
})
