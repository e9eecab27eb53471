import { once } from 'node:events'
import fc from 'fast-check'
import postgresPackage, { type Sql } from 'postgres'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { splitNodeName } from '../../../src/base/node-name.ts'
import { postgres } from '../../../src/cluster/strategies/postgres.ts'
import type { StrategyUnderTest } from '../../../src/testing/strategy-checks.ts'
import { Cluster, event } from '../../node/cluster.ts'
import { makeCertificates } from '../../support/certificates.ts'
import { freePort } from '../../support/otp.ts'
import { missingForPostgres, PostgresServer } from '../../support/postgres-server.ts'
import { describeOtp } from '../../support/releases.ts'
import { Scene } from '../../support/scene.ts'
import { seed } from '../../support/seed.ts'
import { describeSkipped } from '../../support/tools.ts'
import { conform } from './conform.ts'
import { Follower } from './follower.ts'

const A = 'a@127.0.0.1'
const B = 'b@127.0.0.1'
const C = 'c@127.0.0.1'

let server: PostgresServer
let channels = 0

/** A channel with capitals, as the cookies are that Erlang makes. */
const newChannel = (): string => `CHANNEL_${++channels}`

/** Other nodes, at work as libcluster_postgres is, by its very statements. */
class Others implements AsyncDisposable {
  readonly sql: Sql
  readonly #timer: NodeJS.Timeout
  names: readonly string[]

  constructor(channel: string, names: readonly string[]) {
    this.names = names
    this.sql = postgresPackage(server.url, { max: 1, backoff: () => 0.05, onnotice() {} })
    this.#timer = setInterval(() => {
      for (const name of this.names) void this.say(`NOTIFY "${channel}", '${name}'`).catch(() => {})
    }, 50)
  }

  async say(statement: string): Promise<void> {
    await this.sql.unsafe(statement)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer)
    await this.sql.end({ timeout: 0 })
  }
}

/** The processes that serve connections of our strategies. */
async function backends(condition = 'true'): Promise<number[]> {
  const sql = postgresPackage(server.url, { max: 1 })
  try {
    const rows = await sql.unsafe(
      `select pid from pg_stat_activity where application_name = 'tsunagi' and ${condition}`,
    )
    return rows.map(({ pid }) => pid as number)
  } finally {
    await sql.end()
  }
}

