import { describe, expect, it } from 'vitest'
import { openObservatory } from '../../src/observe/cluster-observatory.ts'
import type { Observatory, TailMessage } from '../../src/observe/observatory.ts'
import { atom, tuple } from '../../src/term/index.ts'
import { Cluster } from '../node/cluster.ts'
import { Authority } from '../support/certificates.ts'
import { shows, updates } from './watching.ts'

const name = (alive: string) => `${alive}@127.0.0.1`
const nodeOf = (observatory: Observatory, alive: string) =>
  observatory.section('nodes').nodes.find((node) => node.name === name(alive))
const answers = (observatory: Observatory, ...alive: string[]) =>
  shows(observatory, () => alive.every((it) => nodeOf(observatory, it)?.answer.state === 'answers'))

describe('an observatory', () => {
  it('shows the whole cluster from one node, with what is open on each', async () => {
    await using cluster = await Cluster.create()
    const topologies = { app: { strategy: () => [name('b'), 'nobody@127.0.0.1'] } }
    const a = await cluster.start('a', { topologies })
    const b = await cluster.start('b', { connectTo: a.name })
    const c = await cluster.start('c', { connectTo: a.name })
    await a.ready({ nodes: 2 })
    await b.start({}, { name: 'billing' })
    c.pubsub('App.PubSub').subscribe('news', { onMessage: () => {} })
    c.pubsub('App.PubSub').subscribe('sensor:*', { onMessage: () => {}, pattern: true })
    const store = c.store({ name: 'rates', functions: { from: [] } })
    await store.ready()
    await store.put('euro', 'a secret value')
    await store.define('double', '(x) => 2 * x')
    await using observatory = openObservatory(b)
    await shows(observatory, () => {
      return (
        observatory.section('store').stores.length === 1 && observatory.section('discovery').topologies.length === 1
      )
    })

    await shows(observatory, () => nodeOf(observatory, 'c')?.eventLoop != null)
    const { nodes } = observatory.section('nodes')
    expect(nodes.slice(0, 3).map((node) => node.name)).toEqual([b.name, a.name, c.name])
    expect(nodeOf(observatory, 'c')).toMatchObject({
      state: 'connected',
      runtime: 'typescript',
      visibility: 'hidden',
      creation: c.creation,
      os: { pid: process.pid },
      listening: [{ ...c.listening, tls: false }],
      eventLoop: { utilisation: expect.any(Number) },
      actions: false,
    })
    expect(nodeOf(observatory, 'c')?.seenBy).toEqual(expect.arrayContaining([a.name, b.name]))
    expect(observatory.section('store').stores).toMatchObject([
      {
        name: 'rates',
        engine: 'mesh',
        here: false,
        loader: c.name,
        split: false,
        size: 1,
        nodes: [{ node: c.name, role: 'loader' }],
        functions: [{ name: 'double', nodes: [c.name], errors: [] }],
      },
    ])
    expect(observatory.section('pubsub').pubsubs).toMatchObject([
      {
        name: 'App.PubSub',
        here: false,
        nodes: [{ node: c.name, subscriptions: 2, dropped: 0 }],
        topics: [
          { topic: 'news', pattern: false, subscribers: 1, nodes: [{ node: c.name, subscribers: 1 }] },
          { topic: 'sensor:*', pattern: true, subscribers: 1 },
        ],
      },
    ])
    expect(observatory.section('discovery').topologies).toMatchObject([
      {
        node: a.name,
        name: 'app',
        state: 'running',
        mode: 'pull',
        counts: { found: 2, connected: 1, missing: 1 },
        missing: [{ node: 'nobody@127.0.0.1', reason: expect.any(String) }],
        actions: false,
      },
    ])
    const own = observatory.section('processes').nodes.find((it) => it.node === b.name)
    expect(own?.top.find((it) => it.name === 'billing')).toMatchObject({ kind: 'server', mailboxLength: 0 })
    const keys = await observatory.page({ list: 'keys', store: 'rates' })
    expect(keys).toMatchObject({ items: [{ key: 'euro', bytes: 20 }], total: 1, more: false })
    const topics = await observatory.page({ list: 'topics', pubsub: 'App.PubSub', filter: 'SENS' })
    expect(topics.items).toEqual([
      { topic: 'sensor:*', pattern: true, subscribers: 1, nodes: [{ node: c.name, subscribers: 1 }] },
    ])
    const processes = await observatory.page({ list: 'processes', node: c.name, sort: 'name', limit: 2 })
    expect(processes).toMatchObject({ items: [{}, {}], more: true })
    const sections = ['nodes', 'links', 'store', 'discovery', 'pubsub', 'timeline'] as const
    expect(JSON.stringify(sections.map((it) => observatory.section(it)))).not.toContain('a secret value')
  })

  it('tells what changed, the same object as long as it has not, and what happened and why', async () => {
    await using cluster = await Cluster.create()
    const a = await cluster.start('a')
    const b = await cluster.start('b', { connectTo: a.name })
    await a.ready()
    await using observatory = openObservatory(a)
    await answers(observatory, 'b')
    const told = updates(observatory, ['matrix', 'timeline'])
    const before = observatory.section('discovery')
    await b.close()
    const event = await shows(observatory, () => observatory.since(0).find((it) => it.kind === 'node-down'))
    expect(event).toMatchObject({ peer: b.name, reason: 'connection_closed', nodes: [a.name], count: 1 })
    await shows(observatory, () => told.some(({ events }) => events.some((it) => it.id === event.id)))
    expect(told.flatMap(({ sections }) => [...sections])).toContain('matrix')
    expect(told.flatMap(({ sections }) => [...sections])).not.toContain('nodes')
    expect(observatory.section('discovery')).toBe(before)
    expect(observatory.since(event.cursor)).toEqual([])
    await cluster.start('b', { connectTo: a.name })
    await answers(observatory, 'b')
    const up = await shows(observatory, () => observatory.since(event.cursor).find((it) => it.kind === 'node-up'))
    expect(up).toMatchObject({ peer: b.name, severity: 'good' })
  })

  it('names the node that does not see another one, which it sees itself', async () => {
    await using cluster = await Cluster.create()
    const a = await cluster.start('a')
    const b = await cluster.start('b', { connectTo: a.name, allow: [a.name] })
    const c = await cluster.start('c', { connectTo: [a.name, b.name] })
    await a.ready({ nodes: 2 })
    await using observatory = openObservatory(a)
    const { problems, ...verdict } = await shows(observatory, () => {
      const { verdict } = observatory.section('overview')
      return verdict.level === 'alarm' && verdict
    })
    expect(problems).toMatchObject([{ level: 'alarm', text: `${c.name} does not see ${b.name}` }])
    expect(verdict.sentence).toMatch(/^c@127\.0\.0\.1 does not see b@127\.0\.0\.1 since \d\d:\d\d:\d\d$/)
    expect(observatory.section('matrix').odd).toMatchObject([{ kind: 'missing', from: c.name, to: b.name }])
    const link = observatory.section('links').links.find((it) => it.from === c.name && it.to === b.name)
    expect(link).toMatchObject({
      error: { code: 'ERR_CONNECT_NOT_ALLOWED' },
      wantedBy: expect.arrayContaining(['connectTo']),
    })
    b.allow([c.name])
    const healed = await shows(observatory, () => {
      const { verdict } = observatory.section('overview')
      return verdict.level === 'good' && verdict
    })
    expect(healed.text).toBe('3 nodes, fully connected')
  })

  it('has charts of what nodes remember when it is opened', async () => {
    await using cluster = await Cluster.create()
    const a = await cluster.start('a')
    const b = await cluster.start('b', { connectTo: a.name })
    const c = await cluster.start('c', { connectTo: a.name })
    await Promise.all([a.ready({ nodes: 2 }), b.ready({ nodes: 2 })])
    await using first = openObservatory(a)
    await answers(first, 'b', 'c')
    await shows(first, () => first.section('charts').nodes.some((it) => it.node === b.name && it.series.memory))
    await using later = openObservatory(c)
    await answers(later, 'b')
    const chart = await shows(later, () => later.section('charts').nodes.find((it) => it.node === b.name))
    expect(chart.series.memory?.filter((it) => it !== null).length).toBeGreaterThan(0)
    expect(later.section('charts').times).toHaveLength(chart.series.memory?.length ?? 0)
  }, 30_000)

  it('shows what TLS says of links, and which certificates there are', async () => {
    using authority = new Authority()
    await using cluster = await Cluster.create()
    const tls = { ...authority.issue(), ca: authority.ca }
    const a = await cluster.start('a', { tls })
    const b = await cluster.start('b', { tls, connectTo: a.name })
    await a.ready()
    await using observatory = openObservatory(a)
    await answers(observatory, 'b')
    const links = observatory.section('links').links.filter(({ state }) => state === 'connected')
    expect(links.map(({ from, to, tls }) => [from, to, tls?.protocol])).toEqual([
      [a.name, b.name, 'TLSv1.3'],
      [b.name, a.name, 'TLSv1.3'],
    ])
    expect(nodeOf(observatory, 'b')).toMatchObject({ listening: [{ ...b.listening, tls: true }] })
    const own = nodeOf(observatory, 'b')?.certificates.find((it) => it.of === 'own' && it.subject === 'CN=node')
    expect(own?.expires).toBe(b.certificates().find((it) => it.subject === 'CN=node')?.expires)
    expect(observatory.section('overview').verdict.text).toMatch(/^the certificate CN=.* expires soon$/)
  })

  it('acts on its node, and on others that allow it, and writes down who wanted it', async () => {
    await using cluster = await Cluster.create()
    const topologies = { app: { strategy: () => [] } }
    const a = await cluster.start('a')
    const b = await cluster.start('b', { connectTo: a.name, topologies, observable: { actions: true } })
    const c = await cluster.start('c', { connectTo: a.name, topologies })
    await Promise.all([a.ready({ nodes: 2 }), b.ready({ nodes: 2 })])
    await using observatory = openObservatory(a, { actions: true })
    await answers(observatory, 'b', 'c')
    expect(await observatory.act({ action: 'ping', peer: b.name })).toMatchObject({ ok: true, code: null })
    const paused = await observatory.act({ action: 'pause', node: b.name, topology: 'app' }, 'Ann')
    expect(paused).toEqual({ ok: true, text: 'app is paused', code: null })
    expect(b.topology('app').state).toBe('paused')
    expect(await observatory.act({ action: 'pause', node: c.name, topology: 'app' })).toMatchObject({
      ok: false,
      code: 'ERR_OBSERVE_REFUSED',
    })
    expect(c.topology('app').state).toBe('running')
    expect(await observatory.act({ action: 'disconnect', peer: c.name })).toMatchObject({ ok: true })
    expect(a.nodes()).toEqual([b.name])
    expect(await observatory.act({ action: 'connect', peer: 'nobody@127.0.0.1' })).toMatchObject({ ok: false })
    const actions = await shows(observatory, () => {
      const texts = observatory
        .since(0)
        .filter((it) => it.kind === 'action')
        .map(({ text }) => text)
      return texts.includes(`Ann at ${a.name}: pause app`) && texts
    })
    expect(actions).toContain(`Ann: pause app on ${b.name}`)
    await expect(observatory.act({ action: 'ping', peer: 3 } as never)).rejects.toMatchObject({ option: 'peer' })
    await expect(observatory.act({ action: 'kill' } as never)).rejects.toMatchObject({ option: 'action' })
    await using looking = openObservatory(a, { tail: false })
    await expect(looking.act({ action: 'ping', peer: b.name })).rejects.toMatchObject({ code: 'ERR_UNSUPPORTED' })
    expect(() => looking.tail('x', 'y', () => {})).toThrow('not shown')
  })

  it('shows messages as they pass: printed, cut, and no more than fifty a second', async () => {
    await using cluster = await Cluster.create()
    const a = await cluster.start('a')
    const pubsub = a.pubsub('App')
    await using observatory = openObservatory(a)
    const messages: TailMessage[] = []
    const stop = observatory.tail('App', 'sensor:*', (message) => messages.push(message))
    pubsub.broadcast('sensor:1', tuple(atom('temperature'), 21.5))
    pubsub.broadcast('other', 1)
    pubsub.broadcast('sensor:2', 'x'.repeat(1_000_000))
    expect(messages).toMatchObject([
      { topic: 'sensor:1', node: a.name, text: '{temperature,21.5}', cut: false, skipped: 0 },
      { topic: 'sensor:2', cut: true },
    ])
    expect(messages[1]?.text.length).toBeLessThanOrEqual(2000)
    for (let i = 0; i < 1000; i++) pubsub.broadcast('sensor:1', i)
    expect(messages.length).toBeLessThanOrEqual(100)
    stop()
    expect(pubsub.stats.subscriptions).toBe(0)
    expect(() => observatory.tail('Nobody', 'x', () => {})).toThrow('a pub/sub that')
    const stops = Array.from({ length: 50 }, () => observatory.tail('App', 't', () => {}))
    expect(() => observatory.tail('App', 't', () => {})).toThrow('50 tails')
    for (const it of stops) it()
    observatory.tail('App', 't', () => {})
    await observatory.close()
    expect(pubsub.stats.subscriptions).toBe(0)
  })

  it('leaves nothing behind, and closes with its node', async () => {
    await using cluster = await Cluster.create()
    const a = await cluster.start('a')
    const observatory = openObservatory(a)
    const all = updates(observatory)
    await Promise.all([observatory.close(), observatory.close()])
    const seen = all.length
    await cluster.start('b', { connectTo: a.name })
    await a.ready()
    expect(all).toHaveLength(seen)
    const open = openObservatory(a)
    await a.close()
    expect(() => open.tail('x', 'y', () => {})).toThrow('is closed')
    expect(() => openObservatory(a)).toThrow('is closed')
  })

  it('says what is wrong with a question', async () => {
    await using cluster = await Cluster.create()
    const a = await cluster.start('a')
    await using observatory = openObservatory(a)
    await expect(observatory.page({ list: 'names', node: 'x@y' })).rejects.toMatchObject({ code: 'ERR_NOT_FOUND' })
    await expect(observatory.page({ list: 'keys', store: 'x' })).rejects.toMatchObject({ code: 'ERR_NOT_FOUND' })
    await expect(observatory.page({ list: 'keys', store: 'x', node: a.name })).rejects.toMatchObject({
      option: 'store',
    })
    await expect(observatory.page({ list: 'keys' } as never)).rejects.toMatchObject({ option: 'store' })
    await expect(observatory.page({ list: 'x' } as never)).rejects.toMatchObject({ option: 'list' })
    await expect(observatory.page({ list: 'names', node: a.name, limit: 501 })).rejects.toMatchObject({
      option: 'limit',
    })
    expect(() => observatory.follow(() => {}, ['x' as never])).toThrow('sections')
    expect(() => openObservatory(a, { action: true } as never)).toThrow('did you mean actions')
  })
})
