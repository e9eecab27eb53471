import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { literalStart, matcher } from '../../src/pubsub/pattern.ts'
import '../support/seed.ts'

/** What a pattern means, letter by letter. */
function matches(pattern: string, topic: string): boolean {
  if (pattern === '') return topic === ''
  if (pattern[0] === '*') {
    return matches(pattern.slice(1), topic) || (topic !== '' && matches(pattern, topic.slice(1)))
  }
  const literal = pattern[0] === '\\' && pattern.length > 1 ? 2 : 1
  return topic[0] === pattern[literal - 1] && matches(pattern.slice(literal), topic.slice(1))
}

const text = (chars: string): fc.Arbitrary<string> =>
  fc.array(fc.constantFrom(...chars), { maxLength: 8 }).map((list) => list.join(''))

describe('a pattern', () => {
  it('means what it says', () => {
    for (const [pattern, topic, expected] of [
      ['sensor:*', 'sensor:1', true],
      ['sensor:*', 'sensor:', true],
      ['sensor:*', 'sensors', false],
      ['*', '', true],
      ['a*a', 'a', false],
      ['a*a', 'aa', true],
      ['a*b*c', 'a1b2c', true],
      ['a*b*c', 'acb', false],
      ['a\\*', 'a*', true],
      ['a\\*', 'ab', false],
      ['a\\\\*', 'a\\b', true],
      ['a\\', 'a\\', true],
      ['ab*ba', 'aba', false],
    ] as const) {
      expect([pattern, topic, matcher(pattern)(topic)]).toEqual([pattern, topic, expected])
    }
  })

  it('matches what it does letter by letter', () => {
    fc.assert(
      fc.property(text('ab*\\'), text('ab*\\'), (pattern, topic) => {
        expect(matcher(pattern)(topic)).toBe(matches(pattern, topic))
        if (matches(pattern, topic)) expect(topic.startsWith(literalStart(pattern))).toBe(true)
      }),
      { numRuns: 5_000 },
    )
  })

  it('costs no more than its length times that of the topic', () => {
    const pattern = `${'*a'.repeat(2_000)}*b`
    expect(matcher(pattern)('a'.repeat(60_000))).toBe(false)
    expect(matcher(pattern)(`${'a'.repeat(60_000)}b`)).toBe(true)
  })
})
