import { describe, expect, it } from 'vitest'
import { mergeDeltas } from '../../../src/pubsub/presence/delta.ts'
import { PresenceState } from '../../../src/pubsub/presence/state.ts'
import { allValues } from '../../../src/pubsub/presence/tags.ts'
import { A, B, C, connected, keys, nothing, ref, someone, sync, told } from './cast.ts'

type States = [PresenceState, PresenceState, PresenceState]

describe('the state of a replica', () => {
  it('begins with nothing', () => {
    const a = new PresenceState(A)
    expect(a.extract(a.context)).toEqual({ context: new Map([[A, 0]]), clouds: new Map(), values: new Map() })
    expect(a.hasDelta).toBe(false)
    expect(a.size).toBe(0)
  })

  it('has who joined until they leave', () => {
    const a = new PresenceState(A)
    const john = a.join(someone('john'))
    expect(keys(a.ofTopic('lobby'))).toEqual(['john'])
    expect(keys(a.ofTopic('elsewhere'))).toEqual([])
    a.leave(john)
    expect(keys(a.ofTopic('lobby'))).toEqual([])
    expect(a.size).toBe(0)
    expect([...a.topics()]).toEqual([])
  })

  it('takes over who joined elsewhere, once, and lets go of who left there', () => {
    const [a, b] = connected(A, B) as States
    const alice = a.join(someone('alice'))
    b.join(someone('bob'))
    expect(told(sync(a, b))).toEqual({ joins: ['bob'], leaves: [] })
    expect(keys(a.all())).toEqual(['alice', 'bob'])
    expect(told(sync(a, b))).toEqual(nothing)
    expect(told(sync(b, a))).toEqual({ joins: ['alice'], leaves: [] })
    a.leave(alice)
    expect(told(sync(b, a))).toEqual({ joins: [], leaves: ['alice'] })
    expect(told(sync(b, a))).toEqual(nothing)
    const carol = b.join(someone('carol'))
    expect(told(sync(a, b))).toEqual({ joins: ['carol'], leaves: [] })
    expect(keys(a.all())).toEqual(keys(b.all()))
    b.update(carol, { updated: true })
    expect(told(sync(a, b))).toEqual({ joins: ['carol'], leaves: ['carol'] })
    expect([...a.ofTopic('lobby')].map(({ key, meta }) => [key, meta])).toContainEqual(['carol', { updated: true }])
    expect(told(sync(a, b))).toEqual(nothing)
  })

  it('hides who is on a replica that is down, and shows them when it is up again', () => {
    const [a, b] = connected(A, B) as States
    const alice = a.join(someone('alice'))
    b.join(someone('bob'))
    sync(a, b)
    a.join(someone('carol'))
    a.leave(alice)
    expect(told(a.replicaDown(B))).toEqual({ joins: [], leaves: ['bob'] })
    expect(told(a.replicaDown(B))).toEqual(nothing)
    expect(keys(a.all())).toEqual(['carol'])
    expect(keys(a.ofKey('lobby', 's3:bob'))).toEqual([])
    b.join(someone('dora'))
    expect(told(sync(a, b))).toEqual(nothing)
    expect(keys(a.all())).toEqual(['carol'])
    expect(told(a.replicaUp(B))).toEqual({ joins: ['bob', 'dora'], leaves: [] })
    expect(keys(a.all())).toEqual(['bob', 'carol', 'dora'])
  })

  it('hears of joins and leaves by way of others', () => {
    const [a, b, c] = connected(A, B, C) as States
    a.join(someone('alice'))
    sync(c, a)
    a.replicaDown(C)
    const bob = a.join(someone('bob'))
    expect(told(sync(b, a))).toEqual({ joins: ['alice', 'bob'], leaves: [] })
    expect(told(sync(c, b))).toEqual({ joins: ['bob'], leaves: [] })
    a.leave(bob)
    expect(told(sync(b, a))).toEqual({ joins: [], leaves: ['bob'] })
    expect(told(sync(c, b))).toEqual({ joins: [], leaves: ['bob'] })
  })

  it('keeps the same key of several processes apart', () => {
    const a = new PresenceState(A)
    const first = a.join(someone('k', 'lobby', 1))
    a.join(someone('k', 'lobby', 2))
    a.join(someone('other'))
    expect(Array.from(a.ofKey('lobby', 's1:k'), ({ meta }) => meta)).toEqual([1, 2])
    a.leave(first)
    expect(Array.from(a.ofKey('lobby', 's1:k'), ({ meta }) => meta)).toEqual([2])
  })

  it('shows a topic without those of the replicas that are down', () => {
    const [a, b, c] = connected(A, B, C) as States
    a.join(someone('one', 'topic'))
    b.join(someone('two', 'topic'))
    c.join(someone('three', 'topic'))
    sync(a, b)
    sync(a, c)
    expect(keys(a.ofTopic('topic'))).toEqual(['one', 'three', 'two'])
    a.replicaDown(B)
    expect(keys(a.ofTopic('topic'))).toEqual(['one', 'three'])
    a.replicaDown(C)
    expect(keys(a.ofTopic('topic'))).toEqual(['one'])
    expect(a.clocks).toEqual(new Map([[A, 1]]))
  })

  it('forgets a replica that is gone for good, and learns all of it anew should it come back', () => {
    const [a, b] = connected(A, B) as States
    a.join(someone('alice'))
    b.join(someone('bob'))
    sync(b, a)
    expect(told(b.forget(A))).toEqual({ joins: [], leaves: ['alice'] })
    expect(b.context).toEqual(new Map([[B, 1]]))
    expect(told(sync(b, a))).toEqual(nothing)
    b.replicaUp(A)
    expect(keys(b.all())).toEqual(['bob'])
    expect(told(sync(b, a))).toEqual({ joins: ['alice'], leaves: [] })
  })

  it('takes deltas as it takes states', () => {
    const [a, b] = connected(A, B) as States
    const alice = a.join(someone('alice'))
    b.join(someone('bob'))
    expect(told(b.merge(a.takeDelta()))).toEqual({ joins: ['alice'], leaves: [] })
    expect(b.context).toEqual(
      new Map([
        [B, 1],
        [A, 1],
      ]),
    )
    a.leave(alice)
    expect(told(b.merge(a.peekDelta()))).toEqual({ joins: [], leaves: ['alice'] })
    expect(b.context.get(A)).toBe(2)
    a.join(someone('alice'))
    expect(told(b.merge(a.takeDelta()))).toEqual({ joins: ['alice'], leaves: [] })
    expect(b.context.get(A)).toBe(3)
    expect(b.looseTags).toBe(0)
    expect(a.hasDelta).toBe(false)
  })

  it('does not bring back what it saw leave before it saw what came earlier', () => {
    const [a, b, c] = connected(A, B, C) as States
    a.join(someone('first'))
    const lost = a.takeDelta()
    const second = a.join(someone('second'))
    const joined = a.takeDelta()
    a.leave(second)
    const left = a.takeDelta()
    c.merge(lost)
    c.merge(joined)
    b.merge(joined)
    expect(told(b.merge(left))).toEqual({ joins: [], leaves: ['second'] })
    expect(told(sync(b, c))).toEqual({ joins: ['first'], leaves: [] })
  })

  it('passes on what it saw leave, with its own next delta', () => {
    const [a, b, c] = connected(A, B, C) as States
    const alice = a.join(someone('alice'))
    sync(b, a)
    sync(c, a)
    a.leave(alice)
    b.merge(a.takeDelta())
    expect(b.hasDelta).toBe(true)
    expect(told(c.merge(b.takeDelta()))).toEqual({ joins: [], leaves: ['alice'] })
  })

  it('leaves out of what it gives what the other one does not know', () => {
    const [a, b] = connected(A, B) as States
    b.replicaUp(C)
    const c = new PresenceState(C)
    a.join(someone('one'))
    b.join(someone('two'))
    c.join(someone('three'))
    sync(b, a)
    b.merge(c.takeDelta())
    const given = b.extract(a.context)
    expect(given.context).toEqual(
      new Map([
        [A, 1],
        [B, 1],
      ]),
    )
    expect(keys(allValues(given.values))).toEqual(['one', 'two'])
  })

  it('takes nobody’s word about itself, nor about replicas it does not know', () => {
    const [a] = connected(A, B) as States
    const own = a.join(someone('own'))
    const stranger = new PresenceState(ref('a', 1))
    stranger.join(someone('x'))
    stranger.join(someone('y'))
    expect(told(a.merge(stranger.extract(new Map([[A, 0]]))))).toEqual(nothing)
    expect(a.context.get(A)).toBe(1)
    const unknown = new PresenceState(C)
    unknown.join(someone('z'))
    expect(told(a.merge(unknown.takeDelta()))).toEqual(nothing)
    expect(a.context.has(C)).toBe(false)
    expect([...a.all()]).toEqual([own])
  })

  describe('merges deltas', () => {
    it('that follow on each other, and no others', () => {
      const a = new PresenceState(A)
      a.join(someone('one'))
      const first = a.takeDelta()
      a.join(someone('two'))
      const second = a.takeDelta()
      a.join(someone('three'))
      const third = a.takeDelta()
      expect(mergeDeltas(first, third)).toBeUndefined()
      expect(mergeDeltas(third, first)).toBeUndefined()
      const both = mergeDeltas(first, second)
      expect(keys(allValues(both?.values ?? new Map()))).toEqual(['one', 'two'])
      expect([both?.start, both?.end]).toEqual([new Map([[A, 0]]), new Map([[A, 2]])])
    })

    it('of several replicas, with what was removed', () => {
      const [a, b] = connected(A, B) as States
      a.join(someone('alice', 'lobby'))
      a.join(someone('alice', 'private'))
      b.leave(b.join(someone('alice', 'lobby')))
      const delta = mergeDeltas(a.peekDelta(), b.peekDelta())
      if (delta === undefined) throw new Error('not contiguous')
      expect(Array.from(allValues(delta.values), ({ replica, topic }) => [replica, topic])).toEqual([
        [A, 'lobby'],
        [A, 'private'],
      ])
      expect(delta.clouds).toEqual(
        new Map([
          [A, new Set([1, 2])],
          [B, new Set([1, 2])],
        ]),
      )
      expect(mergeDeltas(delta, b.peekDelta())).toEqual(delta)
    })
  })
})
