import { expect, it } from 'vitest'
import {
  atom,
  Bitstring,
  decode,
  ExternalFun,
  encode,
  equal,
  Float,
  ImproperList,
  ParseError,
  type ParseOptions,
  Pid,
  Port,
  parse,
  parseAll,
  print,
  Reference,
  type Term,
  tuple,
} from '../../src/term/index.ts'

const bytes = (...values: number[]) => Uint8Array.from(values)

it.for<[string, Term]>([
  ['42', 42],
  ['-42', -42],
  ['+42', 42],
  ['- 42', -42],
  ['-0', 0],
  ['1_000_000', 1_000_000],
  ['16#ff', 255],
  ['-16#FF', -255],
  ['2#1010', 10],
  ['36#Zz', 35 * 36 + 35],
  ['16#dead_beef', 0xdeadbeef],
  ['16#ffffffffffffffffffff', 2n ** 80n - 1n],
  [`3#${'2'.repeat(60)}`, 3n ** 60n - 1n],
  ['9007199254740993', 9007199254740993n],
  ['$a', 97],
  ['$ ', 32],
  ['$\\n', 10],
  ['$\\\\', 92],
  ['$\\x{1F600}', 0x1f600],
  ['$😀', 0x1f600],
  ['1.5', 1.5],
  ['-1.5e-3', -0.0015],
  ['1.0', new Float(1)],
  ['-0.0', new Float(-0)],
  ['1_0.2_5E+1_0', new Float(10.25e10)],
  ['ok', atom('ok')],
  ['true', true],
  ['nil', null],
  ['undefined', undefined],
  ["'true'", true],
  ['hello_World@1', atom('hello_World@1')],
  ['über', atom('über')],
  ['maybe', atom('maybe')],
  ["''", atom('')],
  ["'Elixir.Foo'", atom('Elixir.Foo')],
  ["'a\\'b\\n\\x41\\x{1F600}\\101\\^A\\s\\q'", atom("a'b\nA😀A\x01 q")],
  ["'two\nlines'", atom('two\nlines')],
  ['"abc"', [97, 98, 99]],
  ['""', []],
  ['"a" "b"\n"c"', [97, 98, 99]],
  ['"\\"\\e\\d"', [34, 27, 127]],
  ['"😀"', [0x1f600]],
  ['<<>>', ''],
  ['<<"abc">>', 'abc'],
  ['<<"é">>', bytes(233)],
  ['<<"é"/utf8>>', 'é'],
  ['<<"é"/utf16>>', bytes(0, 233)],
  ['<<"😀"/utf16-little>>', bytes(0x3d, 0xd8, 0, 0xde)],
  ['<<"a"/utf32>>', bytes(0, 0, 0, 97)],
  ['<<"ab":16>>', bytes(0, 97, 0, 98)],
  ['<<"abc", 1, "d">>', 'abc\x01d'],
  ['<<1,2,255>>', bytes(1, 2, 255)],
  ['<<-1, 256, 257>>', bytes(255, 0, 1)],
  ['<<233/utf8, 16#1F600/utf8>>', 'é😀'],
  ['<<1:1>>', new Bitstring(bytes(128), 1)],
  ['<<1,2:3>>', new Bitstring(bytes(1, 0b01000000), 3)],
  ['<<1:4, 255:8, 1:4>>', bytes(0x1f, 0xf1)],
  ['<<1:0>>', ''],
  ['<<16#1234:16/little>>', bytes(0x34, 0x12)],
  ['<<16#123:12/little>>', new Bitstring(bytes(0x23, 0x10), 4)],
  ['<<1:2/unit:8>>', bytes(0, 1)],
  ['<<1.5/float>>', bytes(0x3f, 0xf8, 0, 0, 0, 0, 0, 0)],
  ['<<1.5:32/float-little>>', bytes(0, 0, 0xc0, 0x3f)],
  ['<<1/float>>', bytes(0x3f, 0xf0, 0, 0, 0, 0, 0, 0)],
  ['~"é"', 'é'],
  ['{}', tuple()],
  ['{ok, {1, 2}}', tuple(atom('ok'), tuple(1, 2))],
  ['[]', []],
  ['[1, [2], []]', [1, [2], []]],
  ['[1|2]', new ImproperList([1], 2)],
  ['[1, 2|[3|[4|[]]]]', [1, 2, 3, 4]],
  ['[1|[2|three]]', new ImproperList([1, 2], atom('three'))],
  ['[1|"ab"]', [1, 97, 98]],
  ['[1|{2}]', new ImproperList([1], tuple(2))],
  ['#{}', {}],
  ["#{a => 1, 'B' => #{c => []}}", { a: 1, B: { c: [] } }],
  [
    '#{1 => 2, {a} => <<"x">>}',
    new Map<Term, Term>([
      [1, 2],
      [tuple(atom('a')), 'x'],
    ]),
  ],
  [
    '#{1 => a, 1.0 => b}',
    new Map<Term, Term>([
      [1, atom('a')],
      [new Float(1), atom('b')],
    ]),
  ],
  ['fun lists:sum/1', new ExternalFun(atom('lists'), atom('sum'), 1)],
  ["fun 'Elixir.Foo':'bar?'/255", new ExternalFun(atom('Elixir.Foo'), atom('bar?'), 255)],
  ['#Pid<a@host.85.0/1699>', new Pid('a@host', 85, 0, 1699)],
  ["#Pid<'a@127.0.0.1'.85.0/0>", new Pid('a@127.0.0.1', 85, 0, 0)],
  ["#Port<'it\\'s@host'.18446744073709551615/4294967295>", new Port("it's@host", 2n ** 64n - 1n, 2 ** 32 - 1)],
  ['#Ref<a@host.1.2.3.4.5/6>', new Reference('a@host', [1, 2, 3, 4, 5], 6)],
  ['% a comment\n {ok, % another, with "quotes" and }\n  1}. % the end', tuple(atom('ok'), 1)],
  ['\uFEFFok.', atom('ok')],
  ['ok.\n', atom('ok')],
  ['\u00a0ok\t\r\n', atom('ok')],
])('reads %s', ([text, term]) => {
  expect(equal(parse(text), term), print(parse(text))).toBe(true)
})

