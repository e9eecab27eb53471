import { jetstreamManager } from '@nats-io/jetstream'
import { Kvm } from '@nats-io/kv'
import { connect } from '@nats-io/transport-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../../src/base/clock.ts'
import { silentLogger } from '../../../src/base/logger.ts'
import type { Change, EngineContext, EngineObserver, StoreEngine } from '../../../src/store/engine.ts'
import { bucketKey, storeKey } from '../../../src/store/engines/nats/bucket-key.ts'
import { decodeRecord, encodeRecord } from '../../../src/store/engines/nats/bucket-record.ts'
import { type NatsStoreOptions, nats } from '../../../src/store/nats/index.ts'
import { Version } from '../../../src/store/version.ts'
import { atom } from '../../../src/term/index.ts'
import { Cluster } from '../../node/cluster.ts'
import { NatsServer } from '../../support/nats-server.ts'
import { Detour } from './detour.ts'

const wait = { timeout: 30_000 }
const SETTINGS = 'jetstream: { store_dir: "js" }'

describe('a store on NATS', () => {
  let server: NatsServer
  const open: StoreEngine[] = []
  let stores = 0

  beforeAll(async () => {
    server = await NatsServer.start(SETTINGS)
  })
  afterAll(async () => {
    await Promise.all(open.map((engine) => engine.close()))
    await server[Symbol.asyncDispose]()
  })

  async function node(name: string, store: string, observer: EngineObserver = {}): Promise<StoreEngine> {
    const context = {
      ...{ name: store, host: { name }, clock: systemClock, wallClock: Date.now, logger: silentLogger },
      ...{ terms: {}, observer, options: {} },
    } as unknown as EngineContext
    const engine = nats({ servers: server.address, storage: 'memory' }).open(context)
    open.push(engine)
    await engine.ready({ timeout: 30_000 })
    return engine
  }

  const two = async (observer?: EngineObserver): Promise<[StoreEngine, StoreEngine]> => {
    const store = `store${++stores}`
    return [await node('a@host', store), await node('b@host', store, observer)]
  }
  const put = (key: string, value: never) => ({ kind: 'put', key, value }) as const

  it('has on every node what one has written, and tells of changes in order', async () => {
    const changes: Change[] = []
    const [a, b] = await two({ change: (change) => void changes.push(change) })
    const values = [undefined, null, false, '', [], {}, atom('ok'), new Uint8Array([104, 105]), 'text']
    for (const [i, value] of values.entries()) await a.submit(put(`key ${i}`, value as never), wait)
    await expect.poll(() => changes.length).toBe(values.length)
    expect(changes.map(({ entry }) => entry?.value)).toEqual(values)
    expect(values.map((_, i) => b.read(`key ${i}`)?.value)).toEqual(values)
    expect(b.size).toBe(values.length)
    const { changed } = await b.submit({ kind: 'delete', key: 'key 0' }, wait)
    expect(changed).toEqual([true])
    expect(b.read('key 0')).toBe(undefined)
    await expect.poll(() => a.read('key 0')).toBe(undefined)
    expect((await a.submit({ kind: 'delete', key: 'key 0' }, wait)).changed).toEqual([false])
    expect((await a.submit({ kind: 'delete', key: 'never there' }, wait)).changed).toEqual([false])
  })

  it('gives a late joiner what is there, and keys of all kinds', async () => {
    const [a] = await two()
    const keys = ['a.b', 'ü', '\0function\0f', 'a b*>', '=', 'x'.repeat(4096), 'é'.repeat(2048)]
    await a.submit({ kind: 'batch', writes: keys.map((key) => put(key, key as never)) }, wait)
    const late = await node('c@host', `store${stores}`)
    expect(Array.from(late.entries(), ([key, { value }]) => [key, value]).sort()).toEqual(
      keys.map((k) => [k, k]).sort(),
    )
  })

  it('compares and sets by what the server has', async () => {
    const [a, b] = await two()
    const { version } = await a.submit({ ...put('k', 1 as never), expected: 'absent' }, wait)
    const conflict = { code: 'ERR_VERSION', key: 'k' }
    await expect(b.submit({ ...put('k', 2 as never), expected: 'absent' }, wait)).rejects.toMatchObject(conflict)
    const stale = new Version(0, '', version.sequence - 1)
    await expect(b.submit({ ...put('k', 2 as never), expected: stale }, wait)).rejects.toMatchObject(conflict)
    const outcomes = await Promise.allSettled(
      Array.from({ length: 10 }, (_, i) => {
        return (i % 2 === 0 ? a : b).submit({ ...put('k', i as never), expected: version }, wait)
      }),
    )
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    await a.submit({ kind: 'delete', key: 'k' }, wait)
    await b.submit({ ...put('k', 3 as never), expected: 'absent' }, wait)
    expect(b.read('k')?.value).toBe(3)
  })

  it('takes away what has expired', async () => {
    const changes: Change[] = []
    const [a, b] = await two({ change: (change) => void changes.push(change) })
    await a.submit({ ...put('k', 1 as never), ttl: 20, stale: 20 }, wait)
    await expect.poll(() => changes.at(-1), { timeout: 20_000 }).toMatchObject({ cause: 'expire', entry: undefined })
    expect(b.read('k')).toBe(undefined)
  })

  it('gives one lease at a time, and its result to all who wait', async () => {
    const [a, b] = await two()
    const outcomes = [a, b, a, b].map((engine) => engine.lease('k', wait))
    const first = await Promise.race(outcomes)
    if (first.kind !== 'lease') throw new Error('no lease')
    expect(await b.lease('k', { ...wait, wait: false })).toEqual({ kind: 'held' })
    const entry = await first.lease.complete('computed')
    expect(entry.value).toBe('computed')
    const kinds = (await Promise.all(outcomes)).map((outcome) => outcome.kind)
    expect(kinds.sort()).toEqual(['entry', 'entry', 'entry', 'lease'])
    expect(first.lease.signal.aborted).toBe(true)
    // A stale one is computed anew, while it is still there under its version.
    const again = await b.lease('k', { ...wait, newerThan: entry.version })
    if (again.kind !== 'lease') throw new Error('no lease')
    expect(a.read('k')).toMatchObject({ value: 'computed', version: entry.version })
    await again.lease.complete('anew')
    expect(b.read('k')?.value).toBe('anew')
  })

  it('tells those who wait of a failure, hands over what is released, and lets a put displace a lease', async () => {
    const [a, b] = await two()
    const lease = async (engine: StoreEngine) => {
      const outcome = await engine.lease('k', wait)
      if (outcome.kind !== 'lease') throw new Error('no lease')
      return outcome.lease
    }
    const failing = await lease(a)
    const waiting = b.lease('k', wait)
    await expect.poll(async () => (await b.lease('k', { ...wait, wait: false })).kind).toBe('held')
    failing.fail('it broke')
    await expect(waiting).rejects.toMatchObject({ code: 'ERR_COMPUTE', message: 'it broke', node: 'a@host' })

    // This one may only be about to hear of the failure.
    const released = await lease(a).catch(() => lease(a))
    const next = lease(b)
    released.release()
    const displaced = await next
    await a.submit(put('k', 'by hand' as never), wait)
    expect((await displaced.complete('too late')).value).toBe('by hand')
    expect(a.read('k')?.value).toBe('by hand')
  })

  it('takes the lease of a holder that has died, after some silence', async () => {
    const store = `store${++stores}`
    const [dying, b] = [await node('a@host', store), await node('b@host', store)]
    expect((await dying.lease('k', wait)).kind).toBe('lease')
    await dying.close()
    expect((await b.lease('k', wait)).kind).toBe('lease')
  })

  it('ends a lease when its time is over', async () => {
    const [a, b] = await two()
    const outcome = await a.lease('k', { ...wait, hold: 1 })
    if (outcome.kind !== 'lease') throw new Error('no lease')
    expect((await b.lease('k', wait)).kind).toBe('lease')
    expect(outcome.lease.signal.reason).toMatchObject({ code: 'ERR_COMPUTE_TIMEOUT' })
  })

  it('refuses what is too large for the server, and what is no term, before anything is sent', async () => {
    const [a] = await two()
    const large = a.submit(put('k', new Uint8Array(2 ** 20) as never), wait)
    await expect(large).rejects.toMatchObject({ code: 'ERR_LIMIT' })
    await expect(a.submit(put('k', { f: () => 1 } as never), wait)).rejects.toMatchObject({ code: 'ERR_ENCODE' })
    expect(a.status().sequence).toBe(0)
  })
})

