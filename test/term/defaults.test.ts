import { expect, it } from 'vitest'
import {
  atom,
  type DecodeOptions,
  decode,
  encode,
  equal,
  Float,
  mapGet,
  parse,
  print,
  type Term,
  tuple,
} from '../../src/term/index.ts'

/** What Erlang text decodes to, by way of the wire. */
const decoded = (text: string, options: DecodeOptions = {}) => decode(encode(parse(text, { maps: 'map' })), options)

const bytes = (...values: number[]) => Uint8Array.from(values)

it.for<[string, unknown]>([
  ['42', 42],
  ['-9007199254740991', Number.MIN_SAFE_INTEGER],
  ['9007199254740992', 9007199254740992n],
  ['1.5', 1.5],
  ['true', true],
  ['false', false],
  ['nil', null],
  ['undefined', undefined],
  ['null', atom('null')],
  ['ok', atom('ok')],
  ['<<"hé"/utf8>>', 'hé'],
  ['<<>>', ''],
  ['<<239,187,191,97>>', '\uFEFFa'],
  ['<<255>>', bytes(255)],
  ['{ok, 1}', tuple(atom('ok'), 1)],
  ['[]', []],
  ['"abc"', [97, 98, 99]],
  ['#{}', {}],
  ['#{a => 1, true => 2, nil => 3}', { a: 1, true: 2, nil: 3 }],
  ['#{a => #{<<"b">> => 1}}', { a: new Map([['b', 1]]) }],
  [
    '#{a => 1, 2 => 3}',
    new Map<Term, Term>([
      [atom('a'), 1],
      [2, 3],
    ]),
  ],
])('decodes %s as documented', ([text, value]) => {
  expect(decoded(text)).toEqual(value)
  expect(equal(decoded(text), parse(text))).toBe(true)
})

it('gives plain Uint8Arrays, on memory of their own', () => {
  const input = encode(parse('{<<255>>, <<1:1>>}'))
  const [whole] = decode(input) as unknown as [Uint8Array]
  input.fill(0)
  expect(whole.constructor).toBe(Uint8Array)
  expect(whole).toEqual(bytes(255))
  expect(whole.buffer.byteLength).toBe(1)
})

it('takes binaries for text, bytes, or whichever they are', () => {
  expect(decoded('{<<"a">>, <<255>>}', { binaries: 'bytes' })).toEqual(tuple(bytes(97), bytes(255)))
  expect(decoded('{<<"a">>, <<255>>}', { binaries: 'string' })).toEqual(tuple('a', '\uFFFD'))
  expect(decoded('{<<"a">>, <<255>>}')).toEqual(tuple('a', bytes(255)))
})

it('takes maps for objects, Maps, or whichever fits', () => {
  expect(decoded('#{a => 1}', { maps: 'map' })).toEqual(new Map([[atom('a'), 1]]))
  expect(decoded('#{}', { maps: 'map' })).toEqual(new Map())
  expect(decoded('#{a => 1, <<"b">> => 2, 3 => 4, 1.5 => 5}', { maps: 'object' })).toEqual({
    a: 1,
    b: 2,
    3: 4,
    '1.5': 5,
  })
  expect(() => decoded('#{{a} => 1}', { maps: 'object' })).toThrow(/no atom, text or number/)
})

it('loses with maps: object which of the keys were atoms, and keys that become the same text', () => {
  expect(decoded('#{<<"a">> => 1, a => 2}', { maps: 'object' })).toEqual({ a: 2 })
  expect(print(decoded('#{<<"a">> => 1}', { maps: 'object' }))).toBe('#{a => 1}')
})

it('loses that a float without a fraction was one, unless floats are exact', () => {
  expect(decoded('{1.0, -0.0}')).toEqual(tuple(1, -0))
  expect(print(decode(encode(decoded('1.0'))))).toBe('1')
  expect(decoded('1.0', { floats: 'exact' })).toEqual(new Float(1))
  expect(print(decode(encode(decoded('1.0', { floats: 'exact' })), { floats: 'exact' }))).toBe('1.0')
})

it('keeps floats that are no safe integer floats, also with the default', () => {
  for (const text of ['-0.0', '1.5', '1.0e300', '9.007199254740992e15']) {
    expect(print(decode(encode(decoded(text)), { floats: 'exact' }))).toBe(text)
  }
})

it('keeps floats in the keys of Maps exact whatever the setting', () => {
  const map = decoded('#{1 => a, 1.0 => b}') as ReadonlyMap<Term, Term>
  expect(map.size).toBe(2)
  expect(mapGet(map, 1)).toBe(atom('a'))
  expect(mapGet(map, new Float(1))).toBe(atom('b'))
})

it('loses nothing else: everything but floats comes back equal with the defaults', () => {
  const text = '{#{a => "x", {1} => <<255>>}, #{}, [1|2], <<1:3>>, fun a:b/1, nil, <<"é"/utf8>>, 9007199254740993}'
  expect(equal(decode(encode(decoded(text))), parse(text))).toBe(true)
})

it('takes text and the bytes of it for the same binary, so that bytes can come back as text', () => {
  expect(decode(encode(Buffer.from('abc')))).toBe('abc')
  expect(decode(encode(Buffer.from('abc')), { binaries: 'bytes' })).toEqual(bytes(97, 98, 99))
})

it('takes null and undefined for the atoms nil and undefined', () => {
  expect(print(decode(encode([null, undefined]), { maps: 'map' }))).toBe('[nil,undefined]')
  expect(decode(encode(atom('nil')))).toBe(null)
})

it('never decodes two atoms of one name to different objects', () => {
  expect(decode(encode(atom('some_name')))).toBe(atom('some_name'))
})
