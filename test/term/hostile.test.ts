import { deflateSync } from 'node:zlib'
import { expect, it } from 'vitest'
import { DecodeError, decode, type ExternalDecodeOptions, encode, type Term } from '../../src/term/index.ts'

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex')

function failure(bytes: Uint8Array, options?: ExternalDecodeOptions): DecodeError {
  try {
    decode(bytes, options)
  } catch (error) {
    expect(error).toBeInstanceOf(DecodeError)
    return error as DecodeError
  }
  throw new Error('this decodes')
}

function compressed(bytes: Uint8Array, size = bytes.length): Buffer {
  const head = Buffer.from([131, 80, 0, 0, 0, 0])
  head.writeUInt32BE(size, 2)
  return Buffer.concat([head, deflateSync(bytes)])
}

it.for([
  ['tuples', [104, 1]],
  ['lists', [108, 0, 0, 0, 1]],
  ['maps as values', [116, 0, 0, 0, 1, 97, 1]],
  ['maps as keys', [116, 0, 0, 0, 1]],
  ['functions named by a function', [113, 119, 0, 119, 0]],
  ['functions as their own index', [112, ...new Array<number>(25).fill(0), 119, 0]],
] as const)('refuses %s nested 100,000 deep', ([, opening]) => {
  const bytes = Buffer.concat([Buffer.of(131), Buffer.alloc(100_000 * opening.length, Buffer.from(opening))])
  expect(failure(bytes).code).toBe('ERR_DECODE')
})

it('takes terms as deep as the limit and no deeper', () => {
  const nested = (depth: number) => hex(`83 ${'6801'.repeat(depth)} 6a`)
  const { termDepth } = { termDepth: 5 }
  expect(decode(nested(5), { limits: { termDepth } })).toBeDefined()
  expect(failure(nested(6), { limits: { termDepth } }).message).toMatch(/deeper than 5 levels/)
  expect(decode(nested(2000))).toBeDefined()
  expect(failure(nested(2001)).message).toMatch(/deeper than 2000 levels/)
})

it('reads a chain of 100,000 tails without going deeper, and in one pass', () => {
  const bytes = Buffer.concat([hex('83'), Buffer.alloc(7 * 100_000, hex('6c 00000001 61 07')), hex('6a')])
  const list = decode(bytes) as Term[]
  expect(list).toHaveLength(100_000)
  expect(list.every((element) => element === 7)).toBe(true)
  const empty = Buffer.concat([hex('83'), Buffer.alloc(5 * 100_000, hex('6c 00000000')), hex('61 05')])
  expect(decode(empty)).toBe(5)
})

it.for([
  ['a list', '83 6c ffffffff 6a'],
  ['a tuple', '83 69 ffffffff 6a'],
  ['a map', '83 74 ffffffff 6a'],
  ['a map of half as many pairs as there are bytes', '83 74 00000002 6161 6161'],
  [
    'a function',
    '83 70 00000020 00 00000000000000000000000000000000 00000000 ffffffff 7700 6100 6100 58 7700 000000000000000000000000',
  ],
  ['a record', '83 43 ffffffff 01 7700 7700 6a'],
])('refuses %s that claims more elements than there are bytes', ([, text]) => {
  expect(failure(hex(text as string)).message).toMatch(/claimed|ends inside/)
})

it.for([
  ['a binary', '83 6d ffffffff 00'],
  ['a bit string', '83 4d ffffffff 01 00'],
  ['an integer', '83 6f ffffffff 00 00'],
  ['a string of bytes', '83 6b ffff 00'],
  ['an atom', '83 76 ffff 61'],
])('refuses %s longer than the input', ([, text]) => {
  expect(failure(hex(text as string)).message).toMatch(/ends inside/)
})

it('counts the parts of a term, also bytes in lists and empty containers', () => {
  const limits = { termCount: 100 }
  const list = (count: number) => encode(new Array<Term>(count).fill(1000))
  expect(decode(list(100), { limits })).toHaveLength(100)
  expect(failure(list(101), { limits }).message).toMatch(/more than 100 parts/)
  expect(failure(encode(new Array<Term>(101).fill(1)), { limits }).message).toMatch(/more than 100 parts/)
  const nested = encode(new Array<Term>(11).fill(new Array<Term>(10).fill(1000)))
  expect(failure(nested, { limits }).message).toMatch(/more than 100 parts/)
})

it('unpacks no further than the size that is claimed and allowed', () => {
  const zeros = Buffer.concat([hex('6d 00100000'), Buffer.alloc(0x100000)])
  expect(decode(compressed(zeros), { binaries: 'bytes' })).toHaveLength(0x100000)
  const limits = { inflatedBytes: 1000 }
  expect(failure(compressed(zeros), { limits }).message).toMatch(/1000 are allowed/)
  expect(failure(compressed(zeros, 900), { limits }).message).toMatch(/does not unpack/)
  expect(failure(compressed(zeros, 0xffffffff)).message).toMatch(/are allowed/)
  expect(failure(compressed(zeros, zeros.length + 1)).message).toMatch(/another size/)
  expect(failure(compressed(zeros, 0)).code).toBe('ERR_DECODE')
  expect(failure(Buffer.concat([compressed(zeros), Buffer.of(0)])).message).toMatch(/left over/)
})

it('refuses compressed terms inside of compressed terms, and version bytes inside of terms', () => {
  expect(failure(compressed(compressed(hex('61 01')).subarray(1))).message).toMatch(/no tag 80/)
  expect(failure(hex('83 68 01 83 61 01')).message).toMatch(/no tag 131/)
})

