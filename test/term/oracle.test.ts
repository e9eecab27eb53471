import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type DecodeOptions, decode, encode, equal, parse, print, type Term, tuple } from '../../src/term/index.ts'
import { arbitraryTerm, fewTerms } from '../support/arbitrary-term.ts'
import { describeOtp } from '../support/releases.ts'
import { seed } from '../support/seed.ts'
import { Oracle } from './oracle.ts'
import { modern, readOnly } from './vectors.ts'

const exact: DecodeOptions = { floats: 'exact', maps: 'map', binaries: 'bytes' }
/** The forms a person sees, and yet nothing is lost. */
const convenient: DecodeOptions = { floats: 'exact' }

const BATCH = 2500

const isNumber = (term: Term) => typeof term === 'number' || typeof term === 'bigint'

/** Expects the answers to be `wanted` for every term, and shows the shortest that fails. */
function expectEach<T>(terms: readonly T[], failing: (term: T, index: number) => string | undefined): void {
  const failures = terms.flatMap((term, index) => failing(term, index) ?? [])
  failures.sort((a, b) => a.length - b.length)
  expect(failures.slice(0, 1), `${failures.length} of ${terms.length} terms, seed ${seed}`).toEqual([])
}

describeOtp('terms and real OTP', (release) => {
  let oracle: Oracle
  const records = Number(release.otp) >= 29
  // Older releases take −0.0 for 0.0, also as keys of one map.
  const negativeZero = Number(release.otp) >= 27

  beforeAll(async () => {
    oracle = await Oracle.start(release)
  })

  afterAll(async () => {
    await oracle?.[Symbol.asyncDispose]()
  })

  it('runs on the release it says', () => {
    expect(oracle.otp.otp).toBe(release.otp)
    process.stdout.write(`terms: otp_release ${oracle.otp.otp}, seed ${seed}\n`)
  })

  it.for([0, 1, 2, 3])('gives 2,500 of our terms back as they were (batch %i)', async (batch) => {
    const terms = fc.sample(arbitraryTerm({ records, negativeZero }), { numRuns: BATCH, seed: seed + batch })
    const back = await oracle.roundTrip(terms.map((term) => encode(term)))
    expect(back).toHaveLength(BATCH)
    expectEach(terms, (term, i) => {
      const bytes = back[i] as Buffer
      if (equal(decode(bytes, exact), term) && equal(decode(bytes, convenient), term)) return undefined
      return `${print(term)} came back as ${print(decode(bytes, exact))}`
    })
  })

  it.for([0, 1, 2, 3])('says that 2,500 of its own terms are the same after us (batch %i)', async (batch) => {
    const theirs = await oracle.random(seed + batch, BATCH)
    expect(theirs).toHaveLength(BATCH)
    for (const options of [exact, convenient]) {
      const terms = theirs.map((bytes) => decode(bytes, options))
      const compressed = batch % 2 === 1
      const answers = await oracle.same(
        terms.map((term, i): [Uint8Array, Uint8Array] => [theirs[i] as Buffer, encode(term, { compressed })]),
      )
      expectEach(terms, (term, i) =>
        answers[i] ? undefined : `${theirs[i]?.toString('hex')}, which is ${print(term)}`,
      )
    }
  })

  it('reads the layouts of the vectors as we do, the old ones too', async () => {
    const vectors = [...modern, ...readOnly].filter(([tag]) => records || !tag.includes('(OTP 29)'))
    const answers = await oracle.same(vectors.map(([, hex, term]) => [Buffer.from(hex, 'hex'), encode(term)]))
    expectEach(vectors, ([tag], i) => (answers[i] ? undefined : tag))
  })

  it('reads what we print as the same terms', async () => {
    const terms = fc.sample(arbitraryTerm({ opaque: false, negativeZero }), { numRuns: BATCH, seed })
    const answers = await oracle.read(terms.map((term): [string, Uint8Array] => [print(term), encode(term)]))
    expectEach(terms, (term, i) => (answers[i] === '' ? undefined : `${print(term)}: ${answers[i]}`))
  })

  it('reads what we print on several lines', async () => {
    const terms = fc.sample(arbitraryTerm({ opaque: false, negativeZero }), { numRuns: 500, seed })
    const texts = terms.map((term) => print(term, { indent: 2, width: 30 }))
    const answers = await oracle.read(terms.map((term, i): [string, Uint8Array] => [texts[i] as string, encode(term)]))
    expectEach(terms, (_, i) => (answers[i] === '' ? undefined : `${texts[i]}: ${answers[i]}`))
  })

  it('prints its terms so that we read them', async () => {
    const theirs = await oracle.random(seed, BATCH, { opaque: false })
    const texts = await oracle.printed(theirs)
    expectEach(theirs, (bytes, i) => {
      const text = texts[i] as string
      const term = decode(bytes, exact)
      return equal(parse(text), term) && equal(parse(text, exact), term) ? undefined : `${text}: ${print(parse(text))}`
    })
  })

  it('prints our terms so that we read them', async () => {
    // OTP takes the UTF-8 of a function's module and name for Latin-1 when it prints them, and quotes no reserved word.
    const plain = arbitraryTerm({ opaque: false, externalFuns: false, negativeZero })
    const terms = fc.sample(plain, { numRuns: BATCH, seed })
    const texts = await oracle.printed(terms.map((term) => encode(term)))
    expectEach(terms, (term, i) => (equal(parse(texts[i] as string), term) ? undefined : texts[i]))
  })

  it('prints numbers, atoms, tuples and lists with the same characters as we do', async () => {
    const { term } = fc.letrec<{ term: Term }>((tie) => ({
      term: fc.oneof(
        { maxDepth: 4 },
        arbitraryTerm({ opaque: false, negativeZero }).filter(isNumber),
        fc.double({ noNaN: true, noDefaultInfinity: true }).filter((value) => !Number.isInteger(value)),
        // OTP prints a list of characters as a string. Deep down there are only numbers, so it cannot be filtered out.
        fc.array(tie('term'), { maxLength: 5 }).map((list) => (list.every(isNumber) ? [...list, tuple()] : list)),
      ),
    }))
    const terms = fc.sample(term, { numRuns: 1000, seed })
    const texts = await oracle.printed(terms.map((item) => encode(item)))
    expectEach(terms, (item, i) => (print(item) === texts[i] ? undefined : `${print(item)} where OTP has ${texts[i]}`))
  })

  it('agrees with us on which terms are equal', async () => {
    const few = fewTerms({ negativeZero })
    const other = few.map((term): [Term, Term] => [term, decode(encode(term), exact)])
    const pairs = fc.sample(fc.oneof(fc.tuple(few, few), other), { numRuns: 2 * BATCH, seed })
    const answers = await oracle.same(pairs.map(([a, b]): [Uint8Array, Uint8Array] => [encode(a), encode(b)]))
    expect(answers.filter(Boolean).length).toBeGreaterThan(BATCH / 2)
    expectEach(pairs, ([a, b], i) => {
      const right = equal(a, b) === answers[i] && equal(b, a) === answers[i]
      return right ? undefined : `${print(a)} and ${print(b)}: OTP says ${answers[i]}`
    })
  })
})
