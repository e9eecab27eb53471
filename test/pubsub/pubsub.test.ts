import { setImmediate } from 'node:timers/promises'
import { inspect } from 'node:util'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { EncodeError } from '../../src/index.ts'
import type { Delivery } from '../../src/pubsub/delivery.ts'
import type { PubSub } from '../../src/pubsub/pubsub.ts'
import type { Dropped } from '../../src/pubsub/pubsub-events.ts'
import { atom, type Term, tuple } from '../../src/term/index.ts'
import type { TsunagiNode } from '../../src/tsunagi.ts'
import { Cluster } from '../node/cluster.ts'
import { event } from './stage.ts'

let cluster: Cluster
let node: TsunagiNode
let pubsub: PubSub

beforeAll(async () => {
  cluster = await Cluster.create()
  node = await cluster.start('alone')
})

afterAll(async () => {
  await cluster?.[Symbol.asyncDispose]()
})

beforeEach(() => {
  cluster.log.length = 0
  pubsub = node.pubsub('Alone.PubSub')
})

afterEach(async () => {
  await pubsub.close()
})

const losses = (): Dropped[] => {
  const list: Dropped[] = []
  pubsub.on('dropped', (dropped) => list.push(dropped))
  return list
}

describe('node.pubsub', () => {
  it('gives the same object for a name, with or without Elixir. before it', () => {
    expect(node.pubsub('Elixir.Alone.PubSub')).toBe(pubsub)
    expect(node.pubsub('Alone.PubSub', {})).toBe(pubsub)
    expect(pubsub.name).toBe('Alone.PubSub')
    expect(pubsub.nodeName()).toBe(node.name)
  })

  it('refuses other options for one that is there, and options that it does not know', async () => {
    expect(() => node.pubsub('Alone.PubSub', { capacity: 5 })).toThrow(/^capacity: expected the same options as before/)
    expect(() => node.pubsub('Other', { capacty: 5 } as never)).toThrow(/did you mean capacity/)
    expect(() => node.pubsub('')).toThrow(/non-empty/)
    expect(() => node.pubsub('x'.repeat(300))).toThrow(/1 to 200/)
    for (const options of [{ capacity: 0 }, { overflow: 'x' }, { retain: { topics: 0 } }, { dispatchers: { a: 1 } }]) {
      expect(() => node.pubsub('Other', options as never)).toThrow(
        expect.objectContaining({ code: 'ERR_INVALID_OPTION' }),
      )
    }
    const options = { capacity: 7, retain: { topics: 3 }, maps: 'map' } as const
    const other = node.pubsub('Other', options)
    expect(node.pubsub('Other', { ...options })).toBe(other)
    await other.close()
    expect(node.pubsub('Other')).not.toBe(other)
    await node.pubsub('Other').close()
  })

  it('says who has a name that it needs, and leaves nothing behind then', async () => {
    const taker = node.spawn(async (self) => void (await self.receive()), { name: 'Elixir.Taken.Adapter_1' })
    const before = node.counts
    expect(() => node.pubsub('Taken')).toThrow(expect.objectContaining({ code: 'ERR_NAME_TAKEN' }))
    expect(node.counts).toEqual(before)
    node.exit(taker, atom('kill'))
  })

  it('leaves nothing behind when it is closed', async () => {
    const before = node.counts
    const other = node.pubsub('Other')
    const stream = other.subscribe('a')
    other.subscribe('*', { pattern: true, onMessage: () => {} })
    const sink = node.spawn(async (self) => void (await self.receive()))
    other.subscribe('a', { to: sink })
    const events = other.events()
    const waiting = stream.next()
    await other.close()
    await other.close()
    node.exit(sink, atom('kill'))
    expect(await waiting).toEqual({ value: undefined, done: true })
    expect(other.closed).toBe(true)
    expect(stream.closed).toBe(true)
    expect(node.counts).toEqual(before)
    const types: string[] = []
    for await (const { type } of events) types.push(type)
    expect(types).toEqual(['leaving', 'closed'])
    expect(() => other.broadcast('a', 1)).toThrow(expect.objectContaining({ code: 'ERR_CLOSED' }))
    expect(() => other.subscribe('a')).toThrow(expect.objectContaining({ code: 'ERR_CLOSED' }))
    await expect(other.ready()).rejects.toMatchObject({ code: 'ERR_CLOSED' })
    await expect(other.count('a')).rejects.toMatchObject({ code: 'ERR_CLOSED' })
  })
})