const checks = (): void => {
  beforeAll(async () => {
    server = await PostgresServer.start()
  })
  afterAll(async () => {
    await server[Symbol.asyncDispose]()
  })

  const make = async (): Promise<StrategyUnderTest> => {
    const channel = newChannel()
    const others = new Others(channel, [A, B, 'self@127.0.0.1'])
    return {
      strategy: postgres({ connection: server.url, channel }),
      nodes: [A, B],
      change() {
        others.names = [A, B, C]
        return others.names
      },
      fail: () => server.stop(),
      recover: () => server.resume(),
      hang: () => server.freeze(),
      async close() {
        await server.resume()
        await others[Symbol.asyncDispose]()
      },
    }
  }
  conform(make, ['change', 'fail', 'recover', 'hang'])

  it('finds another of its kind, which finds it', async () => {
    const strategy = postgres({
      connection: { host: '127.0.0.1', port: server.port, username: 'tsunagi', db: 'postgres' },
    })
    const cookie = newChannel()
    await using a = new Follower(strategy, { self: A, cookie })
    await a.sees()
    await using b = new Follower(strategy, { self: B, cookie })
    await a.sees(B)
    a.clock.advance(5000)
    await b.sees(A)
  })

  it('notifies its name by itself, in what libcluster_postgres takes for its channel', async () => {
    const cookie = 'A-cookie with €, which is very very long: longer than identifiers of PostgreSQL'
    const channel = 'A_cookie_with______which_is_very_very_long__longer_than_identifiers_of_PostgreSQL'
    const heard: string[] = []
    const onnotify = (_: string, payload: string): void => void heard.push(payload)
    const listener = postgresPackage(server.url, { max: 1, onnotice() {}, onnotify } as object)
    await listener.unsafe(`LISTEN "${channel}"`)
    await using node = new Follower(postgres({ connection: server.url }), { cookie })
    await vi.waitFor(() => expect(heard).toEqual(['self@127.0.0.1']), { timeout: 20_000 })
    node.clock.advance(4999)
    node.clock.advance(1)
    await vi.waitFor(() => expect(heard).toEqual(['self@127.0.0.1', 'self@127.0.0.1']), { timeout: 20_000 })
    await listener.end({ timeout: 0 })
  })

  it('hears those who do not quote the channel, as libcluster_postgres 0.1', async () => {
    const channel = newChannel()
    await using others = new Others('another', [])
    await using node = new Follower(postgres({ connection: server.url, channel }))
    await node.sees()
    await others.say(`NOTIFY ${channel}, '${A}'`)
    await node.sees(A)
  })

  it('leaves out what is no node name, and says so once', async () => {
    const channel = newChannel()
    await using others = new Others('another', [])
    await using node = new Follower(postgres({ connection: server.url, channel, maxNames: 2 }))
    await node.sees()
    const bad = ['', 'a', 'a b@c', '@', 'a@', `${'x'.repeat(300)}@host`, 'x'.repeat(7999), 'nonode@nohost', '{"a":1}']
    for (const payload of bad) await others.say(`NOTIFY "${channel}", '${payload}'`)
    for (const name of [A, B, C, 'd@127.0.0.1']) await others.say(`NOTIFY "${channel}", '${name}'`)
    await node.sees(A, B)
    // Anything notified on one connection comes in its order.
    await vi.waitFor(() => expect(node.log.messages('debug').join()).toContain('d@127.0.0.1'), { timeout: 20_000 })
    expect(node.log.messages('warn')).toHaveLength(2)
    expect(node.names).toEqual([A, B])
  })

  it('takes whatever is notified for a name, or for nothing', async () => {
    const channel = newChannel()
    await using others = new Others('another', [])
    await using node = new Follower(postgres({ connection: server.url, channel }))
    await node.sees()
    const text = fc.string({ unit: 'binary', maxLength: 20 }).map((it) => it.replaceAll('\0', '').toWellFormed())
    const payloads = fc.sample(
      fc.oneof(
        text,
        fc.tuple(text, text).map((halves) => halves.join('@')),
      ),
      { numRuns: 300, seed },
    )
    for (const payload of [...payloads, A]) await others.sql`select pg_notify(${channel}, ${payload})`
    // What is notified on one connection comes in its order.
    await vi.waitFor(() => expect(node.names).toContain(A), { timeout: 20_000 })
    const good = new Set([...payloads, A].filter((payload) => splitNodeName(payload) !== undefined))
    expect(good.size).toBeGreaterThan(20)
    expect(node.names).toEqual([...good].sort())
  })

  it('loses a node that was silent for six heartbeats, and nobody else, and is not sure who is gone before', async () => {
    const channel = newChannel()
    await using others = new Others('another', [])
    await using node = new Follower(postgres({ connection: server.url, channel }))
    await node.sees()
    const say = async (name: string): Promise<void> => await others.say(`NOTIFY "${channel}", '${name}'`)
    let own = 1
    await others.sql.listen(channel, (name) => void (name === 'self@127.0.0.1' && own++))
    await say(A)
    await say(B)
    await node.sees(A, B)
    for (let beat = 1; beat <= 6; beat++) {
      const { answers } = node
      node.clock.advance(4000)
      await say(A)
      // What comes after it is heard after it.
      await vi.waitFor(() => expect(own).toBe(beat), { timeout: 20_000 })
      const marker = `m${beat}@127.0.0.1`
      await say(marker)
      await vi.waitFor(() => expect(node.names).toContain(marker), { timeout: 20_000 })
      expect(node.names).toContain(B)
      expect(node.whole).toBe(false)
      expect(node.answers).toBeGreaterThan(answers)
      node.clock.advance(1000)
    }
    await vi.waitFor(() => expect(node.names).not.toContain(B), { timeout: 20_000 })
    expect(node.names).toContain(A)
    expect(node.whole).toBe(true)
  })

  it('fails when the database ends, and goes on when it is there again', async () => {
    const channel = newChannel()
    const strategy = postgres({ connection: server.url, channel })
    await using others = new Others('another', [])
    await using first = new Follower(strategy)
    await first.sees()
    await others.say(`NOTIFY "${channel}", '${A}'`)
    await first.sees(A)
    await server.stop()
    expect(await first.over).toMatchObject({ code: 'ERR_DISCOVERY' })
    await using second = new Follower(strategy)
    expect(await second.over).toMatchObject({
      code: 'ERR_DISCOVERY',
      message: `connect ECONNREFUSED 127.0.0.1:${server.port}`,
    })
    await server.resume()
    await using third = new Follower(strategy)
    await third.sees()
    await vi.waitFor(async () => await others.say(`NOTIFY "${channel}", '${B}'`), { timeout: 20_000 })
    await third.sees(B)
  })

  it('fails when its own heartbeats do not come back', async () => {
    const channel = newChannel()
    await using node = new Follower(postgres({ connection: server.url, channel }))
    await node.sees()
    const pids = await backends("query ilike 'listen%'")
    expect(pids).toHaveLength(1)
    for (const pid of pids) process.kill(pid, 'SIGSTOP')
    try {
      for (let beat = 0; beat < 3; beat++) node.clock.advance(5000)
      expect(await node.over).toMatchObject({ message: expect.stringMatching(/the database does not (answer|bring)/) })
    } finally {
      for (const pid of pids) process.kill(pid, 'SIGCONT')
    }
  })

  it('fails when the connection that notifies is closed', async () => {
    const channel = newChannel()
    await using node = new Follower(postgres({ connection: server.url, channel }))
    await node.sees()
    for (const pid of await backends("query ilike '%pg_notify%'")) process.kill(pid, 'SIGTERM')
    expect(await node.over).toMatchObject({ code: 'ERR_DISCOVERY', message: 'the database closed the connection' })
  })

  it('connects nodes to each other, and again after the database and one of them were started anew', async () => {
    await using cluster = await Cluster.create()
    const strategy = postgres({
      connection: server.url,
      channel: newChannel(),
      heartbeatInterval: 100,
      silentHeartbeats: 1000,
    })
    const options = { mesh: false, topologies: { database: { strategy, interval: 50 } } }
    const a = await cluster.start('a', options)
    const b = await cluster.start('b', options)
    await a.ready({ nodes: 1, timeout: 25_000 })
    const failed = once(a.topology('database'), 'discovery-failed')
    await server.stop()
    await failed
    expect(a.nodes()).toEqual([B])
    const down = event(a, 'nodedown', B)
    await b.close()
    await down
    await server.resume()
    await cluster.start('b', options)
    await cluster.start('c', options)
    await a.ready({ nodes: 2, timeout: 25_000 })
    expect(a.nodes().sort()).toEqual([B, C])
  })

  it('leaves no connection behind', async () => {
    const channel = newChannel()
    const strategy = postgres({ connection: server.url, channel })
    {
      await using node = new Follower(strategy)
      await node.sees()
      expect(await backends()).toHaveLength(2)
    }
    for (let turn = 0; turn < 5; turn++) {
      await using node = new Follower(strategy)
      for (let i = 0; i < turn; i++) await new Promise((resolve) => setImmediate(resolve))
      expect(node.answers).toBe(0)
    }
    await vi.waitFor(async () => expect(await backends()).toHaveLength(0), { timeout: 20_000 })
  })

  it('speaks TLS, and checks the certificate', async () => {
    const certificates = makeCertificates()
    await server.stop()
    server.secure(certificates)
    await server.resume()
    const connection = { host: '127.0.0.1', port: server.port, username: 'tsunagi', database: 'postgres' }
    const secured = (ca: string): ReturnType<typeof postgres> =>
      postgres({ connection: { ...connection, ssl: { ca } }, channel: newChannel() })
    await using node = new Follower(secured(certificates.ca))
    await node.sees()
    expect(await backends('pid in (select pid from pg_stat_ssl where ssl)')).toHaveLength(2)
    await using deceived = new Follower(secured(makeCertificates().ca))
    expect(await deceived.over).toMatchObject({ message: expect.stringContaining('certificate') })
  })

  it('says why it cannot connect', async () => {
    const reason = async (connection: string): Promise<unknown> => {
      await using node = new Follower(postgres({ connection }))
      return await node.over
    }
    const nobody = await freePort()
    expect(await reason(`postgres://x@127.0.0.1:${nobody}/x`)).toMatchObject({
      message: `connect ECONNREFUSED 127.0.0.1:${nobody}`,
    })
    expect(await reason(`postgres://x@127.0.0.1:${server.port}/x`)).toMatchObject({
      message: 'role "x" does not exist',
    })
    const unreadable = await reason('postgres://x:hunter2@[/x')
    expect(unreadable).toMatchObject({ message: 'the URL of the database is none' })
    expect((unreadable as Error).cause).toBeUndefined()
  })
}