it('a store on NATS goes on when the server comes back, and finds what has changed', async () => {
  await using server = await NatsServer.start(SETTINGS)
  const context = (observer: EngineObserver) => {
    return {
      ...{ name: 'back', host: { name: 'a@host' }, clock: systemClock, wallClock: Date.now, logger: silentLogger },
      ...{ terms: {}, observer, options: {} },
    } as unknown as EngineContext
  }
  const [a, b] = [0, 1].map(() => nats({ servers: server.address }).open(context({}))) as [StoreEngine, StoreEngine]
  try {
    await a.ready({ timeout: 30_000 })
    await b.ready({ timeout: 30_000 })
    await a.submit({ kind: 'put', key: 'k', value: 1 }, { timeout: 30_000 })
    await expect.poll(() => b.read('k')?.value).toBe(1)
    await server.stop()
    await expect(a.submit({ kind: 'put', key: 'k', value: 2 }, { timeout: 500 })).rejects.toMatchObject({
      code: expect.stringMatching(/^ERR_(?:TIMEOUT|NO_LOADER)$/),
    })
    expect(b.read('k')?.value).toBe(1)
    await server.resume(SETTINGS)
    await expect
      .poll(() => a.submit({ kind: 'put', key: 'k', value: 3 }, { timeout: 5000 }).catch(() => {}), { timeout: 40_000 })
      .toBeDefined()
    await expect.poll(() => b.read('k')?.value, { timeout: 40_000 }).toBe(3)
  } finally {
    await Promise.all([a.close(), b.close()])
  }
})

