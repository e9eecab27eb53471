import { describe, expect, it } from 'vitest'
import type { Delta } from '../../../src/pubsub/presence/delta.ts'
import { DeltaGenerations } from '../../../src/pubsub/presence/delta-generations.ts'
import { PresenceState } from '../../../src/pubsub/presence/state.ts'
import { allValues } from '../../../src/pubsub/presence/tags.ts'
import { A, B, C, keys, someone } from './cast.ts'

const people = (generations: DeltaGenerations) => generations.deltas.map(({ values }) => keys(allValues(values)))
const tags = ({ clouds }: Delta) =>
  [...clouds].flatMap(([replica, cloud]) => [...cloud].map((n) => `${replica} ${n}`)).sort()

/** Tells what was done, as a beat does. */
function push(generations: DeltaGenerations, of: PresenceState, own = of): void {
  const delta = of.takeDelta()
  generations.push(own.peekDelta(), delta)
}

describe('delta generations', () => {
  it('hold ever more of what was done, each up to its size', () => {
    const [a, b] = [new PresenceState(A), new PresenceState(B)]
    const generations = new DeltaGenerations([2, 5, 6])
    a.join(someone('user1'))
    push(generations, a)
    expect(people(generations)).toEqual([['user1'], ['user1'], ['user1']])
    a.join(someone('user2'))
    push(generations, a)
    expect(people(generations)).toEqual([['user2'], ['user1', 'user2'], ['user1', 'user2']])
    a.join(someone('user3'))
    push(generations, a)
    expect(people(generations)).toEqual([['user3'], ['user2', 'user3'], ['user1', 'user2', 'user3']])
    a.join(someone('user4'))
    push(generations, a)
    expect(people(generations)).toEqual([['user4'], ['user3', 'user4'], ['user2', 'user3', 'user4']])

    const user5 = b.join(someone('user5'))
    generations.push(a.peekDelta(), b.peekDelta())
    expect(people(generations)).toEqual([['user5'], ['user4', 'user5'], ['user3', 'user4', 'user5']])
    expect(generations.deltas.map(tags)).toEqual([[`${B} 1`], [`${A} 4`, `${B} 1`], [`${A} 3`, `${A} 4`, `${B} 1`]])

    b.leave(user5)
    generations.push(a.peekDelta(), b.peekDelta())
    expect(people(generations)).toEqual([[], ['user4'], ['user3', 'user4']])
    expect(generations.deltas.map(tags)).toEqual([
      [`${B} 1`, `${B} 2`],
      [`${A} 4`, `${B} 1`, `${B} 2`],
      [`${A} 3`, `${A} 4`, `${B} 1`, `${B} 2`],
    ])
  })

  it('do not change by the same delta once more', () => {
    const a = new PresenceState(A)
    const generations = new DeltaGenerations([5, 10])
    a.join(someone('user1'))
    const delta = a.takeDelta()
    generations.push(a.peekDelta(), delta)
    const before = people(generations)
    generations.push(a.peekDelta(), delta)
    expect(people(generations)).toEqual(before)
  })

  it('leave out what does not follow', () => {
    const [a, c] = [new PresenceState(A), new PresenceState(C)]
    const generations = new DeltaGenerations([5, 10, 15])
    a.join(someone('user1'))
    c.join(someone('first'))
    generations.push(a.peekDelta(), c.takeDelta())
    c.join(someone('second'))
    c.takeDelta()
    c.join(someone('third'))
    generations.push(a.peekDelta(), c.takeDelta())
    expect(people(generations)).toEqual([
      ['first', 'user1'],
      ['first', 'user1'],
      ['first', 'user1'],
    ])
  })

  it('forget who is gone for good', () => {
    const [a, b] = [new PresenceState(A), new PresenceState(B)]
    const generations = new DeltaGenerations([5, 10])
    b.join(someone('user2'))
    generations.push(a.peekDelta(), b.takeDelta())
    generations.forget(B)
    expect(people(generations)).toEqual([[], []])
    expect(generations.deltas.map(({ end }) => end.has(B))).toEqual([false, false])
    generations.clear()
    expect(generations.deltas).toEqual([])
  })

  it('give the smallest delta that covers what is missing, and none when only everything does', () => {
    const a = new PresenceState(A)
    const generations = new DeltaGenerations([2, 100])
    expect(generations.find(new Map([[A, 0]]))).toBeUndefined()
    for (const key of ['one', 'two', 'three']) {
      a.join(someone(key))
      push(generations, a)
    }
    expect(generations.find(new Map([[A, 2]]))?.start).toEqual(new Map([[A, 2]]))
    expect(generations.find(new Map([[A, 1]]))?.start).toEqual(new Map([[A, 0]]))
    expect(generations.find(new Map([[A, 3]]))).toBeUndefined()
    expect(generations.find(new Map([[B, 0]]))).toBeUndefined()
    expect(generations.find(new Map())).toBeUndefined()
  })
})