describe('a subscription', () => {
  it('gets the very object that was broadcast here', () => {
    const got: unknown[] = []
    pubsub.subscribe('t', { onMessage: (message) => got.push(message) })
    const message = { a: [1] }
    pubsub.broadcast('t', message)
    pubsub.localBroadcast('t', message)
    expect(got).toEqual([message, message])
    expect(got[0]).toBe(message)
  })

  it('hears what and where, and whether it was kept', () => {
    const got: Delivery[] = []
    pubsub.subscribe('t', { onMessage: (_message, delivery) => got.push(delivery) })
    pubsub.broadcast('t', 1)
    expect(got).toEqual([{ topic: 't', message: 1, node: node.name, replayed: false }])
  })

  it('that throws or rejects costs only itself, and is told of', async () => {
    const errors: unknown[] = []
    pubsub.on('subscriber-error', (error) => errors.push(error))
    const got: unknown[] = []
    pubsub.subscribe('t', {
      onMessage: () => {
        throw new Error('thrown')
      },
    })
    pubsub.subscribe('t', { onMessage: () => Promise.reject(new Error('rejected')) })
    pubsub.subscribe('t', { onMessage: (message) => got.push(message) })
    pubsub.broadcast('t', 1)
    expect(got).toEqual([1])
    await setImmediate()
    expect(errors).toMatchObject([{ message: 'thrown' }, { message: 'rejected' }])
    expect(cluster.lines('error', 'a subscriber threw on a message of "t"')).toHaveLength(1)
    expect(cluster.lines('error', 'threw')).toHaveLength(1)
  })

  it('that is closed by another one gets nothing more; one that is made meanwhile gets the next', () => {
    const got: string[] = []
    pubsub.subscribe('t', {
      onMessage: (n) => {
        got.push(`a${n}`)
        if (n !== 1) return
        second.close()
        pubsub.subscribe('t', { onMessage: (m) => got.push(`c${m}`) })
      },
    })
    const second = pubsub.subscribe('t', { onMessage: (n) => got.push(`b${n}`) })
    pubsub.broadcast('t', 1)
    pubsub.broadcast('t', 2)
    expect(got).toEqual(['a1', 'a2', 'c2'])
    expect(pubsub.stats).toMatchObject({ subscriptions: 2, topics: 1, delivered: 3 })
  })

  it('gets what another one answers to a message after that message', () => {
    const got: unknown[] = []
    pubsub.subscribe('t', {
      onMessage: (n) => {
        if (n === 1) pubsub.broadcast('t', 2)
      },
    })
    pubsub.subscribe('t', { onMessage: (n) => got.push(n) })
    pubsub.broadcast('t', 1)
    expect(got).toEqual([1, 2])
  })

  it('and another one that answer each other for ever let everybody else have their turn', async () => {
    let rounds = 0
    pubsub.subscribe('ping', { onMessage: () => pubsub.localBroadcast('pong', ++rounds) })
    const pong = pubsub.subscribe('pong', { onMessage: () => pubsub.localBroadcast('ping', 0) })
    pubsub.localBroadcast('ping', 0)
    for (let turn = 0; turn < 5; turn++) await setImmediate()
    expect(rounds).toBeGreaterThan(2000)
    pong.close()
    await setImmediate()
    const got: unknown[] = []
    pubsub.subscribe('t', { onMessage: (n) => got.push(n) })
    pubsub.localBroadcast('t', 1)
    expect(got).toEqual([1])
  })

  it('ends with its signal', () => {
    const controller = new AbortController()
    const subscription = pubsub.subscribe('t', { onMessage: () => {}, signal: controller.signal })
    controller.abort()
    expect(subscription.closed).toBe(true)
    expect(pubsub.stats.subscriptions).toBe(0)
    expect(pubsub.subscribe('t', { signal: AbortSignal.abort() }).closed).toBe(true)
    expect(pubsub.stats.subscriptions).toBe(0)
  })

  it('ends with a signal that very many have, without a warning', async () => {
    const warnings: Error[] = []
    const warned = (warning: Error): void => void warnings.push(warning)
    process.on('warning', warned)
    const controller = new AbortController()
    const { signal } = controller
    const subscriptions = Array.from({ length: 100 }, () => pubsub.subscribe('t', { signal, onMessage: () => {} }))
    for (const subscription of subscriptions.splice(0, 50)) subscription.close()
    await setImmediate()
    process.off('warning', warned)
    expect(warnings).toEqual([])
    controller.abort()
    expect(subscriptions.every(({ closed }) => closed)).toBe(true)
    expect(pubsub.stats.subscriptions).toBe(0)
  })

  it('is refused for options that are none, and leaves nothing behind', () => {
    const wrong: [unknown, RegExp][] = [
      [null, /^options: expected/],
      [() => {}, /^options: expected/],
      [{ signal: {} }, /^signal: expected an AbortSignal/],
      [{ signal: 5, onMessage: () => {} }, /^signal: expected an AbortSignal/],
    ]
    for (const [options, message] of wrong) expect(() => pubsub.subscribe('t', options as never)).toThrow(message)
    expect(pubsub.stats.subscriptions).toBe(0)
  })

  it('is not closed by unsubscribe with what is no process', () => {
    const subscription = pubsub.subscribe('t')
    for (const options of [() => {}, null, { to: 'me' }, { onMessage: () => {} }]) {
      expect(() => pubsub.unsubscribe('t', options as never)).toThrow(
        expect.objectContaining({ code: 'ERR_INVALID_OPTION' }),
      )
    }
    expect(() => pubsub.unsubscribe(5 as never)).toThrow(/^topic/)
    expect(subscription.closed).toBe(false)
  })

  it('shows what it is', () => {
    const subscription = pubsub.subscribe('t')
    expect(inspect(subscription)).toBe('MessageStream<t, 0 waiting, 0 dropped>')
    expect(inspect(pubsub.subscribe('a*', { pattern: true, onMessage: () => {} }))).toBe(
      'CallbackSubscription<a*, 0 dropped>',
    )
    subscription.close()
    expect(inspect(subscription)).toBe('MessageStream<t, closed>')
  })

  it('is left out of its own broadcast', () => {
    const got: string[] = []
    const a = pubsub.subscribe('t', { onMessage: () => got.push('a') })
    pubsub.subscribe('t', { onMessage: () => got.push('b') })
    pubsub.broadcastFrom(a, 't', 1)
    pubsub.localBroadcastFrom(a, 't', 1)
    expect(got).toEqual(['b', 'b'])
    expect(() => pubsub.broadcastFrom('x' as never, 't', 1)).toThrow(/a subscription, or a pid/)
  })

  it('is closed by unsubscribe, those of processes only for the process', async () => {
    const sink = node.spawn(async (self) => void (await self.receive()))
    const [a, b] = [pubsub.subscribe('t'), pubsub.subscribe('t', { onMessage: () => {} })]
    const c = pubsub.subscribe('t', { to: sink })
    expect(pubsub.unsubscribe('t')).toBe(2)
    expect([a.closed, b.closed, c.closed]).toEqual([true, true, false])
    expect(pubsub.unsubscribe('t', { to: sink })).toBe(1)
    expect(pubsub.unsubscribe('t')).toBe(0)
    node.exit(sink, atom('kill'))
  })

  it('matches a pattern, and is told the topic', async () => {
    const stream = pubsub.subscribe('sensor:*:temp', { pattern: true })
    for (const topic of ['sensor:a:temp', 'sensor::temp', 'sensor:a:humidity', 'sensor:*:temp'])
      pubsub.broadcast(topic, topic)
    stream.close()
    const topics: string[] = []
    for await (const { topic } of stream.deliveries()) topics.push(topic)
    expect(topics).toEqual(['sensor:a:temp', 'sensor::temp', 'sensor:*:temp'])
    expect((await pubsub.count('sensor:a:temp')).get(node.name)).toBe(0)
  })

  it('takes a star for a star unless it is a pattern', () => {
    const got: unknown[] = []
    pubsub.subscribe('a*', { onMessage: (message) => got.push(message) })
    pubsub.broadcast('ab', 1)
    pubsub.broadcast('a*', 2)
    expect(got).toEqual([2])
  })
})

