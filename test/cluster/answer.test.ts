import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { splitNodeName } from '../../src/base/node-name.ts'
import { Answers, type Reading, type ReadingPolicy } from '../../src/cluster/answer.ts'
import { atom } from '../../src/term/index.ts'
import '../support/seed.ts'

const SELF = 'self@127.0.0.1'
const MAX = 20
const policy: ReadingPolicy = { self: SELF, hidden: false, filter: undefined, mapName: undefined }

const name = fc.oneof(
  fc.constantFrom(SELF, 'a@h', 'b@127.0.0.1', 'c@h:9100', 'd@h:0', 'e@[::1]:9'),
  fc.string({ unit: 'binary', maxLength: 12 }).map((text) => `${text}@h`),
  fc.string({ maxLength: 5 }),
)
const node = fc.record({
  name,
  port: fc.oneof(fc.integer(), fc.constant(undefined)),
  hidden: fc.boolean(),
}) as fc.Arbitrary<unknown>
const entries = fc.array(fc.oneof(name, node, fc.anything()), { maxLength: 2 * MAX })
const answer = fc.oneof(
  fc.anything(),
  entries,
  fc.record({ nodes: entries, errors: fc.oneof(fc.constant([]), fc.anything()), whole: fc.anything() }),
)

/** Undefined: it was refused. */
function take(answers: Answers, value: unknown, by = policy): Reading | undefined {
  try {
    return answers.take(value, by)
  } catch (error) {
    // Nobody can do anything with what is no error.
    if (!(error instanceof Error)) throw new TypeError('it threw what is no error')
    return undefined
  }
}

describe('whatever a strategy answers', () => {
  it('is refused, or names nodes that can be dialled, and no more of them than may be', () => {
    let usable = 0
    fc.assert(
      fc.property(answer, (value) => {
        const reading = take(new Answers(MAX), value)
        if (reading === undefined) return
        expect(reading.nodes.size).toBeLessThanOrEqual(MAX)
        for (const [key, { name, port = 1 }] of reading.nodes) {
          usable++
          expect([key, key === SELF, splitNodeName(key)?.full, atom(key).name]).toEqual([name, false, name, name])
          expect(Number.isInteger(port) && port > 0 && port < 65536).toBe(true)
        }
        for (const { value, reason } of reading.rejected)
          expect([typeof value, typeof reason]).toEqual(['string', 'string'])
      }),
      { numRuns: 1000 },
    )
    expect(usable).toBeGreaterThan(100)
  })

  it('loses nobody unless it is whole', () => {
    fc.assert(
      fc.property(fc.array(answer, { maxLength: 5 }), (values) => {
        const answers = new Answers(MAX)
        // Where it does not count that a node turns out to be a hidden one.
        const open = { ...policy, hidden: true }
        let before = answers.take(['a@h', 'b@h'], open).nodes
        for (const value of values) {
          const reading = take(answers, value, open)
          if (reading === undefined) continue
          if (!reading.whole) expect([...reading.nodes.keys()]).toEqual(expect.arrayContaining([...before.keys()]))
          before = reading.nodes
        }
        expect([...answers.again(open).nodes.keys()]).toEqual([...before.keys()])
      }),
      { numRuns: 500 },
    )
  })
})
