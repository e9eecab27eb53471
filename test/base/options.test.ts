import { describe, expect, it } from 'vitest'
import { OptionError, describe as picture, TsunagiError } from '../../src/base/errors.ts'
import * as check from '../../src/base/options.ts'

class Thing {}

describe('checks of options', () => {
  it.each<[string, check.Check<unknown>, unknown[], unknown[]]>([
    ['boolean', check.boolean, [true, false], [0, 'true', null, undefined]],
    ['string', check.string, ['a'], ['', 1, null, ['a']]],
    ['integer', check.integer(1, 3), [1, 3], [0, 4, 1.5, '2', Number.NaN, 2n]],
    ['duration', check.duration, [0, 1.5, Number.POSITIVE_INFINITY], [-1, Number.NaN, '5', null]],
    ['port', check.port, [0, 65_535], [-1, 65_536, '80']],
    ['oneOf', check.oneOf('a', 'b'), ['a', 'b'], ['c', '', 1]],
    ['fn', check.fn, [() => {}, Thing], [{}, null, 'f']],
  ])('%s takes what fits as it is and names the option and the value otherwise', (_name, it, good, bad) => {
    for (const value of good) expect(it(value, 'x')).toBe(value)
    for (const value of bad) {
      expect(() => it(value, 'some.option')).toThrow(OptionError)
      expect(() => it(value, 'some.option')).toThrow(expect.objectContaining({ option: 'some.option', value }))
      expect(() => it(value, 'some.option')).toThrow(/^some\.option: expected .+, got .+/)
    }
  })

  it('instance takes objects that pass its test', () => {
    const array = (value: object) => Array.isArray(value)
    expect(check.instance([1], 'x', 'a list', array)).toEqual([1])
    for (const value of [{}, null, 'x'])
      expect(() => check.instance(value, 'x', 'a list', array)).toThrow('expected a list')
  })

  it('knownOnly refuses others by name, with the nearest one, and never with its value', () => {
    const known = ['host', 'port', 'netTickTime']
    expect(() => check.knownOnly({ host: 1, port: undefined }, known)).not.toThrow()
    expect(() => check.knownOnly({ prot: 'a secret' }, known, 'listen.')).toThrow(
      expect.objectContaining({
        option: 'listen.prot',
        value: undefined,
        message: expect.stringContaining('listen.port?'),
      }),
    )
    expect(() => check.knownOnly({ NETTICKTIME: 1 }, known)).toThrow('did you mean netTickTime?')
    expect(() => check.knownOnly({ wonderland: 'a secret' }, known)).toThrow(
      /known options are host, port, netTickTime\)$/,
    )
  })
})

describe('errors', () => {
  it('have a code, a name and, where there is one, a cause', () => {
    const cause = new Error('why')
    expect(new TsunagiError('ERR_CLOSED', 'text', { cause })).toMatchObject({
      code: 'ERR_CLOSED',
      name: 'TsunagiError',
      cause,
    })
    expect('cause' in new TsunagiError('ERR_CLOSED', 'text')).toBe(false)
    const error = new OptionError('x', 1, 'two')
    expect(error).toMatchObject({ code: 'ERR_INVALID_OPTION', name: 'OptionError', message: 'x: expected two, got 1' })
    expect(error).toBeInstanceOf(TsunagiError)
  })

  it.each<[unknown, string]>([
    ['text', '"text"'],
    ['x'.repeat(61), `"${'x'.repeat(57)}..."`],
    [5n, '5n'],
    [undefined, 'undefined'],
    [null, 'null'],
    [Symbol('s'), 'Symbol(s)'],
    [[1, 2], 'an array of 2'],
    [{}, 'an instance of Object'],
    [Object.create(null), 'an instance of Object'],
    [new Thing(), 'an instance of Thing'],
    [() => {}, 'a function'],
    [Thing, 'a function (Thing)'],
  ])('picture %s', (value, text) => {
    expect(picture(value)).toBe(text)
  })
})
