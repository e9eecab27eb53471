import { setImmediate } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { mesh } from '../../src/pubsub/engines/mesh.ts'
import type { PubSub } from '../../src/pubsub/pubsub.ts'
import type { Dropped } from '../../src/pubsub/pubsub-events.ts'
import type { PubSubOptions } from '../../src/pubsub/pubsub-options.ts'
import { atom, Float, type Term, tuple } from '../../src/term/index.ts'
import type { StartOptions, TsunagiNode } from '../../src/tsunagi.ts'
import { Cluster } from '../node/cluster.ts'
import { event, Inbox } from './stage.ts'

const NAME = 'Mesh.PubSub'
const ADAPTER = 'Elixir.Mesh.PubSub.Adapter'

let cluster: Cluster

beforeEach(async () => {
  cluster = await Cluster.create()
})

afterEach(async () => {
  await cluster[Symbol.asyncDispose]()
})

/** Nodes that are connected, each with a pub/sub that knows all others. */
async function together(count: number, options: PubSubOptions = {}, start: StartOptions = {}): Promise<TsunagiNode[]> {
  const nodes: TsunagiNode[] = []
  for (let i = 0; i < count; i++) {
    nodes.push(await cluster.start(`n${i}`, { connectTo: nodes.map(({ name }) => name), ...start }))
  }
  await Promise.all(nodes.map((node) => node.pubsub(NAME, options).ready({ nodes: count - 1, timeout: 60_000 })))
  return nodes
}

const lossesOf = (pubsub: PubSub): Dropped[] => {
  const list: Dropped[] = []
  pubsub.on('dropped', (dropped) => list.push(dropped))
  return list
}