if (missingForPostgres.length === 0) describe('postgres', checks)
else describeSkipped('postgres', missingForPostgres, checks)

describeOtp('postgres', (release) => {
  const body = (): void => {
    it('connects to a real node that says its name in the channel', async () => {
      await using database = await PostgresServer.start()
      server = database
      await using scene = await Scene.open(release)
      const erl = await scene.erl()
      const channel = newChannel()
      const node = await scene.node({
        topologies: { database: { strategy: postgres({ connection: database.url, channel }) } },
      })
      await using _others = new Others(channel, [erl.name])
      await node.ready({ nodes: 1, timeout: 25_000 })
      expect(node.nodes()).toEqual([erl.name])
    })
  }
  if (missingForPostgres.length === 0) describe('with PostgreSQL', body)
  else describeSkipped('with PostgreSQL', missingForPostgres, body)
})

describe('postgres, its options', () => {
  it.each([
    [null],
    [[]],
    [{ chanel: 'x' }],
    [{ channel: '' }],
    [{ channel: 'a\0b' }],
    [{ connection: 5 }],
    [{ connection: 'mysql://x' }],
    [{ heartbeatInterval: 0 }],
    [{ heartbeatInterval: Number.POSITIVE_INFINITY }],
    [{ silentHeartbeats: 1 }],
    [{ maxNames: 0 }],
  ])('refuse %j', (options) => {
    expect(() => postgres(options as never)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_OPTION' }))
  })

  it('show no password when they are refused', () => {
    for (const options of [{ connection: 'mysql://x:hunter2@host' }, 'postgres://x:hunter2@host/database']) {
      expect(() => postgres(options as never)).toThrow(
        expect.objectContaining({ message: expect.not.stringContaining('hunter2'), value: undefined }),
      )
    }
  })
})
