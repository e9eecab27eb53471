import { expect, it } from 'vitest'
import {
  atom,
  decode,
  EncodeError,
  encode,
  equal,
  Float,
  ImproperList,
  Reference,
  type Term,
  tuple,
} from '../../src/term/index.ts'

function refusal(value: unknown): EncodeError {
  try {
    encode(value as Term)
  } catch (error) {
    expect(error).toBeInstanceOf(EncodeError)
    return error as EncodeError
  }
  throw new Error('this encodes')
}

class Point {
  x = 1
}

it.for<[string, unknown, RegExp]>([
  ['NaN', Number.NaN, /NaN/],
  ['infinity', Number.POSITIVE_INFINITY, /Infinity/],
  ['minus infinity', Number.NEGATIVE_INFINITY, /-Infinity/],
  ['a function', () => 1, /function/],
  ['a symbol', Symbol('s'), /symbol/],
  ['a Date, with advice', new Date(), /Date.*getTime/],
  ['an instance of a class', new Point(), /Point/],
  ['a Set', new Set([1]), /Set/],
  ['a regular expression', /x/, /RegExp/],
  ['an Error', new Error('x'), /Error/],
  ['a promise', Promise.resolve(1), /Promise/],
  ['an ArrayBuffer', new ArrayBuffer(1), /ArrayBuffer/],
  ['another typed array', new Uint16Array(1), /Uint16Array/],
  ['a boxed number', new Object(1), /Number/],
  ['a lone surrogate', 'a\ud800', /surrogate/],
  ['a long text with a lone surrogate', `${'x'.repeat(100)}\udc00`, /surrogate/],
  ['a key with a lone surrogate', { '\ud800': 1 }, /well-formed/],
  ['a key of 256 characters', { ['x'.repeat(256)]: 1 }, /255/],
  ['holes in an array', Object.assign(new Array<Term>(3), { 0: 1, 2: 3 }), /holes/],
  ['holes in a tuple', new (tuple().constructor as ArrayConstructor)(2), /holes/],
])('refuses %s, and says where it is', ([, value, message]) => {
  expect(refusal(value).message).toMatch(message)
  expect(refusal(value).code).toBe('ERR_ENCODE')
  expect(refusal({ rows: [{ id: 1 }, { at: tuple(atom('x'), value as Term) }] }).path).toMatch(/^\.rows\[1\]\.at\[1\]/)
  expect(refusal(new Map<Term, unknown>([[tuple(1), [value]]])).path).toMatch(/^ \(value 0\)\[0\]/)
  expect(refusal(new Map<string, unknown>([['a"b', value]])).path).toMatch(/^\.get\("a\\"b"\)/)
  expect(refusal(new ImproperList([1], tuple(value as Term))).path).toMatch(/^\.tail\[0\]/)
})

it('names a key of a Map that has no Erlang form', () => {
  expect(refusal(new Map<unknown, Term>([[Symbol('s'), 1]])).path).toBe(' (key 0)')
})

it('refuses keys that are the same Erlang term', () => {
  const maps: Map<Term, Term>[] = [
    new Map<Term, Term>([
      [1, 'a'],
      [1n, 'b'],
    ]),
    new Map<Term, Term>([
      [tuple(1), 'a'],
      [tuple(1), 'b'],
    ]),
    new Map<Term, Term>([
      [atom('true'), 'a'],
      [true, 'b'],
    ]),
    new Map<Term, Term>([
      ['a', 'a'],
      [Buffer.from('a'), 'b'],
    ]),
    new Map<Term, Term>([
      [new Float(1.5), 'a'],
      [1.5, 'b'],
    ]),
  ]
  for (const map of maps) expect(refusal({ map }).message).toMatch(/same Erlang term.*\.map/)
  const distinct = new Map<Term, Term>([
    [1, 'a'],
    [new Float(1), 'b'],
    ['1', 'c'],
    [atom('1'), 'd'],
  ])
  expect(equal(decode(encode(distinct)), distinct)).toBe(true)
})

it('refuses what contains itself, without running out of stack or time', () => {
  const list: unknown[] = []
  list.push(list, list)
  const object: Record<string, unknown> = {}
  object.self = object
  const map = new Map<string, unknown>()
  map.set('self', map)
  for (const value of [list, object, map]) expect(refusal(value).message).toMatch(/contains itself/)
})

it('encodes terms as deep as decode reads, and no deeper', () => {
  const nested = (depth: number) => {
    let term: Term = 1
    for (let i = 0; i < depth; i++) term = [term, 2000]
    return term
  }
  expect(equal(decode(encode(nested(2000))), nested(2000))).toBe(true)
  expect(refusal(nested(2001)).message).toMatch(/deeper than 2000/)
  expect(refusal(nested(100_000)).message).toMatch(/too deep|deeper than 2000/)
})

it('is as good as new behind a refused value, and in the middle of encoding another', () => {
  refusal([1, 2, () => 1])
  expect(encode(1).toString('hex')).toBe('836101')
  const value = {
    get inner() {
      return encode('inner')
    },
    after: 1,
  }
  const decoded = decode(encode(value)) as { inner: Uint8Array }
  expect(decode(Buffer.from(decoded.inner))).toBe('inner')
})

it('hands out bytes that are the caller’s own', () => {
  const first = encode('first')
  const copy = Buffer.from(first)
  encode('other')
  expect(first.equals(copy)).toBe(true)
})

it('encodes keys of plain objects as atoms, or as text when asked to', () => {
  const value = { a: 1, nested: [{ b: 2 }] }
  expect(decode(encode(value), { maps: 'map' })).toEqual(
    new Map<Term, Term>([
      [atom('a'), 1],
      [atom('nested'), [new Map([[atom('b'), 2]])]],
    ]),
  )
  expect(decode(encode(value, { keys: 'strings' }))).toEqual(
    new Map<Term, Term>([
      ['a', 1],
      ['nested', [new Map([['b', 2]])]],
    ]),
  )
})

it('takes objects without a prototype, and only what is their own', () => {
  const value = Object.assign(Object.create(null), { a: 1 })
  expect(decode(encode(value))).toEqual({ a: 1 })
  const hidden = Object.defineProperty({ a: 1, [Symbol('s')]: 2 }, 'b', { value: 3, enumerable: false })
  expect(decode(encode(hidden as unknown as Term))).toEqual({ a: 1 })
})

it('compresses when that is shorter, at any level', () => {
  const long = 'x'.repeat(10_000)
  expect(encode(long, { compressed: true }).length).toBeLessThan(100)
  for (const compressed of [true, 1, 9]) expect(decode(encode(long, { compressed }))).toBe(long)
  expect(encode(long, { compressed: 0 }).equals(encode(long))).toBe(true)
  expect(encode('short', { compressed: true }).equals(encode('short'))).toBe(true)
})

it('builds no identifiers or lists that have no encoding', () => {
  expect(() => new Reference('a@b', [], 1)).toThrow(RangeError)
  expect(() => new Reference('a@b', [1, 2, 3, 4, 5, 6], 1)).toThrow(RangeError)
  expect(() => new ImproperList([], 1)).toThrow(RangeError)
  expect(() => new ImproperList([1], [2])).toThrow(RangeError)
  expect(() => new ImproperList([1], new ImproperList([2], 3))).toThrow(RangeError)
  expect(() => new Float(Number.NaN)).toThrow(RangeError)
})
