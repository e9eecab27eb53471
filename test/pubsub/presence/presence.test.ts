import { once } from 'node:events'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Presence } from '../../../src/pubsub/presence/presence.ts'
import { Presences } from '../../../src/pubsub/presence/presences.ts'
import type { Meta } from '../../../src/pubsub/presence/present.ts'
import type { PubSub } from '../../../src/pubsub/pubsub.ts'
import { atom, type Term, tuple } from '../../../src/term/index.ts'
import type { TsunagiNode } from '../../../src/tsunagi.ts'
import { Cluster } from '../../node/cluster.ts'
import { openProcess } from '../../support/scene.ts'

const NAME = 'MyApp.Presence'
const times = { broadcastPeriod: 50, maxSilentPeriods: 10, downPeriod: 20_000, anyTerms: true }

/** A meta without its references. */
const bare = (meta: Meta | undefined): Record<string, Term> => {
  const { phx_ref: _, phx_ref_prev: __, ...rest } = meta as Record<string, Term>
  return rest
}

describe('a presence', () => {
  let cluster: Cluster
  let node: TsunagiNode
  let pubsub: PubSub
  let presence: Presence

  beforeEach(async () => {
    cluster = await Cluster.create()
    node = await cluster.start('a')
    pubsub = node.pubsub('MyApp.PubSub')
    presence = pubsub.presence({ name: NAME, ...times })
  })

  afterEach(async () => {
    await cluster[Symbol.asyncDispose]()
  })

  it('lists who is on a topic until they are untracked', () => {
    const phone = presence.track('room', 'ann', { device: 'phone' })
    const tablet = presence.track('room', 'ann', { device: 'tablet' })
    presence.track('room', 'bob')
    presence.track('other', 'cid')
    expect([...presence.list('room').keys()]).toEqual(['ann', 'bob'])
    expect(presence.list('room').get('ann')?.map(bare)).toEqual([{ device: 'phone' }, { device: 'tablet' }])
    expect(presence.get('room', 'bob').map(bare)).toEqual([{}])
    expect(presence.get('room', 'nobody')).toEqual([])
    expect(presence.topics().sort()).toEqual(['other', 'room'])
    expect(presence.present('other')).toMatchObject([{ topic: 'other', key: 'cid', node: node.name }])
    expect(phone.meta).toEqual({ device: 'phone', phx_ref: phone.ref })
    expect(phone.ref).toMatch(/^[\w-]{16}$/)
    expect(phone.pid.equals(tablet.pid)).toBe(false)
    phone.untrack()
    phone.untrack()
    expect([phone.closed, phone.meta, phone.ref]).toEqual([true, undefined, undefined])
    expect(presence.list('room').get('ann')).toHaveLength(1)
    expect(presence.size).toBe(3)
  })

  it('gives an update a new reference, and the old one along', () => {
    const handle = presence.track('room', 'ann', { n: 1, phx_ref: 'mine' })
    const first = handle.ref
    expect(handle.update({ n: 2 })).toBe(true)
    expect(handle.meta).toEqual({ n: 2, phx_ref: handle.ref, phx_ref_prev: first })
    const second = handle.ref
    expect(handle.update((meta) => ({ ...meta, more: true }))).toBe(true)
    expect(handle.meta).toEqual({ n: 2, more: true, phx_ref: handle.ref, phx_ref_prev: second })
    handle.untrack()
    expect(handle.update({ n: 3 })).toBe(false)
    expect(presence.size).toBe(0)
  })

  it('takes an update by a function that itself changes what is tracked', () => {
    const handle = presence.track('room', 'ann', { n: 1 })
    handle.update((meta) => {
      handle.update({ n: 2 })
      return { ...meta, n: 3 }
    })
    expect(bare(handle.meta)).toEqual({ n: 3 })
    handle.update((meta) => {
      handle.untrack()
      return meta
    })
    expect(handle.closed).toBe(true)
    expect(presence.size).toBe(0)
  })

  it('ends what belongs to a process with it', async () => {
    const process = await openProcess(node)
    const handles = ['x', 'y'].map((topic) => presence.track(topic, 'k', {}, { pid: process }))
    expect(() => presence.track('x', 'k', {}, { pid: process.pid })).toThrow(/does not already have/)
    presence.track('x', 'other', {}, { pid: process })
    const left = once(presence, 'leave')
    node.exit(process.pid, atom('kill'))
    await left
    expect(handles.map(({ closed }) => closed)).toEqual([true, true])
    expect(presence.size).toBe(0)
    const late = presence.track('x', 'k', {}, { pid: process })
    if (!late.closed) await once(presence, 'leave')
    expect(presence.size).toBe(0)
  })

  it('takes all of a process away at once', async () => {
    const process = await openProcess(node)
    presence.track('x', 'k', {}, { pid: process })
    presence.track('y', 'k', {}, { pid: process })
    presence.track('x', 'k')
    expect(presence.untrack(process)).toBe(2)
    expect(presence.untrack(process)).toBe(0)
    expect(presence.size).toBe(1)
  })

  it('has any term as a key, and finds it again', () => {
    for (const key of ['text', 7, 7n, atom('a'), tuple(atom('user'), 1), [1, 2], new Map([['k', 1]])]) {
      const handle = presence.track('room', key, {})
      expect(presence.get('room', key)).toHaveLength(1)
      handle.untrack()
    }
    presence.track('room', tuple(1, 2), { n: 1 })
    presence.track('room', tuple(1, 2), { n: 2 })
    expect([...presence.list('room').values()].map((metas) => metas.length)).toEqual([2])
  })

  it('keeps a copy of what it was given', () => {
    const meta = { list: [1], deep: { n: 1 } }
    const handle = presence.track('room', 'k', meta)
    meta.list.push(2)
    meta.deep.n = 2
    expect(bare(handle.meta)).toEqual({ list: [1], deep: { n: 1 } })
    expect(() => presence.track('room', 'k', { bad: (() => {}) as unknown as Term })).toThrow(/bad/)
    expect(() => handle.update([1] as unknown as Meta)).toThrow(/meta/)
    expect(presence.size).toBe(1)
  })

  it('tells of who comes and goes, in order, also when a listener changes something', async () => {
    const told: string[] = []
    presence.on('join', ({ key, meta }) => {
      told.push(`+${key} ${(meta as { n: number }).n}`)
      if (key === 'ann') presence.track('room', 'follower', { n: 0 })
    })
    presence.on('leave', ({ key, meta }) => void told.push(`-${key} ${(meta as { n: number }).n}`))
    presence.on('diff', ({ topic, joins, leaves }) => void told.push(`${topic} ${joins.length} ${leaves.length}`))
    const handle = presence.track('room', 'ann', { n: 1 })
    handle.update({ n: 2 })
    handle.untrack()
    expect(told).toEqual([
      '+ann 1',
      'room 1 0',
      '+follower 0',
      'room 1 0',
      '-ann 1',
      '+ann 2',
      'room 1 1',
      '+follower 0',
      'room 1 0',
      '-ann 2',
      'room 0 1',
    ])
  })

  it('can be watched topic by topic', async () => {
    presence.track('room', 'early')
    const watch = presence.watch('room', { capacity: 2 })
    expect(watch.present.map(({ key }) => key)).toEqual(['early'])
    const handle = presence.track('room', 'ann')
    presence.track('other', 'bob')
    expect((await watch.next()).value).toMatchObject({ topic: 'room', joins: [{ key: 'ann' }], leaves: [] })
    handle.update({ n: 1 })
    handle.untrack()
    presence.track('room', 'cid')
    expect(watch.dropped).toBe(1)
    expect((await watch.next()).value).toMatchObject({ joins: [], leaves: [{ key: 'ann' }] })
    const controller = new AbortController()
    const aborted = presence.watch('room', { signal: controller.signal })
    controller.abort()
    expect(await aborted.next()).toEqual({ value: undefined, done: true })
    const rest = watch.next()
    expect((await rest).value).toMatchObject({ joins: [{ key: 'cid' }] })
    presence.close()
    expect(await watch.next()).toEqual({ value: undefined, done: true })
    expect(presence.listenerCount('diff')).toBe(0)
  })

  it('broadcasts diffs to subscribers of the topic on this node, with keys as text', async () => {
    const messages: Term[] = []
    pubsub.subscribe('room', { onMessage: (message) => messages.push(message) })
    const handle = presence.track('room', 7, { n: 1 })
    presence.track('room', tuple(atom('user'), 1))
    expect(messages).toMatchObject([
      {
        __struct__: atom('Elixir.Phoenix.Socket.Broadcast'),
        topic: 'room',
        event: 'presence_diff',
        payload: { joins: new Map([['7', { metas: [handle.meta] }]]), leaves: new Map() },
      },
      { payload: { joins: new Map([['{user,1}', { metas: [expect.anything()] }]]) } },
    ])
  })

  it('is the same for all nodes, and comes into step at once', async () => {
    for (let i = 0; i < 20; i++) presence.track('room', i, { i })
    const other = await cluster.start('b', { connectTo: [node.name] })
    const there = other.pubsub('MyApp.PubSub').presence({ name: `Elixir.${NAME}`, ...times })
    await there.ready()
    expect([...there.list('room').keys()]).toHaveLength(20)
    expect(there.nodes()).toEqual([{ name: node.name, up: true, synced: true }])
    const joined = once(presence, 'join')
    there.track('room', 'there', { bytes: Uint8Array.of(255), float: 1.5 })
    const [present] = await joined
    expect(bare(present.meta)).toEqual({ bytes: Uint8Array.of(255), float: 1.5 })
    expect([present.key, present.node, present.pid.node]).toEqual(['there', other.name, other.name])
    const gone = once(presence, 'nodegone')
    there.close({ permdown: true })
    await gone
    expect(presence.list('room').size).toBe(20)
  })

  it('decodes as it is told to', async () => {
    const exact = pubsub.presence({ name: 'exact', maps: 'map' })
    const handle = exact.track('room', 'k', { n: 1 })
    expect((handle.meta as Map<Term, Term>).get(atom('n'))).toBe(1)
    const strings = node.pubsub('Strings', { keys: 'strings' }).presence({ name: 'strings', maps: 'object' })
    const other = strings.track('room', 'k', { n: 1 })
    other.update((meta) => ({ ...meta, m: 2 }))
    expect(bare(other.meta)).toEqual({ n: 1, m: 2 })
  })

  it('shows what its options have no form for as it was kept', async () => {
    const odd = pubsub.presence({ name: 'odd', maps: 'object', ...times })
    const joined = once(odd, 'diff')
    const handle = odd.track('room', 'k', new Map([[tuple(1, 2), 1]]))
    const [{ joins }] = await joined
    expect(joins[0].meta).toBeInstanceOf(Map)
    expect(odd.get('room', 'k')).toEqual([
      new Map<Term, Term>([
        [tuple(1, 2), 1],
        [atom('phx_ref'), handle.ref],
      ]),
    ])
  })

  it('goes on when its pub/sub would not take a message, and tells of it', async () => {
    const failing = Object.create(pubsub, {
      broadcastFrom: {
        value: () => {
          throw new Error('too much')
        },
      },
      subscribe: { value: pubsub.subscribe.bind(pubsub) },
      nodes: { value: () => [] },
      on: { value: () => pubsub },
      localBroadcast: { value: () => {} },
      capabilities: { value: pubsub.capabilities },
      closed: { value: false },
    })
    const host = { pubsub: failing, node, terms: {}, hasSubscribers: () => false }
    const broken = new Presences(host).get({ name: 'broken', ...times })
    broken.track('room', 'k')
    const [error] = await once(broken, 'send-failed')
    expect(error).toMatchObject({ message: 'too much' })
    broken.track('room', 'l')
    await once(broken, 'send-failed')
    expect(cluster.lines('warn', 'could not be told')).toHaveLength(1)
    expect(broken.list('room').size).toBe(2)
    broken.close()
  })

  it('refuses what would end a Phoenix.Presence, unless it is told that there is none', () => {
    const careful = pubsub.presence({ name: 'careful' })
    for (const key of ['text', 1, 2n, 1.5, atom('a'), true, null]) careful.track('room', key).untrack()
    for (const key of [tuple(1), [1], Uint8Array.of(1), new Map()]) {
      expect(() => careful.track('room', key)).toThrow(/^key: expected text, a number or an atom/)
    }
    const handle = careful.track('room', 'k', { n: 1, deep: { list: ['a', null, atom('b')] } })
    expect(() => careful.track('room', 'l', { deep: [1, tuple(1)] })).toThrow(/meta\.deep\[1\]/)
    expect(() => careful.track('room', 'l', { pid: handle.pid })).toThrow(/meta\.pid/)
    expect(() => careful.track('room', 'm', { deep: { bytes: Uint8Array.of(255) } })).toThrow(/meta\.deep\.bytes/)
    expect(() => handle.update(new Map([[tuple(1), 1]]))).toThrow(/meta/)
    expect(bare(handle.meta)).toMatchObject({ n: 1 })
    expect(presence.track('room', tuple(1), { bytes: Uint8Array.of(255) }).closed).toBe(false)
  })

  it('is one for each name, and refuses other options for it', () => {
    expect(pubsub.presence({ name: NAME, ...times })).toBe(presence)
    expect(() => pubsub.presence({ name: NAME, ...times, poolSize: 2 })).toThrow(/^poolSize: expected the same options/)
    expect(pubsub.presence({ name: 'lower' }).name).toBe('lower')
    expect(pubsub.presence({ name: atom('Upper') }).name).toBe('Upper')
    const bad: [object, RegExp][] = [
      [{}, /name/],
      [{ name: '' }, /name/],
      [{ name: 'x', poolSize: 0 }, /poolSize/],
      [{ name: 'x', downPeriod: 10 }, /downPeriod: expected at least twice/],
      [{ name: 'x', permdownPeriod: 20_000 }, /permdownPeriod: expected more than/],
      [{ name: 'x', maxDeltaSizes: [] }, /maxDeltaSizes/],
      [{ name: 'x', pool: 1 }, /pool: there is no such option/],
    ]
    for (const [options, message] of bad) expect(() => pubsub.presence(options as { name: string })).toThrow(message)
    expect(() => presence.track('\ud800', 'k')).toThrow(/topic/)
    expect(() => presence.list(5 as never)).toThrow(/topic/)
    expect(() => pubsub.presence(undefined as never)).toThrow(/^options: expected/)
  })

  it('refuses a key that is no term, which nobody could be told of', async () => {
    const other = await cluster.start('b', { connectTo: node.name })
    const there = other.pubsub('MyApp.PubSub').presence({ name: NAME, ...times })
    for (const key of [() => {}, Number.NaN, Symbol('key'), '\ud800', [() => {}], undefined]) {
      expect(() => presence.track('room', key as never)).toThrow(
        expect.objectContaining({ code: expect.stringMatching(/^ERR_(ENCODE|INVALID_OPTION)$/) }),
      )
    }
    expect(presence.size).toBe(0)
    const joined = once(there, 'join')
    presence.track('room', 'ann')
    expect(await joined).toMatchObject([{ key: 'ann' }])
  })

  it('is refused on a pub/sub that only publishes, and leaves nothing behind', async () => {
    const publisher = node.pubsub('Publisher', { publishOnly: true })
    const before = node.counts
    expect(() => publisher.presence({ name: NAME })).toThrow(expect.objectContaining({ code: 'ERR_UNSUPPORTED' }))
    expect(node.counts).toEqual(before)
  })

  it('has room for so many entries', () => {
    const small = pubsub.presence({ name: 'small', maxEntries: 2 })
    small.track('room', 1)
    small.track('room', 2)
    expect(() => small.track('room', 3)).toThrow(expect.objectContaining({ code: 'ERR_LIMIT' }))
  })

  it('ends its handles and refuses more when it, its pub/sub or its node is closed', async () => {
    const handle = presence.track('room', 'k')
    const closed = once(presence, 'closed')
    const waiting = presence.ready()
    const refused = expect(waiting).rejects.toMatchObject({ code: 'ERR_CLOSED' })
    await pubsub.close()
    await closed
    await refused
    expect([presence.closed, handle.closed, handle.update({})]).toEqual([true, true, false])
    expect(() => presence.track('room', 'k')).toThrow(expect.objectContaining({ code: 'ERR_CLOSED' }))
    expect(() => pubsub.presence({ name: NAME })).toThrow(expect.objectContaining({ code: 'ERR_CLOSED' }))
    await expect(presence.ready()).rejects.toMatchObject({ code: 'ERR_CLOSED' })
    presence.close()
    const again = node.pubsub('MyApp.PubSub').presence({ name: NAME })
    await expect(again.ready({ timeout: 1 })).rejects.toMatchObject({ code: 'ERR_TIMEOUT' })
    expect(again.track('room', 'k').closed).toBe(false)
  })
})
