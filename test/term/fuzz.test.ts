import fc from 'fast-check'
import { expect, it } from 'vitest'
import { TsunagiError } from '../../src/base/errors.ts'
import { type DecodeOptions, decode, encode, equal, parse, print, type Term } from '../../src/term/index.ts'
import { arbitraryTerm } from '../support/arbitrary-term.ts'
import { seed } from '../support/seed.ts'
import { modern, readOnly } from './vectors.ts'

const runs = Number(process.env.TSUNAGI_FUZZ_RUNS ?? 20_000)

const forms: readonly DecodeOptions[] = [
  {},
  { floats: 'exact', maps: 'map', binaries: 'bytes' },
  { maps: 'object', binaries: 'string' },
]

const bytesWorthTrying = [0, 1, 2, 7, 8, 67, 70, 77, 80, 82, 88, 89, 90, 97, 98, 99, 100, 101, 102, 103, 104, 105, 106]
bytesWorthTrying.push(107, 108, 109, 110, 111, 112, 113, 114, 115, 116, 118, 119, 120, 121, 127, 128, 131, 255)

/** What happens to an encoding: bytes change, go, come, or are doubled. */
const mutation = fc.record({
  kind: fc.constantFrom('set', 'flip', 'cut', 'insert', 'copy', 'length'),
  at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
  byte: fc.oneof(fc.constantFrom(...bytesWorthTrying), fc.integer({ min: 0, max: 255 })),
  count: fc.integer({ min: 1, max: 9 }),
})

function mutated(bytes: Buffer, { kind, at, byte, count }: typeof mutation extends fc.Arbitrary<infer T> ? T : never) {
  const index = Math.floor(at * bytes.length)
  const result = Buffer.from(bytes)
  switch (kind) {
    case 'set':
      result[index] = byte
      return result
    case 'flip':
      result[index] = (result[index] ?? 0) ^ (1 << (count % 8))
      return result
    case 'cut':
      return Buffer.concat([bytes.subarray(0, index), bytes.subarray(index + count)])
    case 'insert':
      return Buffer.concat([bytes.subarray(0, index), Buffer.alloc(count, byte), bytes.subarray(index)])
    case 'copy':
      return Buffer.concat([bytes.subarray(0, index), bytes.subarray(Math.max(0, index - 20))])
    default:
      if (index + 4 <= result.length)
        result.writeUInt32BE([0, 1, 0xffff, 0x7fffffff, 0xffffffff][count % 5] as number, index)
      return result
  }
}

/** Nothing but an error of ours may come out; what decodes must also print, encode and compare. */
function survives(bytes: Buffer, options: DecodeOptions): boolean {
  let term: Term
  try {
    term = decode(bytes, options)
  } catch (error) {
    if (!(error instanceof TsunagiError) || error.code !== 'ERR_DECODE') throw error
    return false
  }
  print(term)
  // A key of any length is text there, and may be longer than an atom.
  if (options.maps === 'object') return true
  const again = decode(encode(term), { ...options, floats: 'exact' })
  if (options.floats === 'exact' && !equal(again, term)) throw new Error(`${print(term)} became ${print(again)}`)
  return true
}

it(`takes no harm from mutated encodings (seed ${seed})`, () => {
  const start = fc.oneof(
    arbitraryTerm({ records: true }).map((term) => encode(term)),
    arbitraryTerm().map((term) => encode(term, { compressed: true })),
    fc.constantFrom(...[...modern, ...readOnly].map(([, hex]) => Buffer.from(hex, 'hex'))),
  )
  let decoded = 0
  fc.assert(
    fc.property(
      start,
      fc.array(mutation, { minLength: 1, maxLength: 4 }),
      fc.constantFrom(...forms),
      (bytes, mutations, options) => {
        if (survives(mutations.reduce(mutated, bytes), options)) decoded++
      },
    ),
    { seed, numRuns: runs },
  )
  // Were nothing or everything refused, this would not test much.
  expect(decoded).toBeGreaterThan(runs / 100)
  expect(decoded).toBeLessThan(runs)
})

it(`takes no harm from random bytes (seed ${seed})`, () => {
  const input = fc.array(fc.oneof(fc.constantFrom(...bytesWorthTrying), fc.nat(255)), { maxLength: 60 })
  fc.assert(
    fc.property(input, fc.constantFrom(...forms), (bytes, options) => {
      survives(Buffer.from([131, ...bytes]), options)
    }),
    { seed, numRuns: runs },
  )
  expect(() => survives(Buffer.of(131), {})).not.toThrow()
})

it(`takes no harm from mutated text (seed ${seed})`, () => {
  const snippet = fc.constantFrom(
    ...`{ } [ ] << >> #{ => | , . : / - ' " $ # % \\ fun 16# ~ #Pid< 1.0 a "" \n é ( =`.split(' '),
  )
  const edit = fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(3), snippet)
  let parsed = 0
  fc.assert(
    fc.property(arbitraryTerm(), fc.array(edit, { minLength: 1, maxLength: 3 }), (term, edits) => {
      let text = print(term)
      for (const [at, gone, come] of edits) {
        const index = Math.floor(at * text.length)
        text = text.slice(0, index) + come + text.slice(index + gone)
      }
      let read: Term
      try {
        read = parse(text)
      } catch (error) {
        if (!(error instanceof TsunagiError) || error.code !== 'ERR_PARSE') throw error
        return
      }
      parsed++
      if (!equal(parse(print(read)), read)) throw new Error(`${print(read)} is read as ${print(parse(print(read)))}`)
    }),
    { seed, numRuns: Math.ceil(runs / 4) },
  )
  expect(parsed).toBeGreaterThan(runs / 400)
})
