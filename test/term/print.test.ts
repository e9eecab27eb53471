import { inspect } from 'node:util'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import {
  atom,
  Bitstring,
  decode,
  ExternalFun,
  encode,
  equal,
  Float,
  Fun,
  ImproperList,
  NativeRecord,
  Pid,
  Port,
  parse,
  print,
  Reference,
  type Term,
  tuple,
} from '../../src/term/index.ts'
import { arbitraryTerm } from '../support/arbitrary-term.ts'
import '../support/seed.ts'

const fun = new Fun({
  arity: 1,
  uniq: new Uint8Array(16),
  index: 43,
  module: atom('erl_eval'),
  oldIndex: 43,
  oldUniq: 3316493,
  pid: new Pid('a@host', 85, 0, 1699),
  free: [],
})
const record = new NativeRecord(
  atom('shop'),
  atom('item'),
  new Map([
    [atom('price'), 5],
    [atom('Name'), 6],
  ]),
  1,
)

it.for<[Term, string]>([
  [1, '1'],
  [-0, '-0.0'],
  [1.5, '1.5'],
  [new Float(1), '1.0'],
  [new Float(1e10), '1.0e10'],
  [1e-7, '1.0e-7'],
  [1.25e300, '1.25e300'],
  [2n ** 70n, '1180591620717411303424'],
  [true, 'true'],
  [null, 'nil'],
  [undefined, 'undefined'],
  [atom('ok'), 'ok'],
  [atom('Elixir.Foo'), "'Elixir.Foo'"],
  [atom(''), "''"],
  [atom('end'), "'end'"],
  [atom("it's\n"), "'it\\'s\\n'"],
  ['', '<<>>'],
  ['hi', '<<"hi">>'],
  ['été', '<<"été"/utf8>>'],
  ['"\\\n\0', '<<"\\"\\\\\\n\\x{0}">>'],
  ['\u009b31m', '<<"\\x{9b}31m"/utf8>>'],
  ['\uFFFF', '<<239,191,191>>'],
  [Buffer.from('hi'), '<<104,105>>'],
  [new Bitstring(Uint8Array.of(1, 0b01000000), 3), '<<1,2:3>>'],
  [[], '[]'],
  [[1, [2]], '[1,[2]]'],
  [[104, 105], '[104,105]'],
  [new ImproperList([1, 2], atom('t')), '[1,2|t]'],
  [tuple(), '{}'],
  [tuple(atom('ok'), 1), '{ok,1}'],
  [{}, '#{}'],
  [{ a: 1, 'B c': { d: 2 } }, "#{a => 1,'B c' => #{d => 2}}"],
  [
    new Map<Term, Term>([
      [1, 2],
      [tuple(1), 'x'],
    ]),
    '#{1 => 2,{1} => <<"x">>}',
  ],
  [new ExternalFun(atom('lists'), atom('sum'), 1), 'fun lists:sum/1'],
  [fun, '#Fun<erl_eval.43.3316493>'],
  [new Pid('a@host', 85, 0, 1699), '#Pid<a@host.85.0/1699>'],
  [new Pid('a@127.0.0.1', 85, 0, 0), "#Pid<'a@127.0.0.1'.85.0/0>"],
  [new Port('a@host', 2n ** 40n, 3), '#Port<a@host.1099511627776/3>'],
  [new Reference('a@host', [1, 2, 3], 4), '#Ref<a@host.1.2.3/4>'],
  [record, "#shop:item{price = 5,'Name' = 6}"],
])('prints terms as Erlang does: $1', ([term, text]) => {
  expect(print(term)).toBe(text)
  expect(inspect(tuple(term))).toBe(`{${text}}`)
})

it('shows every class of term by toString and inspect as it prints it', () => {
  const terms = [atom('Ok'), tuple(1), fun, record, new Float(1), new ImproperList([1], 2), new Pid('a@b', 1, 2, 3)]
  for (const term of terms) expect(inspect([term])).toBe(`[ ${print(term)} ]`)
  for (const term of terms.slice(1)) expect(String(term)).toBe(print(term))
})

