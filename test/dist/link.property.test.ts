import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { atom, equal, Reference, type Term } from '../../src/term/index.ts'
import { arbitraryTerm } from '../support/arbitrary-term.ts'
import { A, B, type End, framings, join, pid, settle } from './joined-links.ts'
import '../support/seed.ts'

interface Step {
  readonly from: number
  readonly to: number
  readonly by: 'pid' | 'name' | 'alias'
  readonly term: Term
  /** Bytes put beside the term, so that some messages are big. */
  readonly padding: number
  readonly reverse: boolean
  /** What happens after it. */
  readonly next: 'go on' | 'turn' | 'freeze' | 'thaw' | 'fail to encode'
}

const step: fc.Arbitrary<Step> = fc.record({
  from: fc.integer({ min: 1, max: 3 }),
  to: fc.integer({ min: 1, max: 3 }),
  by: fc.constantFrom('pid', 'pid', 'name', 'alias'),
  term: arbitraryTerm(),
  padding: fc.oneof(
    { weight: 6, arbitrary: fc.constant(0) },
    { weight: 2, arbitrary: fc.integer({ min: 0, max: 20_000 }) },
    { weight: 2, arbitrary: fc.integer({ min: 60_000, max: 70_000 }) },
    { weight: 1, arbitrary: fc.integer({ min: 70_000, max: 400_000 }) },
  ),
  reverse: fc.boolean(),
  next: fc.constantFrom('go on', 'go on', 'go on', 'turn', 'freeze', 'thaw', 'fail to encode'),
})

/** Process `to` of the peer by its pid, its name or its alias. */
function send(end: End, own: string, peer: string, { from, to, by }: Step, message: Term): void {
  const sender = pid(own, from)
  if (by === 'pid') end.link.send.sendToPid(sender, pid(peer, to), message)
  else if (by === 'name') end.link.send.sendToName(sender, atom(`process_${to}`), message)
  else end.link.send.sendToAlias(sender, new Reference(peer, [to, 7, 7], 1), message)
}

/** Which process it was for, however it was called. */
function receiverOf(to: unknown): number {
  const text = String(to)
  return Number(/^process_(\d+)$/.exec(text)?.[1] ?? /^(\d+)\./.exec(text)?.[1])
}

describe('two links', () => {
  it.each(framings)('%s bring everything over, in order between each two processes', async (_name, flags) => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 1, maxLength: 25 }),
        fc.constantFrom(undefined, 4096, 65_536, 100_000),
        fc.constantFrom(1, 4096, 65_536, 1_000_000),
        async (steps, chunkBytes, highWater) => {
          const { a, b, cable } = join({ flags, highWater, ...(chunkBytes === undefined ? {} : { chunkBytes }) })
          const sent = { a: new Map<string, unknown[]>(), b: new Map<string, unknown[]>() }
          let count = 0
          for (const [index, it] of steps.entries()) {
            const padded = [
              pid(it.reverse ? B : A, it.from),
              it.padding === 0 ? [] : new Uint8Array(it.padding).fill(index),
            ]
            const message = [...padded, it.term] as Term
            if (it.reverse) send(b, B, A, it, message)
            else send(a, A, B, it, message)
            const pair = `${it.from} ${it.to}`
            const list = it.reverse ? sent.b : sent.a
            list.set(pair, [...(list.get(pair) ?? []), message])
            count++
            if (it.next === 'turn') await settle(1)
            else if (it.next === 'freeze') cable.freeze()
            else if (it.next === 'thaw') cable.thaw()
            else if (it.next === 'fail to encode') {
              const bad = [it.term, atom(`bad_${index}`), Symbol('none') as unknown as Term]
              expect(() => send(a, A, B, it, bad)).toThrow(expect.objectContaining({ code: 'ERR_ENCODE' }))
            }
          }
          cable.thaw()
          for (let turn = 0; a.heard.noted.length + b.heard.noted.length < count; turn++) {
            expect(turn, 'turns until everything is there').toBeLessThan(10_000)
            await settle(1)
          }
          for (const [from, into] of [
            [sent.a, b],
            [sent.b, a],
          ] as const) {
            const got = new Map<string, unknown[]>()
            for (const [, to, message] of into.heard.noted) {
              const [sender] = message as [{ id: number }]
              const pair = `${sender.id} ${receiverOf(to)}`
              got.set(pair, [...(got.get(pair) ?? []), message])
            }
            expect([...got.keys()].sort()).toEqual([...from.keys()].sort())
            for (const [pair, messages] of from) {
              const heard = got.get(pair) as Term[]
              expect(heard.length, pair).toBe(messages.length)
              for (const [i, message] of messages.entries()) expect(equal(heard[i] as Term, message as Term)).toBe(true)
            }
          }
          await settle(2)
          expect([a.link.send.queuedBytes, b.link.send.queuedBytes]).toEqual([0, 0])
          a.link.close()
          await b.down
        },
      ),
      { numRuns: 40 },
    )
  })
})