describe('a store on NATS whose bucket others write into', () => {
  it('drops and counts what is no value, tells of it, and can write over it', async () => {
    await using server = await NatsServer.start(SETTINGS)
    await using cluster = await Cluster.create()
    const node = await cluster.start('a')
    const store = node.store({ engine: nats({ servers: server.address, bucket: 'shared' }) })
    await store.ready(wait)
    await store.put('mine', 1, wait)
    const connection = await connect({ servers: server.address })
    try {
      const kv = await new Kvm(connection).open('shared')
      const dropped: string[] = []
      store.on('dropped', (key) => dropped.push(key))
      const bad = encodeRecord({
        value: { bytes: new Uint8Array([131, 255]), staleAt: undefined, expiresAt: undefined, revision: undefined },
        lease: undefined,
        failure: undefined,
        key: undefined,
      })
      const record = encodeRecord({ value: undefined, lease: undefined, failure: undefined, key: 'another' })
      await kv.put('text', 'hello')
      await kv.put('not.ours', 'hello')
      await kv.put('value', bad)
      await kv.put('==digest', record)
      await kv.put('mine', new Uint8Array([131, 80, 255, 255, 255, 255, 0]))
      await expect.poll(() => dropped).toEqual(['text', 'not.ours', 'value', '==digest', 'mine'])
      expect(store.stats.dropped).toBe(5)
      expect([...store.keys()]).toEqual([])
      await store.put('text', 'mine again', { ...wait, expected: 'absent' })
      expect(await store.get('value', () => 'computed', wait)).toBe('computed')
      await kv.purge('text')
      await expect.poll(() => store.has('text')).toBe(false)
      await kv.destroy()
      await expect.poll(() => store.put('after', 1, wait).catch(() => undefined), wait).toBeDefined()
      await expect.poll(() => [...store.keys()], wait).toEqual(['after'])
    } finally {
      await connection.close()
    }
  })
})

describe('a store on NATS that cannot be', () => {
  async function trouble(settings: string | undefined, options: NatsStoreOptions = {}) {
    const server = await NatsServer.prepare()
    if (settings !== undefined) await server.resume(settings)
    const cluster = await Cluster.create()
    const node = await cluster.start('a')
    const store = node.store({ engine: nats({ servers: server.address, ...options }) })
    return {
      server,
      store,
      async [Symbol.asyncDispose]() {
        await cluster[Symbol.asyncDispose]()
        await server[Symbol.asyncDispose]()
      },
    }
  }

  it('says at the time limit why not, goes on trying, and is ready when the server is there', async () => {
    await using scene = await trouble(undefined)
    const { store, server } = scene
    const failed = new Promise((resolve) => store.once('failed', resolve))
    await expect(store.ready({ timeout: 500 })).rejects.toMatchObject({
      code: 'ERR_TIMEOUT',
      message: expect.stringContaining('no NATS server listens'),
    })
    await expect(store.put('k', 1, { timeout: 200 })).rejects.toMatchObject({ code: 'ERR_NO_LOADER' })
    expect(await failed).toMatchObject({ code: 'ERR_NO_LOADER' })
    const recovered = new Promise<void>((resolve) => store.once('recovered', resolve))
    await server.resume(SETTINGS)
    await Promise.all([store.ready(wait), recovered])
    await store.put('k', 1, wait)
  })

  it('says that the server has no JetStream', async () => {
    await using scene = await trouble('')
    const rejected = scene.store.ready({ timeout: 3000 })
    await expect(rejected).rejects.toMatchObject({ message: expect.stringContaining('no JetStream') })
  })

  it('refuses a bucket with a history, which is not a store', async () => {
    await using server = await NatsServer.start(SETTINGS)
    await using cluster = await Cluster.create()
    const connection = await connect({ servers: server.address })
    await new Kvm(connection).create('history', { history: 5 })
    await connection.close()
    const node = await cluster.start('a')
    const store = node.store({ engine: nats({ servers: server.address, bucket: 'history' }) })
    await expect(store.ready({ timeout: 3000 })).rejects.toMatchObject({
      message: expect.stringContaining('keeps a history of 5'),
    })
  })

  it('gives up on a server that is silent when the time is over, and a write may still happen', async () => {
    await using scene = await trouble(SETTINGS)
    const { store, server } = scene
    await store.ready(wait)
    server.freeze()
    // It may still do something before it is frozen.
    let written = 0
    const code = () => store.put('k', ++written, { timeout: 300 }).catch((error) => error.code)
    await expect.poll(code, wait).toBe('ERR_TIMEOUT')
    expect(store.peek('k')).not.toBe(written)
    await server.resume()
    await expect.poll(() => store.peek('k'), wait).toBe(written)
  })

  it.each([
    [{ bucket: 'a.b' }, 'bucket'],
    [{ bucket: '' }, 'bucket'],
    [{ replicas: 2 }, 'replicas'],
    [{ storage: 'disk' }, 'storage'],
    [{ servers: [''] }, 'servers'],
    [{ reconnect: false }, 'reconnect'],
    [{ pasword: 'secret' }, 'pasword'],
  ])('refuses the options %j', (options, option) => {
    expect(() => nats(options as NatsStoreOptions)).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_OPTION', option, message: expect.not.stringContaining('secret') }),
    )
  })

  it('refuses the name of a store that is none of a bucket', async () => {
    await using cluster = await Cluster.create()
    const node = await cluster.start('a')
    expect(() => node.store({ name: 'My.Store', engine: nats() })).toThrow(
      expect.objectContaining({ option: 'bucket' }),
    )
  })
})