describe('a subscription of a process', () => {
  it('brings messages as they are, until the process ends', async () => {
    const got: Term[] = []
    let told = (): void => {}
    const both = new Promise<void>((resolve) => {
      told = resolve
    })
    const sink = node.spawn(async (self) => {
      for await (const message of self) {
        got.push(message)
        if (got.length === 2) told()
      }
    })
    const subscription = pubsub.subscribe('t', { to: sink })
    pubsub.broadcast('t', tuple(atom('reading'), 1))
    pubsub.broadcastFrom(sink, 't', 'not to itself')
    pubsub.broadcast('t', 2)
    await both
    expect(got).toEqual([tuple(atom('reading'), 1), 2])
    node.spawn(async (self) => {
      self.monitor(sink)
      await self.receive()
      done()
    })
    let done = (): void => {}
    const ended = new Promise<void>((resolve) => {
      done = resolve
    })
    node.exit(sink, atom('kill'))
    await ended
    expect(subscription.closed).toBe(true)
    expect(() => pubsub.subscribe('t', { to: sink })).toThrow(expect.objectContaining({ code: 'ERR_NOPROC' }))
    expect(pubsub.stats.subscriptions).toBe(0)
  })

  it('is refused for a process of another node, and together with a function', () => {
    const pid = node.spawn(() => {})
    expect(() => pubsub.subscribe('t', { to: 'sink' as never })).toThrow(/a pid of this node/)
    expect(() => pubsub.subscribe('t', { to: pid, onMessage: () => {} } as never)).toThrow(/there is no such option/)
  })
})

