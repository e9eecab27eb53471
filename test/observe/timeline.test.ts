import { describe, expect, it } from 'vitest'
import type { EventReport } from '../../src/observe/report/report.ts'
import { Timeline } from '../../src/observe/timeline.ts'

function told(id: number, more: Partial<EventReport> = {}): EventReport {
  const at = more.at ?? 1000
  const event = { id, revision: id, at, lastAt: at, count: 1, kind: 'node-down', severity: 'error' } as const
  return { ...event, peer: 'x@h', text: 'x@h is down', reason: 'net_tick_timeout', ...more }
}

describe('a timeline', () => {
  it('has one event for what several nodes tell of one thing', () => {
    const timeline = new Timeline(5)
    timeline.tell('a@h', 'run', told(1))
    timeline.tell('b@h', 'run', told(7, { at: 900, reason: 'connection_closed' }))
    timeline.tell('b@h', 'run', told(7, { at: 900, reason: 'connection_closed' }))
    expect(timeline.view.events).toEqual([
      {
        id: 5001,
        cursor: 5002,
        at: 900,
        lastAt: 1000,
        count: 1,
        nodes: ['a@h', 'b@h'],
        peer: 'x@h',
        kind: 'node-down',
        severity: 'error',
        text: 'x@h is down',
        reason: 'net_tick_timeout',
      },
    ])
  })

  it('keeps what one node tells twice apart, however many have told of it', () => {
    const timeline = new Timeline(5)
    for (let i = 0; i < 30; i++) timeline.tell(`n${i}@h`, 'run', told(1))
    timeline.tell('n29@h', 'run', told(2))
    expect(timeline.view.events.map(({ nodes }) => nodes.length)).toEqual([20, 1])
  })

  it('keeps apart what is long ago, of another node, or of another kind', () => {
    const timeline = new Timeline(5)
    timeline.tell('a@h', 'run', told(1))
    timeline.tell('b@h', 'run', told(2, { at: 60_000 }))
    timeline.tell('c@h', 'run', told(3, { peer: 'y@h' }))
    timeline.tell('d@h', 'run', told(4, { kind: 'store', peer: null }))
    timeline.tell('e@h', 'run', told(5, { kind: 'store', peer: null }))
    timeline.tell('a@h', 'another run', told(1, { at: 2000 }))
    expect(timeline.view.events).toHaveLength(6)
  })

  it('tells a changed event again, with the same id and a greater cursor', () => {
    const timeline = new Timeline(5)
    timeline.tell('a@h', 'run', told(1, { kind: 'dial-failed' }))
    const [first] = timeline.take()
    timeline.tell('a@h', 'run', told(1, { kind: 'dial-failed', count: 2, lastAt: 3000, revision: 9 }))
    const [again] = timeline.take()
    expect(again).toEqual({ ...first, cursor: (first?.cursor ?? 0) + 1, count: 2, lastAt: 3000 })
    expect(timeline.since(first?.cursor ?? 0)).toEqual([again])
    expect(timeline.take()).toEqual([])
  })

  it('forgets the oldest, and grows its cursors over restarts', () => {
    const timeline = new Timeline(5, 10)
    for (let i = 1; i <= 1000; i++) timeline.tell('a@h', 'run', told(i, { peer: `n${i}@h` }))
    expect(timeline.view.events.map(({ peer }) => peer)).toEqual(Array.from({ length: 10 }, (_, i) => `n${991 + i}@h`))
    const last = timeline.view.events.at(-1)?.cursor ?? 0
    const next = new Timeline(6)
    next.tell('a@h', 'run', told(1))
    expect(next.view.events[0]?.cursor).toBeGreaterThan(last)
  })
})
