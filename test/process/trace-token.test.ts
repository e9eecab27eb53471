import { describe, expect, it } from 'vitest'
import { readTraceToken, traceToken } from '../../src/process/trace-token.ts'
import { atom, type Term, tuple } from '../../src/term/index.ts'

const TAG = atom('tsunagi_trace')
const carrier = { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', tracestate: 'a=b' }

describe('a trace token', () => {
  it('carries what was put into it', () => {
    expect({ ...readTraceToken(traceToken(carrier)) }).toEqual(carrier)
    expect(traceToken(undefined)).toBeUndefined()
  })

  it('is understood where binaries are decoded as bytes', () => {
    const bytes = Object.entries(carrier)
      .flat()
      .map((text) => new TextEncoder().encode(text))
    expect({ ...readTraceToken(tuple(TAG, bytes)) }).toEqual(carrier)
  })

  it.each<[string, Term]>([
    ['nothing', undefined],
    ['a token of seq_trace', tuple(5, 0, 1, 2, 3)],
    ['another tag', tuple(atom('trace'), ['a', 'b'])],
    ['no list', tuple(TAG, 'ab')],
    ['an odd list', tuple(TAG, ['a'])],
    ['numbers', tuple(TAG, [1, 2])],
    [
      'too many entries',
      tuple(
        TAG,
        Array.from({ length: 18 }, () => 'x'),
      ),
    ],
    ['too long a text', tuple(TAG, ['traceparent', 'x'.repeat(4097)])],
  ])('of %s is none', (_what, token) => {
    expect(readTraceToken(token)).toBeUndefined()
  })

  it('cannot reach the prototype', () => {
    const read = readTraceToken(tuple(TAG, ['__proto__', 'x']))
    expect(Object.keys(read ?? {})).toEqual(['__proto__'])
    expect(Object.getPrototypeOf(read)).toBeNull()
  })
})