it.for([
  ['invalid UTF-8', '83 77 02 c3 28'],
  ['a surrogate', '83 77 03 ed a0 80'],
  ['UTF-8 in too many bytes', '83 77 02 c0 80'],
  ['256 characters', `83 76 0100 ${'61'.repeat(256)}`],
  ['256 characters of two bytes', `83 76 0200 ${'c3a9'.repeat(256)}`],
  ['256 characters of Latin-1', `83 64 0100 ${'61'.repeat(256)}`],
])('refuses atoms of %s', ([, text]) => {
  expect(failure(hex(text as string)).message).toMatch(/atom/)
})

it.for([
  ['the same atom', '83 74 00000002 770161 6101 770161 6102'],
  ['the same atom in another alphabet', '83 74 00000002 7702c3a9 6101 7301e9 6102'],
  ['the same integer', '83 74 00000002 6101 6101 6101 6102'],
  ['the same integer in another layout', '83 74 00000002 6101 6101 6200000001 6102'],
  ['the same text', '83 74 00000002 6d0000000161 6101 6d0000000161 6102'],
  ['the same tuple', '83 74 00000002 68016101 6101 68016101 6102'],
  ['the same float', '83 74 00000002 463ff8000000000000 6101 463ff8000000000000 6102'],
  ['an atom that comes again behind another key', '83 74 00000003 770161 6101 6101 6101 770161 6102'],
  ['nil twice', '83 74 00000002 77036e696c 6101 77036e696c 6102'],
])('refuses maps that have %s as a key twice', ([, text]) => {
  expect(failure(hex(text as string)).message).toMatch(/twice/)
  expect(failure(hex(text as string), { maps: 'map', floats: 'exact', binaries: 'bytes' }).message).toMatch(/twice/)
})

it('finds keys that are there twice among a hundred', () => {
  const pairs = Array.from({ length: 100 }, (_, i) => `7703${Buffer.from(String(100 + i)).toString('hex')} 6101`).join(
    '',
  )
  expect(failure(hex(`83 74 00000065 ${pairs} 7703313030 6101`)).message).toMatch(/key 100 twice/)
})

it('takes time in proportion to the keys of a map, whatever they are', () => {
  const atoms = Array.from({ length: 30_000 }, (_, i) => `7705${Buffer.from(String(10_000 + i)).toString('hex')}6101`)
  const integers = Array.from({ length: 30_000 }, (_, i) => `62${i.toString(16).padStart(8, '0')}6101`)
  const map = decode(hex(`83 74 0000ea60 ${atoms.join('')}${integers.join('')}`)) as Map<Term, Term>
  expect(map.size).toBe(60_000)
})

it.for([
  ['an empty input', ''],
  ['another version', '82 61 01'],
  ['nothing behind the version', '83'],
  ['tag 121, which is for the sender alone', '83 79 8011336e 58 6a 0000000a 00000000 00000000'],
  ['tag 117, gone since OTP 23', '83 75 00000000'],
  ['tag 0', '83 00'],
  ['tag 255', '83 ff'],
  ['an atom cache reference without a header', '83 52 00'],
  ['bytes behind the term', '83 6101 00'],
  ['a float that is not a number', '83 46 7ff8000000000000'],
  ['an infinite float', '83 46 7ff0000000000000'],
  ['a textual float that is none', `83 63 ${Buffer.from('hello').toString('hex').padEnd(62, '0')}`],
  ['an infinite textual float', `83 63 ${Buffer.from('1.0e999').toString('hex').padEnd(62, '0')}`],
  ['an integer with a third sign', '83 6e 01 02 05'],
  ['a reference of no words', '83 5a 0000 770161 00000000'],
  ['a reference of six words', `83 5a 0006 770161 00000000 ${'00000001'.repeat(6)}`],
  ['a bit string of no bits in its last byte', '83 4d 00000001 00 ff'],
  ['a bit string of nine bits in its last byte', '83 4d 00000001 09 ff'],
  ['an empty bit string', '83 4d 00000000 08'],
  ['a pid whose node is no atom', '83 58 6101 00000000 00000000 00000000'],
  ['a function whose module is no atom', '83 71 6101 770161 6101'],
  ['a function whose arity is too large', '83 71 770161 770161 6200000100'],
  ['a record with a field twice', '83 43 00000002 01 770161 770162 770163 770163 6101 6102'],
])('refuses %s', ([, text]) => {
  expect(failure(hex(text as string)).code).toBe('ERR_DECODE')
})

it('says where in the input the fault is', () => {
  const error = failure(hex('83 68 02 61 01 ff'))
  expect(error.offset).toBe(5)
  expect(error.message).toBe('there is no tag 255 (at byte 5)')
})

it('is as good as new behind a refused term', () => {
  failure(hex('83 70 00000020 00 00000000000000000000000000000000 00000000 00000001 7700 6100 6100 ff'))
  expect(decode(hex('83 6d 00000001 61'))).toBe('a')
  expect(decode(hex('83 46 3ff0000000000000'))).toBe(1)
})

it('keeps a key named __proto__ a key', () => {
  const hostile = hex(`83 74 00000001 77095f5f70726f746f5f5f 74 00000001 770561646d696e 770474727565`)
  for (const options of [{}, { maps: 'object' }] as const) {
    const decoded = decode(hostile, options) as Record<string, Term>
    expect(Object.keys(decoded)).toEqual(['__proto__'])
    expect(Object.getPrototypeOf(decoded)).toBe(Object.prototype)
    expect((decoded as { admin?: Term }).admin).toBeUndefined()
    expect(encode(decoded).equals(hostile)).toBe(true)
  }
})
