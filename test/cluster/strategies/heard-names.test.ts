import { describe, expect, it } from 'vitest'
import { HeardNames } from '../../../src/cluster/strategies/heard-names.ts'

describe('names that are heard', () => {
  it('are forgotten when they were silent for too long, and each for itself', () => {
    const names = new HeardNames(1000, 10, 0)
    expect([names.hear('a', 0), names.hear('b', 400), names.hear('a', 500)]).toEqual(['new', 'new', 'known'])
    expect(names.forget(1399)).toBe(false)
    expect(names.forget(1400)).toBe(true)
    expect(names.names()).toEqual(['a'])
  })

  it('are no more than there may be', () => {
    const names = new HeardNames(1000, 2, 0)
    for (const name of ['a', 'b']) names.hear(name, 0)
    expect([names.hear('c', 1), names.hear('a', 1)]).toEqual(['full', 'known'])
    names.forget(1000)
    expect(names.hear('c', 1000)).toBe('new')
  })

  it('are all there are once everybody had the time to speak, counted from the last gap', () => {
    const names = new HeardNames(1000, 10, 50)
    expect([names.isWhole(1049), names.isWhole(1050)]).toEqual([false, true])
    names.missed(2000)
    expect([names.isWhole(2999), names.isWhole(3000)]).toEqual([false, true])
  })
})
