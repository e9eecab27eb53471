import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { jetstreamManager } from '@nats-io/jetstream'
import { Kvm } from '@nats-io/kv'
import { connect } from '@nats-io/transport-node'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { silentLogger } from '../../../src/base/logger.ts'
import { encodeValue } from '../../../src/store/encode-value.ts'
import type { EngineContext } from '../../../src/store/engine.ts'
import type { Bucket } from '../../../src/store/engines/nats/bucket.ts'
import { Markers } from '../../../src/store/engines/nats/markers.ts'
import { Sweep } from '../../../src/store/engines/nats/sweep.ts'
import { FrozenValues } from '../../../src/store/frozen-values.ts'
import { nats } from '../../../src/store/nats/index.ts'
import { StoredEntry } from '../../../src/store/replication/stored-entry.ts'
import { Version } from '../../../src/store/version.ts'
import { FakeClock } from '../../../src/testing/fake-clock.ts'
import { Cluster } from '../../node/cluster.ts'
import { NatsServer } from '../../support/nats-server.ts'
import { describeTools } from '../../support/tools.ts'

const MINUTE = 60_000
const wait = { timeout: 30_000 }

/** A server that says which version it is, and then answers pings and nothing else. */
async function fakeServer(version: string) {
  const server = createServer((socket) => {
    const info = { server_id: 'fake', version, proto: 1, headers: true, jetstream: true, max_payload: 1_048_576 }
    socket.write(`INFO ${JSON.stringify(info)}\r\n`)
    socket.on('error', () => {})
    socket.on('data', (data) => {
      for (const _ of data.toString().matchAll(/PING\r\n/g)) socket.write('PONG\r\n')
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.close()
      await once(server, 'close')
    },
  }
}

describe('markers of deleted keys', () => {
  it('are taken away half an hour later, unless the key is deleted again meanwhile', async () => {
    const clock = new FakeClock()
    const purged: string[] = []
    const markers = new Markers(clock, async (key, revision) => void purged.push(`${key} ${revision}`))
    const pass = async (minutes: number): Promise<void> => {
      for (let i = 0; i < minutes; i++) {
        clock.advance(MINUTE)
        await new Promise((resolve) => setImmediate(resolve))
      }
    }
    markers.add('a', 1, clock.now())
    markers.add('b', 2, clock.now())
    await pass(20)
    markers.add('a', 3, clock.now())
    await pass(15)
    expect(purged).toEqual(['b 2'])
    await pass(20)
    expect(purged).toEqual(['b 2', 'a 3'])
    expect(clock.pending).toBe(0)
    // What is found at the start is somebody's who still lives, or is old enough that nobody does.
    markers.addOld('young', 4, 59 * MINUTE)
    markers.addOld('old', 5, 61 * MINUTE)
    await pass(35)
    expect(purged.slice(2)).toEqual(['old 5'])
    markers.add('c', 6, clock.now())
    markers.close()
    expect(clock.pending).toBe(0)
  })

  it('are left where they cannot be taken away, and others are taken all the same', async () => {
    const clock = new FakeClock()
    const tried: string[] = []
    const markers = new Markers(clock, (key) => {
      tried.push(key)
      return key === 'a' ? Promise.reject(new Error('not now')) : Promise.resolve()
    })
    for (const [i, key] of ['a', 'b'].entries()) markers.add(key, i, 0)
    for (let i = 0; i < 35; i++) {
      clock.advance(MINUTE)
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(tried).toEqual(['a', 'b'])
  })
})

describe('what has expired in a bucket', () => {
  function scene() {
    const clock = new FakeClock(1_000_000)
    const entries = new Map<string, StoredEntry>()
    const leased = new Set<string>()
    const removed: string[] = []
    const state: { error: Error | undefined } = { error: undefined }
    const bucket = {
      closed: false,
      slot: (key: string) => ({ revision: 1, record: { lease: leased.has(key) ? { id: 'x', node: 'a' } : undefined } }),
      async remove(key: string) {
        if (state.error !== undefined) throw state.error
        removed.push(key)
        entries.delete(key)
      },
    }
    const context = { clock, wallClock: () => clock.now() } as unknown as EngineContext
    const sweep = new Sweep(context, bucket as unknown as Bucket, (key) => entries.get(key))
    const add = (key: string, expiresAt: number): void => {
      const bytes = encodeValue(1, {})
      const entry = new StoredEntry(new FrozenValues({}), key, new Version(0, '', 1), bytes, expiresAt, expiresAt)
      entries.set(key, entry)
      sweep.add(entry)
    }
    const pass = async (ms: number): Promise<void> => {
      for (let i = 0; i < ms; i += 500) {
        clock.advance(500)
        await new Promise((resolve) => setImmediate(resolve))
      }
    }
    return { clock, leased, removed, state, sweep, add, pass }
  }

  it('is taken away about then, and what is computed anew when that has come to nothing', async () => {
    const { clock, leased, removed, add, pass } = scene()
    add('late', clock.now() + 10_000)
    add('k', clock.now() + 2000)
    add('stale', clock.now() + 2000)
    leased.add('stale')
    await pass(1500)
    expect(removed).toEqual([])
    await pass(3000)
    expect(removed).toEqual(['k'])
    leased.clear()
    await pass(3000)
    expect(removed).toEqual(['k', 'stale'])
    await pass(6000)
    expect(removed).toEqual(['k', 'stale', 'late'])
    expect(clock.pending).toBe(0)
  })

  it('is tried again, all of it, while there is no connection', async () => {
    const { clock, removed, state, sweep, add, pass } = scene()
    for (const key of ['a', 'b', 'c']) add(key, clock.now() + 100)
    state.error = new Error('no connection')
    await pass(5000)
    expect(removed).toEqual([])
    state.error = undefined
    await pass(3000)
    expect(removed.sort()).toEqual(['a', 'b', 'c'])
    add('d', clock.now() + 100)
    sweep.close()
    expect(clock.pending).toBe(0)
  })
})

describeTools('the engine of a store on a real NATS server', ['nats-server'], () => {
  it('takes markers away, and what was written since stays', async () => {
    await using server = await NatsServer.start('jetstream: { store_dir: "js" }')
    const clock = new FakeClock()
    const context = {
      ...{ name: 'marked', host: { name: 'a@host' }, clock, wallClock: Date.now, logger: silentLogger },
      ...{ terms: {}, observer: {}, options: {} },
    } as unknown as EngineContext
    const engine = nats({ servers: server.address, storage: 'memory' }).open(context)
    const connection = await connect({ servers: server.address })
    try {
      await engine.ready(wait)
      for (const key of ['gone', 'again']) {
        await engine.submit({ kind: 'put', key, value: 1 })
        await engine.submit({ kind: 'delete', key })
      }
      await engine.submit({ kind: 'put', key: 'again', value: 2 })
      const jsm = await jetstreamManager(connection)
      const messages = async () => (await jsm.streams.info('KV_marked')).state.messages
      expect(await messages()).toBe(2)
      for (let i = 0; i < 35; i++) {
        clock.advance(MINUTE)
        await new Promise((resolve) => setImmediate(resolve))
      }
      await expect.poll(messages, wait).toBe(1)
      expect(await (await new Kvm(connection).open('marked')).get('gone')).toBeNull()
      expect(engine.read('again')?.value).toBe(2)
    } finally {
      await connection.close()
      await engine.close()
    }
  })
})

describe('the engine of a store on NATS', () => {
  afterEach(() => {
    vi.doUnmock('../../../src/base/optional-package.ts')
    vi.resetModules()
  })

  it.each(['2.8.4', '1.4.1', '2.8.0-beta.1'])('says that a server of version %s is too old', async (version) => {
    await using server = await fakeServer(version)
    await using cluster = await Cluster.create()
    const node = await cluster.start('a')
    const store = node.store({ engine: nats({ servers: server.address }) })
    const failed = new Promise((resolve) => store.once('failed', resolve))
    const message = expect.stringContaining(`needs nats-server 2.9 or newer; this one is ${version}`)
    expect(await failed).toMatchObject({ code: 'ERR_NO_LOADER', message })
    await expect(store.ready({ timeout: 200 })).rejects.toMatchObject({ code: 'ERR_TIMEOUT', message })
    await expect(store.put('k', 1, { timeout: 200 })).rejects.toMatchObject({ code: 'ERR_NO_LOADER', message })
  })

  it.each(['@nats-io/transport-node', '@nats-io/jetstream', '@nats-io/kv'])(
    'says that %s has to be installed',
    async (lacking) => {
      await using server = await fakeServer('2.12.0')
      const missing = Object.assign(new Error(`Cannot find package '${lacking}'`), { code: 'ERR_MODULE_NOT_FOUND' })
      vi.doMock('../../../src/base/optional-package.ts', async (original) => {
        const { loadOptional } = await original<typeof import('../../../src/base/optional-package.ts')>()
        return {
          loadOptional: (name: string, what: string, load: () => Promise<unknown>) =>
            loadOptional(name, what, name === lacking ? () => Promise.reject(missing) : load),
        }
      })
      const engine = await import('../../../src/store/nats/index.ts')
      await using cluster = await Cluster.create()
      const node = await cluster.start('a')
      const store = node.store({ engine: engine.nats({ servers: server.address }) })
      const error = { code: 'ERR_PACKAGE_MISSING', message: expect.stringContaining(`npm install ${lacking}`) }
      await expect(store.ready(wait)).rejects.toMatchObject(error)
      // It does not come by itself.
      await expect(store.put('k', 1, wait)).rejects.toMatchObject(error)
    },
  )
})