it('prints native records so that parse reads them, as exported ones', () => {
  expect(equal(parse(print(record)), record)).toBe(true)
  const hidden = new NativeRecord(record.module, record.name, record.fields, 0)
  expect(print(hidden)).toBe(print(record))
})

it('prints terms of every type so that parse reads them', () => {
  fc.assert(
    fc.property(arbitraryTerm(), (term) => {
      const text = print(term)
      // A local function has no text.
      fc.pre(!text.includes('#Fun<'))
      expect(equal(parse(text), term)).toBe(true)
      expect(equal(parse(print(term, { indent: 2, width: 20 })), term)).toBe(true)
    }),
    { numRuns: 1000 },
  )
})

it.for<[unknown, string]>([
  [() => 1, '#NotATerm<a function>'],
  [Symbol('s'), '#NotATerm<Symbol(s)>'],
  [new Date(0), '#NotATerm<an instance of Date>'],
  [Number.NaN, '#NotATerm<NaN>'],
  ['\ud800', '#NotATerm<"\\ud800">'],
  [[Number.POSITIVE_INFINITY], '[#NotATerm<Infinity>]'],
])('shows what is no term as no Erlang: $1', ([value, text]) => {
  expect(print(value as Term)).toBe(text)
  expect(() => parse(text)).toThrow(/no Erlang form/)
})

it('shows where a value contains itself, and the same value twice as it is', () => {
  const list: Term[] = [1]
  list.push(tuple(list))
  expect(print(list)).toBe('[1,{#Circular}]')
  const shared = [1]
  expect(print([shared, shared])).toBe('[[1],[1]]')
})

it('stops at a depth', () => {
  expect(print([1, [2, [3, []]]], { depth: 2 })).toBe('[1,[2,...]]')
  expect(print({ a: { b: 1 } }, { depth: 1 })).toBe('#{a => ...}')
  expect(print(tuple('leaf', new Float(1), new Pid('a@b', 1, 2, 3)), { depth: 1 })).toBe(
    '{<<"leaf">>,1.0,#Pid<a@b.1.2/3>}',
  )
})

it('stops at a length, and closes its brackets', () => {
  const long = Array.from({ length: 100_000 }, (_, i) => i)
  expect(print(long, { length: 10 })).toBe('[0,1,2,3,4,...]')
  expect(print({ a: long, b: 1 }, { length: 12 })).toBe('#{a => [0,1,...],...}')
  expect(print('x'.repeat(100), { length: 5 })).toBe('<<"xxxxx"...>>')
  expect(print('🌊'.repeat(100), { length: 5 })).toBe('<<"🌊🌊"/utf8...>>')
  expect(print(new Uint8Array(100), { length: 8 })).toBe('<<0,0,...>>')
  expect(print(2n ** 4000n, { length: 5 })).toBe('13182...')
  expect(print(new ImproperList(long, 1), { length: 4 })).toBe('[0,1,...]')
  expect(print([1, 2], { length: 100 })).toBe('[1,2]')
})

it('prints terms of any depth that decode makes, and stops at that depth', () => {
  let term: Term = 1
  for (let i = 0; i < 100_000; i++) term = new Map([[term, 1]])
  expect(print(term)).toMatch(/^(#\{){2000}\.\.\. => 1/)
  const deep = decode(encode(parse('[{'.repeat(900) + '}]'.repeat(900))))
  expect(print(deep)).toBe('[{'.repeat(900) + '}]'.repeat(900))
})

it('breaks what does not fit a line, outer brackets first', () => {
  const term = parse(
    '{ok, #{name => <<"Ada Lovelace">>, tags => [a, {b, c}], numbers => [1000000, 2000000, 3000000, 4000000]}, []}',
  )
  expect(print(term, { indent: 2, width: 40 })).toBe(
    [
      '{',
      '  ok,',
      '  #{',
      '    name => <<"Ada Lovelace">>,',
      '    tags => [a,{b,c}],',
      '    numbers => [',
      '      1000000, 2000000, 3000000,',
      '      4000000',
      '    ]',
      '  },',
      '  []',
      '}',
    ].join('\n'),
  )
  expect(print(term, { indent: 2, width: 200 })).toBe(print(term))
})
