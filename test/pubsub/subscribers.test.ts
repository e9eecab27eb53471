import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Dispatch, Subscribers } from '../../src/pubsub/subscribers.ts'
import { CallbackSubscription } from '../../src/pubsub/subscription.ts'
import '../support/seed.ts'

describe('subscribers', () => {
  it('are those of a list, whatever comes, goes, and changes in the midst of a message', () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant('add' as const), topic: fc.constantFrom('a', 'b') }),
      fc.record({ do: fc.constant('close' as const), which: fc.nat() }),
      fc.record({ do: fc.constant('send' as const), topic: fc.constantFrom('a', 'b'), closing: fc.array(fc.nat()) }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const interest: string[] = []
        const subscribers = new Subscribers((_kind, topic, on) => interest.push(`${on ? '+' : '-'}${topic}`), {})
        const living: CallbackSubscription[] = []
        let reached: CallbackSubscription[] = []
        /** What the first who gets the next message closes. */
        let doomed: CallbackSubscription[] = []
        const owner = {
          ended: (it: unknown) => {
            subscribers.delete(it as CallbackSubscription)
            living.splice(living.indexOf(it as CallbackSubscription), 1)
          },
          failed: (_it: unknown, error: unknown) => expect(error).toBeUndefined(),
          lost: () => {},
        }
        const add = (topic: string): void => {
          const settings = {
            topic,
            pattern: false,
            metadata: 1,
            terms: undefined,
            replay: false,
            gate: undefined,
            owner,
          }
          const it = new CallbackSubscription(settings, () => {
            reached.push(it)
            for (const each of doomed.splice(0)) each.close()
          })
          living.push(it)
          subscribers.add(it)
        }
        for (const it of steps) {
          if (it.do === 'add') add(it.topic)
          else if (it.do === 'close') living[it.which % Math.max(1, living.length)]?.close()
          else {
            reached = []
            const all = living.filter(({ topic }) => topic === it.topic)
            doomed = [...new Set(it.closing.map((n) => all[n % Math.max(1, all.length)]))].filter(
              (each) => each !== undefined,
            )
            const gone = new Set(doomed)
            const expected = all.filter((each, i) => i === 0 || !gone.has(each))
            subscribers.dispatch(new Dispatch({ topic: it.topic, message: 1, node: 'n', replayed: false }))
            expect(reached).toEqual(expected)
            doomed = []
          }
          expect(subscribers.size).toBe(living.length)
          for (const topic of ['a', 'b']) {
            const count = living.filter((each) => each.topic === topic).length
            expect(subscribers.count(topic)).toBe(count)
            expect(subscribers.has(topic)).toBe(count > 0)
            expect(interest.filter((each) => each.endsWith(topic)).at(-1) ?? '-').toMatch(count > 0 ? /\+/ : /-/)
          }
        }
      }),
    )
  })
})
