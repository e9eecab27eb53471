import { expect, it } from 'vitest'
import {
  atom,
  Bitstring,
  decode,
  encode,
  equal,
  Float,
  Fun,
  ImproperList,
  mapGet,
  mapHas,
  NativeRecord,
  Pid,
  type Term,
  type Tuple,
  tuple,
} from '../../src/term/index.ts'

const pid = (id: number, creation = 1) => new Pid('a@host', id, 0, creation)

it.for<[string, Term, Term]>([
  ['a number and a bigint', 1, 1n],
  ['a float and a Float', 1.5, new Float(1.5)],
  ['a large float and a Float', 2 ** 53, new Float(2 ** 53)],
  ['minus zero and a Float', -0, new Float(-0)],
  ['text and its bytes', 'é', Buffer.from('é')],
  ['nothing and no bytes', '', new Uint8Array()],
  ['a Buffer and a Uint8Array', Buffer.of(255), Uint8Array.of(255)],
  ['true and its atom', true, atom('true')],
  ['null and nil', null, atom('nil')],
  [
    'a plain object and a Map',
    { a: 1, true: 2 },
    new Map<Term, Term>([
      [atom('a'), 1n],
      [true, 2],
    ]),
  ],
  ['an object without a prototype', Object.assign(Object.create(null), { a: 1 }), { a: 1 }],
  ['an empty object and an empty Map', {}, new Map()],
  ['objects in another order', { a: 1, b: 2 }, { b: 2, a: 1 }],
  ['Maps with compound keys', new Map([[tuple(1, 'a'), 1]]), new Map([[tuple(1n, Buffer.from('a')), 1]])],
  ['Maps with Maps as keys', new Map([[new Map([[1, 2]]), 1]]), new Map([[new Map([[1n, 2n]]), 1]])],
  ['pids', tuple(pid(1)), tuple(pid(1))],
  ['improper lists', new ImproperList([1], 'a'), new ImproperList([1n], Buffer.from('a'))],
])('takes %s for equal', ([, a, b]) => {
  expect(equal(a, b)).toBe(true)
  expect(equal(b, a)).toBe(true)
  expect(equal(new Map([[[a], [b]]]), new Map([[[b], [a]]]))).toBe(true)
})

it.for<[string, Term, Term]>([
  ['an integer and a float', 1, new Float(1)],
  ['zero and minus zero', 0, -0],
  ['two zeros that are floats', new Float(0), new Float(-0)],
  ['an integer and a float beyond the safe ones', 2 ** 53, 2n ** 53n],
  ['text and an atom', 'ok', atom('ok')],
  ['a tuple and a list', tuple(1), [1]],
  ['a list and an improper one', [1, 2], new ImproperList([1], 2)],
  ['nothing and an empty list', '', []],
  ['an empty map and an empty list', {}, []],
  ['undefined and null', undefined, null],
  ['undefined and a missing key', { a: undefined }, {}],
  ['maps with other keys', { a: undefined }, { b: undefined }],
  ['text keys and atom keys', new Map([['a', 1]]), { a: 1 }],
  ['an inherited key', { toString: 1 }, { valueOf: 1 }],
  ['pids of two incarnations', pid(1, 1), pid(1, 2)],
  ['bits and bytes', new Bitstring(Uint8Array.of(128), 1), Uint8Array.of(128)],
  ['bit strings of other lengths', new Bitstring(Uint8Array.of(128), 1), new Bitstring(Uint8Array.of(128), 2)],
  ['bytes that are no UTF-8 and what is shown for them', Uint8Array.of(255), '\uFFFD'],
  ['keys one of which is a float', new Map([[1, 1]]), new Map<Term, Term>([[new Float(1), 1]])],
])('tells %s apart', ([, a, b]) => {
  expect(equal(a, b)).toBe(false)
  expect(equal(b, a)).toBe(false)
  expect(equal(new Map([[[a], 1]]), new Map([[[b], 1]]))).toBe(false)
})

it('compares functions by what they do, not by who made them', () => {
  const fields = {
    arity: 1,
    uniq: new Uint8Array(16),
    index: 0,
    module: atom('m'),
    oldIndex: 0,
    oldUniq: 1,
    free: [[1]],
  }
  const fun = new Fun({ ...fields, pid: pid(1) })
  expect(equal(fun, new Fun({ ...fields, pid: pid(2) }))).toBe(true)
  expect(equal(fun, new Fun({ ...fields, pid: pid(1), free: [[2]] }))).toBe(false)
  expect(equal(fun, new Fun({ ...fields, pid: pid(1), index: 1 }))).toBe(false)
})

it('compares native records with the order of their fields', () => {
  const a = atom('a')
  const b = atom('b')
  const record = (pairs: [typeof a, Term][], flags = 1) => new NativeRecord(atom('m'), atom('r'), new Map(pairs), flags)
  expect(
    equal(
      record([
        [a, 1],
        [b, 2],
      ]),
      record([
        [a, 1n],
        [b, 2],
      ]),
    ),
  ).toBe(true)
  expect(
    equal(
      record([
        [a, 1],
        [b, 2],
      ]),
      record([
        [b, 2],
        [a, 1],
      ]),
    ),
  ).toBe(false)
  expect(equal(record([[a, 1]]), record([[a, 1]], 0))).toBe(false)
})

it('compares terms as deep as decode makes them, and refuses to go deeper', () => {
  const nested = (depth: number) => {
    let term: Term = 1
    for (let i = 0; i < depth; i++) term = tuple(term)
    return term
  }
  expect(equal(nested(2000), nested(2000))).toBe(true)
  expect(equal(new Map([[nested(500), 1]]), new Map([[nested(500), 1n]]))).toBe(true)
  expect(() => equal(nested(100_000), nested(100_000))).toThrow(expect.objectContaining({ code: 'ERR_LIMIT' }))
  const a: Term[] = []
  a.push(a, a)
  const b: Term[] = []
  b.push(b, b)
  expect(equal(a, a)).toBe(true)
  expect(() => equal(a, b)).toThrow(expect.objectContaining({ code: 'ERR_LIMIT' }))
})

it('compares large maps with compound keys in a moment', () => {
  const pairs = Array.from({ length: 20_000 }, (_, i): [Term, Term] => [tuple(atom('k'), i), i])
  expect(equal(new Map(pairs), new Map([...pairs].reverse().map(([key, i]) => [tuple(...(key as Tuple)), i])))).toBe(
    true,
  )
})

it('looks keys up in either form of a map', () => {
  const object = decode(encode({ a: 1, true: 2, nil: 3 })) as { readonly [key: string]: Term }
  expect(mapGet(object, atom('a'))).toBe(1)
  expect(mapGet(object, true)).toBe(2)
  expect(mapGet(object, null)).toBe(3)
  expect(mapGet(object, 'a')).toBeUndefined()
  expect(mapHas(object, atom('toString'))).toBe(false)
  const map = new Map<Term, Term>([
    [tuple(1, [pid(1)]), 'compound'],
    [7, 'seven'],
    ['text', undefined],
    [null, 'nil'],
  ])
  expect(mapGet(map, tuple(1n, [pid(1)]))).toBe('compound')
  expect(mapGet(map, 7n)).toBe('seven')
  expect(mapGet(map, new Float(7))).toBeUndefined()
  expect(mapGet(map, atom('nil'))).toBe('nil')
  expect(mapHas(map, Buffer.from('text'))).toBe(true)
  expect(mapGet(map, 'text')).toBeUndefined()
  expect(mapHas(map, 'other')).toBe(false)
  expect(mapHas(new Map([[0, 1]]), -0)).toBe(false)
})
