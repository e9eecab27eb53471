import { describe, expect, it } from 'vitest'
import { byName, choice, count, cut, fields, flag, list, maybe, number, text, time } from '../../src/observe/shape.ts'

const person = fields({ name: text(5), age: maybe(count), kind: choice('a', 'b'), tags: list(2, text(3)) })

describe('a shape', () => {
  it('answers what is known and fits, and leaves out the rest', () => {
    const given = { name: 'Ann', age: 3, kind: 'a', tags: ['x'], cookie: 'secret', __proto__: { age: 4 } }
    expect(person(given, '')).toEqual({ name: 'Ann', age: 3, kind: 'a', tags: ['x'] })
  })

  it('cuts what is too long, and takes null for what is absent', () => {
    const given = { name: 'Alexandra', kind: 'b', tags: ['abcdef', 'b', 'c'] }
    expect(person(given, '')).toEqual({ name: 'Alex…', age: null, kind: 'b', tags: ['ab…', 'b'] })
  })

  it.each([
    [{ name: 1, kind: 'a', tags: [] }, 'name: expected a text'],
    [{ name: '', kind: 'c', tags: [] }, 'kind: expected one of a, b'],
    [{ name: '', kind: 'a', tags: {} }, 'tags: expected a list'],
    [{ name: '', kind: 'a', tags: [1] }, 'tags[0]: expected a text'],
    [{ name: '', kind: 'a', tags: [], age: Number.NaN }, 'age: expected a number'],
    [[], 'the whole: expected an object'],
    [null, 'the whole: expected an object'],
  ])('refuses %j: %s', (value, message) => {
    expect(() => person(value, '')).toThrow(message)
  })

  it.each([
    [time, -1],
    [count, -1],
    [count, Number.POSITIVE_INFINITY],
    [count, '1'],
    [number(0, 1), 2],
    [flag, 1],
    [choice('constructor'), 'toString'],
  ])('%# refuses %j', (shape: (value: unknown, path: string) => unknown, value) => {
    expect(() => shape(value, 'it')).toThrow('it: expected')
  })

  it('takes names that objects have of their own for names', () => {
    const given = JSON.parse('{"__proto__": 1, "constructor": 2, "c": 3}')
    const read = byName(2, 20, count)(given, '')
    expect(Object.entries(read)).toEqual([
      ['__proto__', 1],
      ['constructor', 2],
    ])
    expect(Object.getPrototypeOf(read)).toBe(Object.prototype)
  })

  it('cuts between characters', () => {
    expect([cut('ab😀cd', 4), cut('ab😀cd', 5), cut('abc', 3)]).toEqual(['ab…', 'ab😀…', 'abc'])
  })
})
