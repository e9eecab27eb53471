import { describe, expect, it } from 'vitest'
import {
  coversOwn,
  dominates,
  keepDominant,
  lowerBound,
  restrict,
  upperBound,
} from '../../../src/pubsub/presence/clock.ts'

const clock = (clocks: Record<string, number>) => new Map(Object.entries(clocks))
const seen = (replica: string, clocks: Record<string, number>) => ({ replica, context: clock(clocks) })
const names = (list: readonly { replica: string }[]) => list.map(({ replica }) => replica).sort()

describe('contexts', () => {
  it('dominate those of which they have seen everything', () => {
    const [one, two, three] = [clock({ a: 1, b: 2, c: 3 }), clock({ b: 2, c: 3, d: 1 }), clock({ a: 1, b: 2 })]
    expect(dominates(one, three)).toBe(true)
    expect(dominates(three, one)).toBe(false)
    expect(dominates(one, two)).toBe(false)
    expect(dominates(one, one)).toBe(true)
    expect(dominates(clock({}), clock({ a: 0 }))).toBe(false)
  })

  it('cover others by the replicas they name', () => {
    expect(coversOwn(clock({}), clock({}))).toBe(true)
    expect(coversOwn(clock({}), clock({ a: 1 }))).toBe(false)
    expect(coversOwn(clock({ a: 2 }), clock({ a: 1, b: 9 }))).toBe(true)
    expect(coversOwn(clock({ a: 1 }), clock({ a: 2 }))).toBe(false)
  })

  it('are kept as far as nobody else has seen as much', () => {
    const one = seen('a', { a: 1, b: 2, c: 3 })
    const two = seen('b', { b: 2, c: 3, d: 1 })
    const three = seen('c', { a: 1, b: 2 })
    expect(names(keepDominant([two, three], one))).toEqual(['b', 'c'])
    expect(names(keepDominant([one, three], two))).toEqual(['a', 'b', 'c'])
    expect(names(keepDominant([one, two], three))).toEqual(['a', 'b'])
    expect(names(keepDominant([one, two], one))).toEqual(['a', 'b'])
    expect(names(keepDominant([one, two], two))).toEqual(['a', 'b'])
    expect(names(keepDominant([one], seen('x', {})))).toEqual(['a'])
    expect(names(keepDominant([], one))).toEqual(['a'])
    expect(names(keepDominant([one, two], seen('z', { a: 9, b: 9, c: 9, d: 9 })))).toEqual(['z'])
  })

  it('have bounds', () => {
    const [one, two] = [clock({ a: 1, b: 2, c: 2 }), clock({ a: 3, b: 1, d: 2 })]
    expect(upperBound(one, two)).toEqual(clock({ a: 3, b: 2, c: 2, d: 2 }))
    expect(lowerBound(one, two)).toEqual(clock({ a: 1, b: 1, c: 2, d: 2 }))
    expect(upperBound(clock({}), two)).toEqual(two)
    expect(lowerBound(two, clock({}))).toEqual(two)
  })

  it('are cut down to what somebody knows', () => {
    expect(restrict(clock({ a: 1, b: 2, c: 3 }), clock({ a: 0, c: 0, d: 0 }))).toEqual(clock({ a: 1, c: 3 }))
    expect(restrict(clock({ a: 1 }), clock({ d: 0 }))).toEqual(clock({}))
  })
})