it('reads maps in the form that is asked for', () => {
  expect(parse('#{a => 1}', { maps: 'map' })).toEqual(new Map([[atom('a'), 1]]))
  expect(parse('#{a => 1, 2 => 3, <<"b">> => 4}', { maps: 'object' })).toEqual({ a: 1, 2: 3, b: 4 })
  expect(() => parse('{#{{} => 1}}', { maps: 'object' })).toThrow(ParseError)
  const hostile = parse("#{'__proto__' => #{admin => true}}") as { admin?: Term }
  expect(Object.keys(hostile)).toEqual(['__proto__'])
  expect(hostile.admin).toBeUndefined()
})

it('reads binaries and floats in the form that is asked for', () => {
  expect(parse('<<"a">>', { binaries: 'bytes' })).toEqual(bytes(97))
  expect(parse('<<255>>', { binaries: 'string' })).toBe('\uFFFD')
  expect(parse('1.0')).toEqual(new Float(1))
  expect(parse('1.0', { floats: 'number' })).toBe(1)
})

it('asks for the creation of identifiers that are written without one', () => {
  const options = { creation: (node: string) => (node === 'a@host' ? 7 : undefined) }
  expect(parse('#Pid<a@host.85.0>', options)).toEqual(new Pid('a@host', 85, 0, 7))
  expect(parse('#Ref<a@host.1.2>', options)).toEqual(new Reference('a@host', [1, 2], 7))
  expect(parse('#Pid<a@host.85.0/6>', options)).toEqual(new Pid('a@host', 85, 0, 6))
  expect(() => parse('#Pid<b@host.85.0>', options)).toThrow(/creation is missing/)
})

it('makes the same terms as decode does', () => {
  const text = '{#{a => <<"x">>}, [1, 2|<<255>>], <<1:3>>, "s", 1.5, nil}'
  expect(parse(text)).toEqual(decode(encode(parse(text, { maps: 'map', binaries: 'bytes' }))))
})

function failure(text: string, options?: ParseOptions): ParseError {
  try {
    parse(text, options)
  } catch (error) {
    expect(error).toBeInstanceOf(ParseError)
    expect((error as ParseError).code).toBe('ERR_PARSE')
    return error as ParseError
  }
  throw new Error('this parses')
}