describe('a subscription that is read', () => {
  it('yields in order and ends when it is closed, after what it holds', async () => {
    const stream = pubsub.subscribe<number>('t')
    const first = stream.next()
    for (let n = 0; n < 20; n++) pubsub.broadcast('t', n)
    stream.close()
    pubsub.broadcast('t', 'late')
    const got = [(await first).value]
    for await (const n of stream) got.push(n)
    expect(got).toEqual(Array.from({ length: 20 }, (_, n) => n))
  })

  it('is closed by leaving the loop', async () => {
    const stream = pubsub.subscribe('t')
    pubsub.broadcast('t', 1)
    pubsub.broadcast('t', 2)
    for await (const message of stream) {
      expect(message).toBe(1)
      break
    }
    expect(stream.closed).toBe(true)
    expect(pubsub.stats.subscriptions).toBe(0)
  })

  it('loses the newest, the oldest, or itself when nobody reads it', async () => {
    const lost = losses()
    const newest = pubsub.subscribe('t', { capacity: 3 })
    const oldest = pubsub.subscribe('t', { capacity: 3, overflow: 'drop-oldest' })
    const closing = pubsub.subscribe('t', { capacity: 3, overflow: 'close' })
    for (let n = 0; n < 6; n++) pubsub.broadcast('t', n)
    expect([newest.dropped, oldest.dropped, closing.dropped]).toEqual([3, 3, 1])
    expect([newest.length, oldest.length, closing.length]).toEqual([3, 3, 3])
    expect([newest.closed, oldest.closed, closing.closed]).toEqual([false, false, true])
    const values = async (stream: AsyncIterableIterator<unknown>): Promise<unknown[]> =>
      (await Promise.all([stream.next(), stream.next(), stream.next()])).map(({ value }) => value)
    expect(await values(newest)).toEqual([0, 1, 2])
    expect(await values(oldest)).toEqual([3, 4, 5])
    expect(await values(closing)).toEqual([0, 1, 2])
    expect(lost).toHaveLength(7)
    expect(lost[0]).toEqual({ cause: 'slow-subscriber', count: 1, topic: 't' })
    expect(pubsub.stats.dropped).toEqual({ 'slow-subscriber': 7 })
    expect(cluster.lines('warn', 'lost')).toHaveLength(1)
  })
})

