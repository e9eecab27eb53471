import { describe, expect, it } from 'vitest'
import { forPeople } from '../../src/cli/log.ts'
import { columns, harmless, jsonLine, paintFor, wantsColours } from '../../src/cli/output.ts'

const plain = paintFor({ isTTY: false })

describe('colours', () => {
  it.each([
    ['a terminal', true, {}, true],
    ['no terminal', false, {}, false],
    ['NO_COLOR', true, { NO_COLOR: '1' }, false],
    ['an empty NO_COLOR', true, { NO_COLOR: '' }, true],
    ['NODE_DISABLE_COLORS', true, { NODE_DISABLE_COLORS: '1' }, false],
    ['a dumb terminal', true, { TERM: 'dumb' }, false],
    ['FORCE_COLOR without a terminal', false, { FORCE_COLOR: '1' }, true],
    ['FORCE_COLOR=0', true, { FORCE_COLOR: '0' }, false],
    ['FORCE_COLOR beside NO_COLOR', false, { FORCE_COLOR: '1', NO_COLOR: '1' }, true],
  ])('%s', (_title, isTTY, env, expected) => {
    expect(wantsColours({ isTTY }, env)).toBe(expected)
  })

  it('leave text as it is where they are off', () => {
    expect(plain.red('text')).toBe('text')
  })
})

describe('text of others', () => {
  it('cannot command the terminal from a result, which may have colours and line breaks of ours', () => {
    const { bold } = paintFor({ isTTY: true })
    expect(harmless(`${bold('app')}\n\u001b[2Jx\u001b]0;owned\u0007\u001b[8m`)).toBe(
      `${bold('app')}\n·[2Jx·]0;owned··[8m`,
    )
  })

  it('cannot do so from a cell, which has neither', () => {
    expect(columns([['a\u001b[31m\nb', 'c']])).toBe('a·[31m·b  c')
  })

  it('cannot do so from JSON, which says what it was', () => {
    const data = { topic: '\u001b\u009b31m\u202e\u2028' }
    expect(jsonLine(data)).toBe(String.raw`{"topic":"\u001b\u009b31m\u202e\u2028"}`)
    expect(JSON.parse(jsonLine(data))).toEqual(data)
  })
})

describe('columns', () => {
  it('are as wide as their widest cells', () => {
    expect(
      columns([
        ['a', 'bb'],
        ['ccc', 'd'],
      ]),
    ).toBe('a    bb\nccc  d')
  })
})

describe('a log for people', () => {
  const line = (data: object): string => forPeople(JSON.stringify({ level: 40, time: 0, ...data }), plain).slice(13)

  it('is a line with the time, the level, the sentence and what belongs to it', () => {
    expect(line({ msg: 'cannot connect', node: 'b@h', retryIn: 1234.5678, list: [1] })).toBe(
      'warn  cannot connect  node=b@h retryIn=1234.57 list=[1]\n',
    )
  })

  it('has the reason of an error once', () => {
    expect(line({ msg: 'failed: why', err: { message: 'why' } })).toBe('warn  failed: why\n')
    expect(line({ msg: 'failed', err: { message: 'why' } })).toBe('warn  failed (why)\n')
  })
})