describe('a pub/sub over the mesh', () => {
  it('brings broadcasts to all nodes, and knows who takes part', async () => {
    const [a, b, c] = await together(3)
    const inboxes = [a, b, c].map((node) => new Inbox(node!.pubsub(NAME), 'sensors'))
    a!.pubsub(NAME).broadcast('sensors', { temperature: 21.5 })
    b!.pubsub(NAME).broadcast('others', 'nobody')
    for (const inbox of inboxes) expect(await inbox.atLeast(1)).toEqual([{ temperature: 21.5 }])
    expect(a!.pubsub(NAME).nodes().sort()).toEqual([b!.name, c!.name])
    const down = event(a!.pubsub(NAME), 'nodedown', (name) => name === c!.name)
    await c!.close()
    await down
    expect(a!.pubsub(NAME).nodes()).toEqual([b!.name])
  })

  it('sends one frame to each node, however many subscribers it has', async () => {
    const [a, b] = await together(2)
    const inboxes = Array.from({ length: 50 }, () => new Inbox(b!.pubsub(NAME), 't'))
    const before = a!.links()[0]!.messagesOut
    for (let n = 0; n < 10; n++) a!.pubsub(NAME).broadcast('t', n)
    for (const inbox of inboxes) expect(await inbox.atLeast(10)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    expect(a!.links()[0]!.messagesOut - before).toBe(10)
  })

  it('keeps bytes bytes between nodes of this package, one or many', async () => {
    const nodes = await together(3)
    const message = { bytes: new Uint8Array([104, 105]), text: 'hi', list: [1, 2.5, null] }
    const inboxes = nodes.map((node) => new Inbox(node.pubsub(NAME), 't'))
    nodes[0]!.pubsub(NAME).broadcast('t', message)
    nodes[0]!.pubsub(NAME).directBroadcast(nodes[1]!.name, 't', message)
    expect(await inboxes[1]!.atLeast(2)).toEqual([message, message])
    expect(await inboxes[2]!.atLeast(1)).toEqual([message])
  })

  it('decodes for each subscription as it likes', async () => {
    const [a, b] = await together(2)
    const got: { exact?: Term; bytes?: Term; again?: Term } = {}
    const usual = new Inbox(b!.pubsub(NAME), 't')
    for (const [name, options] of Object.entries({
      exact: { floats: 'exact', maps: 'map' },
      bytes: { binaries: 'bytes' },
      again: { floats: 'exact', maps: 'map' },
    } as const)) {
      b!
        .pubsub(NAME)
        .subscribe('t', { ...options, onMessage: (message) => void Object.assign(got, { [name]: message }) })
    }
    a!.pubsub(NAME).broadcast('t', [new Float(1), { k: 'text' }])
    expect(await usual.atLeast(1)).toEqual([[1, { k: 'text' }]])
    await setImmediate()
    expect(got.exact).toEqual([new Float(1), new Map([[atom('k'), 'text']])])
    expect(got.again).toBe(got.exact)
    expect(got.bytes).toEqual([1, { k: new Uint8Array(Buffer.from('text')) }])
  })

  it('keeps a message only from those who take no maps with such keys, and counts it', async () => {
    const [a, b] = await together(2)
    const pubsub = b!.pubsub(NAME)
    const usual = new Inbox(pubsub, 't')
    const lost = lossesOf(pubsub)
    const got: unknown[] = []
    const subscription = pubsub.subscribe('t', { maps: 'object', onMessage: (message) => got.push(message) })
    const after = new Inbox(pubsub, 't')
    const map = new Map([[tuple(1, 2), 3]])
    a!.pubsub(NAME).broadcast('t', map)
    a!.pubsub(NAME).broadcast('t', new Map([['k', 1]]))
    expect(await after.atLeast(2)).toEqual([map, new Map([['k', 1]])])
    expect(usual.messages).toEqual([map, new Map([['k', 1]])])
    expect(got).toEqual([{ k: 1 }])
    expect(subscription.dropped).toBe(1)
    expect(lost).toMatchObject([{ cause: 'undecodable', topic: 't', node: a!.name, error: { code: 'ERR_DECODE' } }])
  })

  it('goes on when its own way to decode has no form for a message, and keeps the link', async () => {
    const [a, b] = await together(2)
    const from = a!.pubsub('Objects')
    const seen: unknown[] = []
    const pubsub = b!.pubsub('Objects', {
      maps: 'object',
      dispatchers: {
        'Elixir.Own': (recipients, { message }) => {
          seen.push(message)
          for (const recipient of recipients) recipient.deliver(message)
        },
      },
    })
    await Promise.all([from.ready(), pubsub.ready()])
    const down = event(pubsub, 'nodedown').then(() => 'down')
    const objects = new Inbox(pubsub, 't')
    const maps: unknown[] = []
    pubsub.subscribe('t', { maps: 'map', onMessage: (message) => maps.push(message) })
    const dispatcher = { dispatcher: 'Elixir.Own' }
    for (const options of [undefined, dispatcher]) {
      from.broadcast('t', new Map([[tuple(1), 2]]), options)
      from.broadcast('t', new Map([['k', 1]]), options)
    }
    from.broadcast('t', 'last')
    expect(await Promise.race([down, objects.including('last')])).toEqual([{ k: 1 }, { k: 1 }, 'last'])
    expect(maps).toEqual([new Map([[tuple(1), 2]]), new Map([['k', 1]]), { k: 1 }, 'last'])
    expect(seen).toEqual([{ k: 1 }])
    expect(pubsub.stats.dropped).toEqual({ undecodable: 3 })
    from.broadcast('kept', new Map([[tuple(1), 2]]), { retain: true })
    from.broadcast('kept too', 1, { retain: true })
    from.broadcast('t', 'kept')
    await objects.including('kept')
    const replayed: unknown[] = []
    pubsub.subscribe('kept*', { pattern: true, replay: true, onMessage: (message) => replayed.push(message) })
    expect(replayed).toEqual([1])
    const late = await cluster.start('late', { connectTo: [a!.name] })
    const inbox = new Inbox(late.pubsub('Objects', { maps: 'object' }), 'kept too', { replay: true })
    expect(await inbox.atLeast(1)).toEqual([1])
    expect(late.pubsub('Objects').stats.retained.topics).toBe(2)
  })

  it('sends nothing to anyone when a message cannot be encoded', async () => {
    const [a, b, c] = await together(3)
    const inboxes = [a, b, c].map((node) => new Inbox(node!.pubsub(NAME), 't'))
    const wrong = { deep: [() => 1] } as unknown as Term
    for (const send of [
      () => a!.pubsub(NAME).broadcast('t', wrong),
      () => a!.pubsub(NAME).directBroadcast(b!.name, 't', wrong),
    ]) {
      expect(send).toThrow(expect.objectContaining({ code: 'ERR_ENCODE' }))
      expect(send).toThrow(/at \.deep\[0\]|\.deep\[0\]/)
    }
    a!.pubsub(NAME).broadcast('t', 'last')
    for (const inbox of inboxes) expect(await inbox.including('last')).toEqual(['last'])
  })

  it('keeps the order of a publisher, also of big messages among small ones', async () => {
    const [a, b, c] = await together(3)
    const inboxes = [b, c].map((node) => new Inbox(node!.pubsub(NAME), 't'))
    const big = 'x'.repeat(300_000)
    for (let n = 0; n < 60; n++) a!.pubsub(NAME).broadcast('t', [n, n % 7 === 0 ? big : ''])
    for (const inbox of inboxes) {
      const got = (await inbox.atLeast(60)) as [number, string][]
      expect(got.map(([n]) => n)).toEqual(Array.from({ length: 60 }, (_, n) => n))
    }
  })

  it('drops for a node whose link is full, counts it, and serves the others', async () => {
    const [a, b, c] = await together(3, {}, { limits: { linkHighWater: 10_000, linkMax: 100_000 } as never })
    const pubsub = a!.pubsub(NAME)
    const inbox = new Inbox(c!.pubsub(NAME), 't')
    const lost = lossesOf(pubsub)
    const sink = b!.spawn(async (self) => void (await self.receive(() => false)), { name: 'sink' })
    while (a!.links().find(({ node }) => node === b!.name)!.queuedBytes <= 100_000) {
      a!.send({ name: 'sink', node: b!.name }, 'x'.repeat(20_000))
    }
    expect(pubsub.broadcast('t', 1)).toBe(false)
    expect(lost).toEqual([{ cause: 'link-full', count: 1, topic: 't', node: b!.name }])
    expect(await inbox.atLeast(1)).toEqual([1])
    expect(pubsub.stats.dropped).toEqual({ 'link-full': 1 })
    b!.exit(sink, atom('kill'))
  })

  it('holds no more bytes for a slow reader than a mailbox does', async () => {
    const [a, b] = await together(2, {}, { limits: { mailboxBytes: 100_000 } as never })
    const newest = b!.pubsub(NAME).subscribe('t')
    const oldest = b!.pubsub(NAME).subscribe('t', { overflow: 'drop-oldest' })
    const inbox = new Inbox(b!.pubsub(NAME), 't')
    for (let n = 0; n < 12; n++) a!.pubsub(NAME).broadcast('t', [n, 'x'.repeat(30_000)])
    a!.pubsub(NAME).broadcast('t', [12, 'x'.repeat(200_000)])
    await inbox.atLeast(13)
    expect([newest.length, newest.dropped, oldest.length, oldest.dropped]).toEqual([3, 10, 1, 12])
    expect((await newest.next()).value).toEqual([0, 'x'.repeat(30_000)])
    expect((await oldest.next()).value).toEqual([12, 'x'.repeat(200_000)])
    expect([newest.length, oldest.length]).toEqual([2, 0])
  })

  it('hears peers with any pool, from whenever they show it', async () => {
    const a = await cluster.start('a')
    const b = await cluster.start('b', { connectTo: [a.name] })
    const [pa, pb] = [a.pubsub(NAME, { engine: mesh({ poolSize: 4 }) }), b.pubsub(NAME)]
    await Promise.all([pa.ready(), pb.ready()])
    for (let member = 1; member <= 4; member++) expect(b.whereis(`${ADAPTER}_${member}`)).toBeDefined()
    expect(b.whereis(`${ADAPTER}_5`)).toBeUndefined()
    expect(() => mesh({ poolSize: 2, broadcastPoolSize: 3 })).toThrow(/at most poolSize/)
    expect(() => mesh({ poolSize: 65 })).toThrow(/from 1 to 64/)
  })

  it('is not sent to when it only publishes', async () => {
    const a = await cluster.start('a')
    const b = await cluster.start('b', { connectTo: [a.name] })
    const [pa, pb] = [a.pubsub(NAME), b.pubsub(NAME, { publishOnly: true })]
    const inbox = new Inbox(pa, 't')
    await pb.ready()
    expect(pa.nodes()).toEqual([])
    pb.broadcast('t', 1)
    expect(await inbox.atLeast(1)).toEqual([1])
    expect(await pb.count('t')).toEqual(
      new Map([
        [b.name, 0],
        [a.name, 1],
      ]),
    )
  })

  it('counts the subscribers of a topic on each node', async () => {
    const [a, b, c] = await together(3)
    for (let n = 0; n < 3; n++) b!.pubsub(NAME).subscribe('t')
    c!.pubsub(NAME).subscribe('*', { pattern: true })
    const expected = new Map([
      [a!.name, 0],
      [b!.name, 3],
      [c!.name, 0],
    ])
    expect(await a!.pubsub(NAME).count('t')).toEqual(expected)
    await expect(a!.pubsub(NAME).count('t', { signal: AbortSignal.abort('no') })).rejects.toBe('no')
  })

  it('takes any dispatcher between nodes of this package', async () => {
    const dispatchers = {
      'Elixir.Shout': (recipients: readonly { deliver(message: Term): void }[], { message }: { message: Term }) => {
        for (const to of recipients) to.deliver(`${message}!`)
      },
    }
    const [a, b] = await together(2, { dispatchers })
    const inbox = new Inbox(b!.pubsub(NAME), 't')
    a!.pubsub(NAME).broadcast('t', 'hi', { dispatcher: 'Elixir.Shout' })
    expect(await inbox.atLeast(1)).toEqual(['hi!'])
    const lost = event(b!.pubsub(NAME), 'dropped')
    a!.pubsub(NAME).broadcast('t', 'hi', { dispatcher: 'Elixir.Unheard' }) // only b knows that it does not know it
    expect((await lost)[0]).toMatchObject({ cause: 'unknown-dispatcher', node: a!.name, topic: 't' })
  })

  it('counts what is no broadcast, says whose it was, and goes on', async () => {
    const [a, b] = await together(2)
    const lost = lossesOf(b!.pubsub(NAME))
    const inbox = new Inbox(b!.pubsub(NAME), 't')
    const forward = atom('forward_to_local')
    const dispatcher = atom('Elixir.Phoenix.PubSub')
    const garbage: Term[] = [
      'text',
      tuple(),
      tuple(forward),
      tuple(forward, 't', 1),
      tuple(forward, 't', 1, 'no atom'),
      tuple(forward, atom('t'), 1, dispatcher),
      tuple(forward, new Uint8Array([0xff, 0xfe]), 1, dispatcher),
      tuple(forward, 't', 1, dispatcher, 'no stamp'),
      tuple(forward, 't', 1, dispatcher, tuple(1.5, 'n')),
      tuple(forward, 't', 1, dispatcher, tuple(1, 'n'), 1),
      tuple(atom('backward'), 't', 1, dispatcher),
    ]
    for (const message of garbage) a!.send({ name: ADAPTER, node: b!.name }, message)
    a!.send({ name: ADAPTER, node: b!.name }, tuple(forward, 't', 'last', dispatcher))
    expect(await inbox.including('last')).toEqual(['last'])
    expect(lost).toHaveLength(garbage.length)
    expect(lost.every(({ cause, node }) => cause === 'undecodable' && node === a!.name)).toBe(true)
  })

  it('knows a topic by its UTF-8, however binaries are decoded', async () => {
    const a = await cluster.start('a')
    const b = await cluster.start('b', { connectTo: [a.name] })
    const c = await cluster.start('c', { connectTo: [a.name] })
    const [pa, pb, pc] = [a.pubsub(NAME), b.pubsub(NAME, { binaries: 'bytes' }), c.pubsub(NAME, { binaries: 'string' })]
    await pa.ready({ nodes: 2, timeout: 60_000 })
    const [bytes, text] = [new Inbox(pb, 'tøpic'), new Inbox(pc, 'tøpic')]
    const lost = lossesOf(pc)
    const replaced = new Inbox(pc, '\uFFFD')
    const forward = (topic: Term): Term => tuple(atom('forward_to_local'), topic, 1, atom('Elixir.Phoenix.PubSub'))
    a.send({ name: ADAPTER, node: c.name }, forward(new Uint8Array([0xff])))
    a.send({ name: ADAPTER, node: c.name }, forward('\uFFFD'))
    pa.broadcast('tøpic', 'text')
    expect(await bytes.atLeast(1)).toEqual([new Uint8Array(Buffer.from('text'))])
    expect(await text.atLeast(1)).toEqual(['text'])
    expect(replaced.messages).toEqual([1])
    expect(lost).toMatchObject([{ cause: 'undecodable' }])
  })

  it('leaves nothing behind when it is closed, here and there', async () => {
    const [a, b] = await together(2)
    const before = a!.counts
    const [pa, pb] = [a!.pubsub('Other'), b!.pubsub('Other', { engine: mesh({ poolSize: 3 }) })]
    await Promise.all([pa.ready(), pb.ready()])
    new Inbox(pa, 't')
    await pa.count('t')
    const down = event(pb, 'nodedown')
    await pa.close()
    await down
    expect(pb.nodes()).toEqual([])
    await pb.close()
    // The first pub/subs may have had a question under way.
    expect(a!.counts).toEqual({ ...before, references: expect.any(Number) })
    expect(a!.counts.references).toBeLessThanOrEqual(before.references)
    await Promise.all([a!.pubsub(NAME).close(), b!.pubsub(NAME).close()])
    expect(a!.whereis('Elixir.Phoenix.PubSub')).toBeUndefined()
    expect(a!.registered().filter((name) => /PubSub|pubsub/.test(name))).toEqual([])
    const again = [a!.pubsub(NAME), b!.pubsub(NAME)]
    await Promise.all(again.map((pubsub) => pubsub.ready()))
    const inbox = new Inbox(again[1]!, 't')
    again[0]!.broadcast('t', 1)
    expect(await inbox.atLeast(1)).toEqual([1])
  })

  it('is one of many on a node, without a warning', async () => {
    const warnings: Error[] = []
    const note = (warning: Error): void => void warnings.push(warning)
    process.on('warning', note)
    const a = await cluster.start('a')
    const many = Array.from({ length: 30 }, (_, n) => a.pubsub(`Many${n}`))
    await setImmediate()
    process.off('warning', note)
    expect(warnings).toEqual([])
    await Promise.all(many.map((pubsub) => pubsub.close()))
    expect(a.whereis('Elixir.Phoenix.PubSub')).toBeUndefined()
  })

  it('does not close a scope of process groups that was there before it', async () => {
    const a = await cluster.start('a')
    const scope = a.pg('Elixir.Phoenix.PubSub')
    await a.pubsub(NAME).close()
    expect(scope.closed).toBe(false)
  })

  it('is sent nothing any more when its node leaves, and still sends', async () => {
    const [a, b] = await together(2)
    const [pa, pb] = [a!.pubsub(NAME), b!.pubsub(NAME)]
    const inbox = new Inbox(pb, 't')
    const down = event(pb, 'nodedown')
    pa.on('leaving', () => void pa.broadcast('t', 'farewell'))
    const left = a!.leave()
    expect(await inbox.including('farewell')).toEqual(['farewell'])
    await down
    await left
    expect(pb.nodes()).toEqual([])
  })

  it('is ready when enough nodes take part, or says how many do not', async () => {
    const a = await cluster.start('a')
    const pubsub = a.pubsub(NAME)
    await pubsub.ready({ nodes: 0 })
    await expect(pubsub.ready({ timeout: 1 })).rejects.toMatchObject({ code: 'ERR_TIMEOUT' })
    await expect(pubsub.ready({ signal: AbortSignal.abort('no') })).rejects.toBe('no')
    await expect(pubsub.ready({ nodes: -1 })).rejects.toMatchObject({ code: 'ERR_INVALID_OPTION' })
    const waiting = pubsub.ready({ timeout: 60_000 })
    waiting.catch(() => {})
    await pubsub.close()
    await expect(waiting).rejects.toMatchObject({ code: 'ERR_CLOSED' })
  })
})