describe('a broadcast', () => {
  it('of what is no term says where, and nobody gets anything', () => {
    const got: unknown[] = []
    pubsub.subscribe('t', { onMessage: (message) => got.push(message) })
    const wrong = { list: [1, { f: () => 1 }] } as unknown as Term
    expect(() => pubsub.broadcast('t', wrong)).toThrow(EncodeError)
    expect(() => pubsub.broadcast('t', wrong)).toThrow(/\.list\[1\]\.f/)
    expect(got).toEqual([])
    expect(pubsub.stats.published).toBe(0)
  })

  it('takes any text for a topic, and nothing else', () => {
    const got: unknown[] = []
    const topics = ['', 'ünï', '\u0000', 'x'.repeat(65_536), '\u{1F600}']
    for (const topic of topics) pubsub.subscribe(topic, { onMessage: () => got.push(topic) })
    for (const topic of topics) pubsub.broadcast(topic, 1)
    expect(got).toEqual(topics)
    for (const topic of [undefined, null, 1, atom('a'), Buffer.from('a'), '\ud800'] as unknown as string[]) {
      expect(() => pubsub.broadcast(topic, 1)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_OPTION' }))
      expect(() => pubsub.subscribe(topic)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_OPTION' }))
      expect(() => pubsub.localBroadcast(topic, 1)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_OPTION' }))
    }
    expect(() => pubsub.broadcast('t', 1, { dispatchr: 'x' } as never)).toThrow(/did you mean dispatcher/)
    expect(() => pubsub.localBroadcast('t', 1, { retain: true })).toThrow(/there is no such option/)
  })

  it('goes through a dispatcher of this node, and is lost and counted without it', () => {
    const lost = losses()
    const got: unknown[] = []
    pubsub.subscribe('t', { onMessage: (message) => got.push(message) })
    pubsub.broadcast('t', 1, { dispatcher: 'Elixir.Nobody' })
    expect(lost).toMatchObject([{ cause: 'unknown-dispatcher', topic: 't', node: node.name }])
    pubsub.broadcast('t', 2, { dispatcher: 'Elixir.Phoenix.Channel.Server' })
    pubsub.broadcast('t', 3, { dispatcher: atom('Elixir.Phoenix.PubSub') })
    expect(got).toEqual([2, 3])
  })

  it('is sent by a dispatcher as it likes', async () => {
    const own = node.pubsub('Own.PubSub', {
      dispatchers: {
        'Elixir.Loud': (recipients, { message }) => {
          for (const { metadata, deliver } of recipients) if (metadata === 'loud') deliver(`${message}!`)
        },
        'Elixir.Broken': () => {
          throw new Error('broken')
        },
      },
    })
    const got: unknown[] = []
    own.subscribe('t', { metadata: 'loud', onMessage: (message) => got.push(message) })
    own.subscribe('t', { onMessage: (message) => got.push(message) })
    own.localBroadcast('t', 'hi', { dispatcher: 'Elixir.Loud' })
    own.localBroadcast('t', 'hi', { dispatcher: 'Elixir.Broken' })
    own.localBroadcast('t', 'hi')
    expect(got).toEqual(['hi!', 'hi', 'hi'])
    expect(cluster.lines('error', 'a dispatcher threw')).toHaveLength(1)
    await own.close()
  })

  it('whose dispatcher returns a promise that rejects is told of, and ends nothing', async () => {
    const rejecting = async (): Promise<void> => {
      throw new Error('rejected')
    }
    const own = node.pubsub('Own.PubSub', { dispatchers: { 'Elixir.Async': rejecting } })
    own.subscribe('t', { onMessage: () => {} })
    own.localBroadcast('t', 'hi', { dispatcher: 'Elixir.Async' })
    await setImmediate()
    expect(cluster.lines('error', 'a dispatcher threw')).toHaveLength(1)
    await own.close()
  })

  it('that is lost may be answered with another one that is lost, and so on, and nothing stands still', async () => {
    const lost = losses()
    pubsub.on('dropped', ({ topic }) => void pubsub.localBroadcast(`${topic}!`, 1, { dispatcher: 'Elixir.Nobody' }))
    pubsub.subscribe('t', { onMessage: () => {} })
    pubsub.localBroadcast('t', 1, { dispatcher: 'Elixir.Nobody' })
    expect(lost.map(({ topic }) => topic)).toEqual(['t'])
    while (lost.length < 5) await setImmediate()
    expect(lost.slice(0, 3).map(({ topic }) => topic)).toEqual(['t', 't!', 't!!'])
    expect(pubsub.stats.dropped['unknown-dispatcher']).toBe(lost.length + 1)
  })
})

describe('a pub/sub that only publishes', () => {
  it('refuses subscriptions and broadcasts', async () => {
    const own = node.pubsub('Own.PubSub', { publishOnly: true })
    expect(() => own.subscribe('t')).toThrow(expect.objectContaining({ code: 'ERR_UNSUPPORTED' }))
    expect(own.broadcast('t', 1)).toBe(true)
    expect(node.whereis('Elixir.Own.PubSub.Adapter')).toBeUndefined()
    await own.close()
  })
})

describe('a pub/sub with its node', () => {
  it('is closed once by who hears that it is about to', async () => {
    const heard: string[] = []
    const own = node.pubsub('Own.PubSub')
    const presence = own.presence({ name: 'Own.Presence' })
    const closings: Promise<void>[] = []
    own.on('leaving', () => closings.push(own.close()))
    presence.on('closed', () => closings.push(own.close()))
    own.on('closed', () => heard.push(own.closed && node.pubsub('Own.PubSub') !== own ? 'closed' : 'not yet'))
    const closing = own.close()
    expect(closings).toEqual([closing, closing])
    await closing
    expect(heard).toEqual(['closed'])
    await node.pubsub('Own.PubSub').close()
  })

  it('closes with it', async () => {
    await using other = await Cluster.create()
    const a = await other.start('a')
    const stream = a.pubsub('X').subscribe('t')
    const closed = event(a.pubsub('X'), 'closed')
    await a.close()
    await closed
    expect(await stream.next()).toEqual({ value: undefined, done: true })
    expect(() => a.pubsub('X')).toThrow(expect.objectContaining({ code: 'ERR_CLOSED' }))
  })
})
