import { describe, expect, it } from 'vitest'
import { blockOf, FailureBudget } from '../../src/base/failure-budget.ts'
import { FakeClock } from '../../src/testing/fake-clock.ts'

describe('a budget of failures', () => {
  it('is used up by failures, and comes back one by one', () => {
    const clock = new FakeClock()
    const budget = new FailureBudget({ clock, most: 3, per: 60_000 })
    expect([budget.charge('a'), budget.charge('a')]).toEqual([2, 1])
    expect(budget.wait('a')).toBe(0)
    expect(budget.charge('a')).toBe(0)
    expect(budget.wait('a')).toBe(20_000)
    expect(budget.wait('b')).toBe(0)
    clock.advance(20_000)
    expect(budget.wait('a')).toBe(0)
    expect(budget.charge('a')).toBe(0)
    clock.advance(600_000)
    expect([budget.charge('a'), budget.wait('a')]).toEqual([2, 0])
  })

  it('does not go below nothing, however many fail at once', () => {
    const clock = new FakeClock()
    const budget = new FailureBudget({ clock, most: 2, per: 1000 })
    for (let i = 0; i < 1000; i++) budget.charge('a')
    expect(budget.wait('a')).toBe(500)
  })

  it('forgets the address that failed longest ago', () => {
    const budget = new FailureBudget({ clock: new FakeClock(), most: 1, per: 1000, addresses: 2 })
    for (const address of ['a', 'b', 'a', 'c']) budget.charge(address)
    expect(['a', 'b', 'c'].map((address) => budget.wait(address) > 0)).toEqual([true, false, true])
  })

  it('keeps nobody out who has succeeded, for what a neighbour does', () => {
    const budget = new FailureBudget({ clock: new FakeClock(), most: 3, per: 60_000, addresses: 5 })
    budget.prove('fd00::1')
    for (let i = 0; i < 10; i++) budget.charge('fd00::bad')
    expect(['fd00::1', 'fd00::2', 'fd00::bad'].map((it) => budget.wait(it) > 0)).toEqual([false, true, true])
    expect([1, 2, 3].map(() => budget.charge('fd00::1'))).toEqual([2, 1, 0])
    expect(budget.wait('fd00::1')).toBe(20_000)
    // Where nobody can tell two apart, it makes no difference.
    budget.prove('10.0.0.1')
    for (let i = 0; i < 3; i++) budget.charge('10.0.0.1')
    expect(budget.wait('10.0.0.1')).toBe(20_000)
    for (let i = 0; i < 6; i++) budget.prove(`fd00:0:0:${i}::1`)
    for (let i = 0; i < 3; i++) budget.charge('fd00::bad')
    expect(budget.wait('fd00::1')).toBeGreaterThan(0)
  })

  it('may be without limit', () => {
    const budget = new FailureBudget({ clock: new FakeClock(), most: Number.POSITIVE_INFINITY, per: 1000 })
    expect([budget.charge('a'), budget.wait('a')]).toEqual([Number.POSITIVE_INFINITY, 0])
  })

  it.each([
    ['10.0.0.1', '10.0.0.1'],
    ['::ffff:10.0.0.1', '10.0.0.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['FE80::1%eth0', 'fe80::1'],
  ])('takes %s for %s', (address, block) => {
    expect(blockOf(address)).toBe(block)
  })
})
