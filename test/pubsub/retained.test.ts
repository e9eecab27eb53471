import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Delivery } from '../../src/pubsub/delivery.ts'
import { EXACT, isLater, messageOf, RetainedValues } from '../../src/pubsub/retained.ts'
import { atom, Float, type Term, tuple } from '../../src/term/index.ts'
import { Cluster } from '../node/cluster.ts'
import { Inbox } from './stage.ts'
import '../support/seed.ts'

const NAME = 'Retained.PubSub'
const limits = { topics: 3, bytes: 10_000 }

describe('retained values', () => {
  it('keep the last of each topic, as bytes that nobody can change', () => {
    const values = new RetainedValues(limits)
    const message = { list: [1], bytes: new Uint8Array([1]) }
    expect(values.put('t', values.stamp('a'), message)).toBe(true)
    message.list.push(2)
    expect(messageOf(values.get('t')!, {})).toEqual({ list: [1], bytes: new Uint8Array([1]) })
    expect(values.put('t', values.stamp('a'), [new Float(2)])).toBe(true)
    expect(messageOf(values.get('t')!, EXACT)).toEqual([new Float(2)])
    expect(values.topics).toBe(1)
  })

  it('are the same everywhere, in whatever order they come', () => {
    const stamp = fc.record({ time: fc.integer({ min: 0, max: 5 }), node: fc.constantFrom('a', 'b', 'c') })
    fc.assert(
      fc.property(fc.array(stamp, { minLength: 1, maxLength: 20 }), fc.infiniteStream(fc.nat()), (stamps, random) => {
        const shuffled = stamps.map((it) => ({ it, at: random.next().value as number })).sort((a, b) => a.at - b.at)
        const [one, other] = [new RetainedValues(limits), new RetainedValues(limits)]
        for (const it of stamps) one.put('t', it, [it.time, it.node])
        for (const { it } of shuffled) other.put('t', it, [it.time, it.node])
        expect(messageOf(one.get('t')!, EXACT)).toEqual(messageOf(other.get('t')!, EXACT))
        expect(stamps.some((it) => isLater(it, one.get('t')!.stamp))).toBe(false)
      }),
    )
  })

  it('are bounded by topics and by bytes; those kept longest go first', () => {
    const values = new RetainedValues({ topics: 3, bytes: 4_000 })
    for (const topic of ['a', 'b', 'c', 'd']) values.put(topic, values.stamp('n'), topic)
    expect(Array.from(values.all(), ({ topic }) => topic)).toEqual(['b', 'c', 'd'])
    values.put('e', values.stamp('n'), 'x'.repeat(3_500))
    expect(Array.from(values.all(), ({ topic }) => topic)).toEqual(['e'])
    values.put('f', values.stamp('n'), 'x'.repeat(5_000))
    expect(values.get('f')).toBeUndefined()
    expect(values.bytes).toBeLessThanOrEqual(4_000)
  })

  it('do not believe clocks that are far ahead, and are later than those they have seen', () => {
    let now = 1_000_000
    const values = new RetainedValues(limits, () => now)
    expect(values.put('t', { time: now + 25 * 3600_000, node: 'z' }, 'never')).toBe(false)
    expect(values.put('t', { time: now + 3600_000, node: 'z' }, 'ahead')).toBe(true)
    expect(values.put('t', values.stamp('a'), 'mine')).toBe(true)
    now -= 500
    expect(values.put('t', values.stamp('a'), 'mine, later')).toBe(true)
  })
})