it.for<[string, number, RegExp]>([
  ['', 0, /expected a term, found the end/],
  ['% only a comment', 16, /expected a term/],
  ['.', 0, /expected a term, found a dot/],
  ['{ok', 3, /found the end of the text.*a bracket is not closed/],
  ['[1 2]', 3, /expected ",", "\|" or "\]".*comma missing/],
  ['{1 2}', 3, /expected "," or "}".*comma missing/],
  ['[1,]', 3, /found "\]".*comma too many/],
  ['{a,}', 3, /comma too many/],
  ['#{a => 1,}', 9, /comma too many/],
  ['[1|2,3]', 4, /expected "\]"/],
  ['[1|[2], 3]', 6, /expected "\]"/],
  ['[|1]', 1, /expected a term/],
  ['{1]', 2, /expected "," or "}", found "\]"/],
  ['a b', 2, /expected the end of the text/],
  ['a. b', 3, /expected the end of the text/],
  [':ping', 0, /Elixir's :ping is written ping/],
  ['{:ok, 1}', 1, /Elixir's :ok is written ok/],
  ['{"a": 1}', 4, /JSON's \{"a": …\} is written #\{<<"a">> => …\}/],
  ['#{a: 1}', 3, /Elixir's a: … is written a => …/],
  ['[a: 1]', 2, /Elixir's a: …/],
  ['%{a => 1}', 9, /% begins a comment; a map is written #\{key => Value\}/],
  ['{ok, %{a => 1}}', 15, /% begins a comment/],
  ['#{a = 1}', 4, /expected "=>"/],
  ['#{a := 1}', 4, /a map is written/],
  ['{a => 1}', 3, /a map is written #\{key => Value\}/],
  ['Foo', 0, /variable Foo.*'Foo'/],
  ['Foo.Bar', 0, /'Elixir.Foo.Bar'/],
  ['_', 0, /variable _/],
  ['true and false', 5, /expected the end/],
  ['end', 0, /reserved word.*'end'/],
  ['fun(X) -> X end', 0, /fun module:name\/arity/],
  ['fun a:b', 7, /expected "\/"/],
  ['fun a:b/256', 8, /arity from 0 to 255/],
  ["'abc", 0, /quoted atom has no end.*'/],
  ["{'abc, 1}", 1, /quoted atom has no end/],
  ['"abc', 0, /string has no end/],
  ['<<"abc>>', 2, /string has no end/],
  ['<<1', 3, /expected "," or ">>"/],
  ['<<a>>', 2, /an integer, a float or a string/],
  ['<<1.5>>', 2, /\/float/],
  ['<<"Ā">>', 2, /\/utf8/],
  ['<<1/foo>>', 4, /known are integer/],
  ['<<1:8/utf8>>', 2, /takes no size/],
  ['<<1:a>>', 4, /expected a size/],
  ['<<1/unit:0>>', 9, /unit from 1 to 256/],
  ['<<16#d800/utf8>>', 2, /no such character/],
  ['<<1.0e300:32/float>>', 2, /too large/],
  ['<<1.0:16/float>>', 2, /32 or 64/],
  ['1e10', 1, /a float has a point/],
  ['1.0e400', 0, /too large/],
  ['.5', 0, /begins with a digit/],
  ['12abc', 2, /behind a number/],
  ['1__0', 0, /underscore/],
  ['37#1', 0, /no base 37/],
  ['16#', 3, /expected digits of base 16/],
  ['2#102', 2, /2 is no digit of base 2/],
  ['$', 0, /expected a character/],
  ['$\\', 1, /ends after a backslash/],
  ['"\\x{110000}"', 1, /no such character/],
  ['"\\x{d800}"', 1, /no such character/],
  ['"\\xZZ"', 1, /hexadecimal/],
  ['\ud800', 0, /expected a term/],
  ['"\ud800"', 0, /lone surrogate/],
  [`'${'x'.repeat(256)}'`, 0, /at most 255 characters/],
  ['#{a => 1, a => 2}', 10, /this key twice/],
  ['#{{1} => 1, {1} => 2}', 12, /this key twice/],
  ['#rec{a = 1}', 0, /write the tuple/],
  ['#m:r{a = 1, a = 2}', 12, /field a is there twice/],
  ['<0.85.0>', 0, /#Pid<node@host/],
  ['#PID<0.85.0>', 1, /#Pid<node@host/],
  ['#Fun<erl_eval.43.3316493>', 1, /local function/],
  ['#Pid<a@host.1.2.3/4>', 0, /3 numbers/],
  ['#Pid<a@host.4294967296.0/4>', 0, /too large/],
  ['#Ref<a@host.1.2.3.4.5.6/7>', 0, /6 numbers/],
  ['#Pid<a@host.85.0>', 0, /creation is missing/],
  ['“a”', 0, /straight quotes/],
  ['[1, 2,\n 3 4]', 10, /comma missing/],
  ['-a', 1, /expected a term/],
])('refuses %s, and says where and why', ([text, offset, message]) => {
  const error = failure(text)
  expect(error.message).toMatch(message)
  expect(error.offset).toBe(offset)
})

it('draws the place', () => {
  const error = failure('{ok,\n\t"grün" [1 2]}')
  expect(error.line).toBe(2)
  expect(error.column).toBe(9)
  expect(error.message).toBe('expected "," or "}", found "[" (line 2, column 9)\n   "grün" [1 2]}\n          ^')
})

it('draws no more than a part of a long line, and nothing that moves the cursor', () => {
  const error = failure(`{${'a,'.repeat(1000)}\u001b[2J Foo${',a'.repeat(1000)}}`)
  const [, picture, caret] = error.message.split('\n')
  expect(picture?.length).toBeLessThan(100)
  expect(picture).not.toContain('\u001b')
  expect(picture?.[(caret as string).indexOf('^')]).toBe('J')
  expect(picture).toMatch(/^ {2}….*…$/)
})

it('reads all the terms of a file, each with its dot', () => {
  const text = "%% hosts\n'a.example'.\n'b.example'.\n\n[{kernel, [{net_ticktime, 60}]}].\n"
  expect(parseAll(text).map((term) => print(term))).toEqual([
    "'a.example'",
    "'b.example'",
    '[{kernel,[{net_ticktime,60}]}]',
  ])
  expect(parseAll('')).toEqual([])
  expect(parseAll('% nothing\n')).toEqual([])
  expect(() => parseAll('a. b')).toThrow(/expected a dot, found the end/)
  expect(() => parseAll('a b.')).toThrow(/expected a dot/)
  expect(() => parseAll('a.\n\n {.')).toThrow(/line 3, column 3/)
})

it('reads a term of the greatest depth, and refuses one of 100,000 brackets', () => {
  for (const [open, close] of [
    ['[', ']'],
    ['{', '}'],
    ['#{1=>', '}'],
    ['#{a=>', '}'],
    ['#m:r{a=', '}'],
  ] as const) {
    const nested = (depth: number) => `${open.repeat(depth)}1${close.repeat(depth)}`
    expect(print(parse(nested(2000))).length).toBeGreaterThan(4000)
    expect(failure(nested(2001)).message).toMatch(/deeper than 2000 levels/)
    expect(failure(nested(100_000)).message).toMatch(/deeper than 2000 levels/)
    expect(failure(open.repeat(100_000)).message).toMatch(/deeper than 2000 levels/)
  }
  expect(failure('[[[]]]', { limits: { termDepth: 2 } }).offset).toBe(2)
})

it('reads 100,000 tails, which go no deeper', () => {
  const text = `${'[1|'.repeat(100_000)}[]${']'.repeat(100_000)}`
  expect(parse(text)).toHaveLength(100_000)
})

it('reads long texts in proportion to their length', () => {
  expect(parse(`[${'1,'.repeat(300_000)}1]`)).toHaveLength(300_001)
  expect(parse(`<<"${'x'.repeat(1_000_000)}">>`)).toHaveLength(1_000_000)
  expect(parse(`"${'\\n'.repeat(300_000)}"`)).toHaveLength(300_000)
  expect(parse(`${'%\n'.repeat(300_000)}ok`)).toBe(atom('ok'))
  expect(parse(`7#${'6'.repeat(50_000)}`)).toBe(7n ** 50_000n - 1n)
  expect(parse(`1${'_0'.repeat(50_000)}`)).toBe(10n ** 50_000n)
  const keys = Array.from({ length: 50_000 }, (_, i) => `{k,${i}}=>1`)
  expect((parse(`#{${keys}}`) as Map<Term, Term>).size).toBe(50_000)
})

it('makes no binary larger than allowed, whatever size a segment asks for', () => {
  expect(failure('<<0:99999999999999>>').message).toMatch(/too large/)
  expect(failure('<<0:1000000000/unit:256>>').message).toMatch(/too large/)
  const limits = { inflatedBytes: 100 }
  expect(parse('<<0:800>>', { limits, binaries: 'bytes' })).toHaveLength(100)
  expect(failure('[<<0:400>>,<<0:401>>]', { limits }).message).toMatch(/too large/)
})
