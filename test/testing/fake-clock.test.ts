import { describe, expect, it } from 'vitest'
import { FakeClock } from '../../src/testing/fake-clock.ts'

describe('the fake clock', () => {
  it('fires what falls due, in the order of time and then of setting, at its own moment', () => {
    const clock = new FakeClock(100)
    const fired: string[] = []
    clock.after(30, () => fired.push(`c ${clock.now()}`))
    clock.after(10, () => fired.push(`a ${clock.now()}`))
    clock.after(10, () => fired.push(`b ${clock.now()}`))
    clock.advance(29)
    expect(fired).toEqual(['a 110', 'b 110'])
    clock.advance(1)
    expect([fired[2], clock.now(), clock.pending]).toEqual(['c 130', 130, 0])
  })

  it('fires timers that are set while it moves on', () => {
    const clock = new FakeClock()
    const ticks: number[] = []
    const tick = () => {
      ticks.push(clock.now())
      clock.after(10, tick)
    }
    clock.after(10, tick)
    clock.advance(35)
    expect(ticks).toEqual([10, 20, 30])
    expect(clock.pending).toBe(1)
  })

  it('forgets a timer that is cancelled, also by another of the same moment, and one that never comes', () => {
    const clock = new FakeClock()
    const fired: string[] = []
    clock.after(5, () => second.cancel())
    const second = clock.after(5, () => fired.push('second'))
    clock.after(Number.POSITIVE_INFINITY, () => fired.push('never'))
    clock.advance(1e9)
    expect([fired, clock.pending]).toEqual([[], 0])
  })
})