describe('replay', () => {
  let cluster: Cluster

  beforeEach(async () => {
    cluster = await Cluster.create()
  })

  afterEach(async () => {
    await cluster[Symbol.asyncDispose]()
  })

  it('begins a subscription with the last value that was broadcast to be kept', async () => {
    const a = await cluster.start('a')
    const b = await cluster.start('b', { connectTo: [a.name] })
    const [pa, pb] = [a.pubsub(NAME), b.pubsub(NAME)]
    await Promise.all([pa.ready(), pb.ready()])
    const live = new Inbox(pb, 't')
    pa.broadcast('t', 'first', { retain: true })
    pa.broadcast('t', { second: new Float(1) }, { retain: true })
    pa.broadcast('t', 'passing')
    await live.including('passing')
    expect(live.messages).toEqual(['first', { second: 1 }, 'passing'])
    const got: Delivery[] = []
    pb.subscribe('t', { replay: true, onMessage: (_message, delivery) => got.push(delivery) })
    pb.subscribe('t', { replay: true, floats: 'exact', onMessage: (_message, delivery) => got.push(delivery) })
    expect(got).toEqual([
      { topic: 't', message: { second: 1 }, node: a.name, replayed: true },
      { topic: 't', message: { second: new Float(1) }, node: a.name, replayed: true },
    ])
    expect(new Inbox(pb, 't').messages).toEqual([])
    expect(new Inbox(pa, 't', { replay: true }).messages).toEqual([{ second: 1 }])
    expect(pb.stats.retained.topics).toBe(1)
  })

  it('gives a pattern the value of each topic, those kept longest first', async () => {
    const a = await cluster.start('a')
    const pa = a.pubsub(NAME)
    for (const topic of ['s:2', 'other', 's:1']) pa.broadcast(topic, topic, { retain: true })
    pa.broadcast('s:2', 'again', { retain: true })
    expect(new Inbox(pa, 's:*', { pattern: true, replay: true }).messages).toEqual(['s:1', 'again'])
  })

  it('forgets a value that was taken away', async () => {
    const a = await cluster.start('a')
    const pa = a.pubsub(NAME)
    pa.broadcast('t', 1, { retain: true })
    pa.broadcast('t', undefined, { retain: true })
    expect(new Inbox(pa, 't', { replay: true }).messages).toEqual([])
  })

  it('reaches nodes that come later, and those who subscribed there before', async () => {
    const a = await cluster.start('a')
    a.pubsub(NAME).broadcast('t', tuple(atom('kept'), [new Float(1)]), { retain: true })
    a.pubsub(NAME).broadcast('gone', undefined, { retain: true })
    const b = await cluster.start('b')
    const early = new Inbox(b.pubsub(NAME), 't', { replay: true })
    const usual = new Inbox(b.pubsub(NAME), 't')
    await b.connect(a.name)
    expect(await early.atLeast(1)).toEqual([tuple(atom('kept'), [1])])
    expect(new Inbox(b.pubsub(NAME), 't', { replay: true }).messages).toEqual([tuple(atom('kept'), [1])])
    expect(usual.messages).toEqual([])
  })

  it('agrees on one value after two parts of a cluster have met', async () => {
    const [a, b] = [await cluster.start('a'), await cluster.start('b')]
    const [pa, pb] = [a.pubsub(NAME), b.pubsub(NAME)]
    pa.broadcast('t', 'of a', { retain: true })
    pb.broadcast('t', 'of b', { retain: true })
    const kept = (pubsub: typeof pa): Term => new Inbox(pubsub, 't', { replay: true }).messages[0]
    const [atA, atB] = [new Inbox(pa, 't', { replay: true }), new Inbox(pb, 't', { replay: true })]
    await a.connect(b.name)
    // One of them hears what the other has.
    await Promise.race([atA.atLeast(2), atB.atLeast(2)])
    expect(kept(pa)).toBe(kept(pb))
  })

  it('is refused where nothing is kept', async () => {
    const a = await cluster.start('a')
    const pa = a.pubsub(NAME, { retain: false })
    expect(() => pa.broadcast('t', 1, { retain: true })).toThrow(expect.objectContaining({ code: 'ERR_UNSUPPORTED' }))
    expect(new Inbox(pa, 't', { replay: true }).messages).toEqual([])
  })

  it('asks a node that keeps more than fits here no more than once for it', async () => {
    const a = await cluster.start('a')
    const pa = a.pubsub(NAME)
    for (let n = 0; n < 50; n++) pa.broadcast(`t${n}`, 'x'.repeat(100_000), { retain: true })
    const b = await cluster.start('b', { connectTo: [a.name] })
    const pb = b.pubsub(NAME, { retain: { topics: 5, bytes: 3_000_000 } })
    const inbox = new Inbox(pb, 't*', { pattern: true, replay: true })
    await inbox.atLeast(20)
    expect((await pb.count('t')).size).toBe(2)
    expect(pb.stats.retained.topics).toBeLessThanOrEqual(5)
    expect(inbox.messages.length).toBeLessThan(60)
  })
})