it('a store on NATS finds what was deleted while it was away, and the revisions of a bucket made anew', async () => {
  await using server = await NatsServer.start(SETTINGS)
  await using cluster = await Cluster.create()
  const [a, b] = await Promise.all([cluster.start('a'), cluster.start('b')])
  await using proxy = await Detour.to(server.port)
  const away = a.store({ engine: nats({ servers: proxy.address }) })
  const there = b.store({ engine: nats({ servers: server.address }) })
  await Promise.all([away.ready(wait), there.ready(wait)])
  await there.putMany(
    Array.from({ length: 20 }, (_, i): [string, number] => [`k${i}`, i]),
    wait,
  )
  await expect.poll(() => [...away.keys()].length, wait).toBe(20)
  proxy.cut()
  for (let i = 0; i < 19; i++) await there.delete(`k${i}`, wait)
  const connection = await connect({ servers: server.address })
  const jsm = await jetstreamManager(connection)
  // No markers are left, either.
  for (let i = 0; i < 19; i++) await jsm.streams.purge('KV_tsunagi_store', { filter: `$KV.tsunagi_store.k${i}` })
  proxy.mend()
  await expect.poll(() => [...away.keys()], wait).toEqual(['k19'])
  proxy.cut()
  await jsm.streams.delete('KV_tsunagi_store')
  await connection.close()
  await expect.poll(() => there.put('k19', 'anew', wait).catch(() => undefined), wait).toBeDefined()
  proxy.mend()
  await expect.poll(() => [away.peek('k19'), [...away.keys()]], wait).toEqual(['anew', ['k19']])
})

it('keys of buckets tell all keys apart', () => {
  for (const key of ['a', 'A-_9', 'a.b', '=', '==', 'ü', '\0', '\u{1F600}', 'a=2eb']) {
    expect(bucketKey(key)).toMatch(/^[-\w=]+$/)
    expect(storeKey(bucketKey(key))).toBe(key)
  }
  expect(storeKey(bucketKey('x'.repeat(4096)))).toBe(undefined)
  for (const text of ['', 'a.b', '=zz', '=2', '=61', '=ff']) expect(storeKey(text)).toBe(undefined)
})

it('records are read as they were written, and nothing else is', () => {
  const bytes = new Uint8Array([131, 97, 1])
  const value = { bytes, staleAt: 1, expiresAt: undefined, revision: 7 }
  const lease = { id: 'i', node: 'a@host' }
  const record = { value, lease, failure: { ...lease, message: 'm' }, key: 'k' }
  const read = decodeRecord(encodeRecord(record))
  expect(read).toMatchObject({ lease, key: 'k', failure: record.failure, value: { staleAt: 1, revision: 7 } })
  expect([...(read?.value?.bytes ?? [])]).toEqual([...bytes])
  for (const bad of ['', 'text', '\x83a\x01', '\x83j']) expect(decodeRecord(Buffer.from(bad, 'latin1'))).toBe(undefined)
})
