import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type AddressInfo, createConnection, createServer, type Server, type Socket } from 'node:net'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { expect, it } from 'vitest'
import { header, MESSAGES, stamp } from '../../src/pubsub/engines/nats/packet.ts'
import { type NatsOptions, nats } from '../../src/pubsub/nats/index.ts'
import type { PubSub } from '../../src/pubsub/pubsub.ts'
import type { Dropped } from '../../src/pubsub/pubsub-events.ts'
import type { PubSubOptions } from '../../src/pubsub/pubsub-options.ts'
import { encode, type Term } from '../../src/term/index.ts'
import type { StartOptions } from '../../src/tsunagi.ts'
import { Cluster } from '../node/cluster.ts'
import { NatsServer } from '../support/nats-server.ts'
import { describeTools } from '../support/tools.ts'
import { event, Inbox } from './stage.ts'

const patience = 20_000

/** Nodes that have nothing in common but a server. */
class Scene implements AsyncDisposable {
  readonly server: NatsServer
  readonly cluster: Cluster
  readonly #clients: NatsConnection[] = []

  private constructor(server: NatsServer, cluster: Cluster) {
    this.server = server
    this.cluster = cluster
  }

  static async create(settings = ''): Promise<Scene> {
    return new Scene(await NatsServer.start(settings), await Cluster.create())
  }

  /** With a server that does not run yet. */
  static async prepare(): Promise<Scene> {
    return new Scene(await NatsServer.prepare(), await Cluster.create())
  }

  async pubsub(
    alive: string,
    engine: NatsOptions = {},
    options: PubSubOptions = {},
    node: StartOptions = {},
  ): Promise<PubSub> {
    const started = await this.cluster.start(alive, node)
    const where =
      engine.connection === undefined && engine.servers === undefined ? { servers: this.server.address } : {}
    return started.pubsub('MyApp.PubSub', { engine: nats({ ...where, ...engine }), ...options })
  }

  /** Somebody else who has the server's address. */
  async client(): Promise<NatsConnection> {
    const client = await connect({ servers: this.server.address })
    this.#clients.push(client)
    return client
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cluster[Symbol.asyncDispose]()
    await Promise.all(this.#clients.map((client) => client.close()))
    await this.server[Symbol.asyncDispose]()
  }
}

/** A way to a server that can be shut, so that nothing more is read from it. */
class Tap implements AsyncDisposable {
  #open = true
  readonly #listener: Server
  readonly #sockets = new Set<Socket>()

  private constructor(listener: Server) {
    this.#listener = listener
  }

  static async to(port: number): Promise<Tap> {
    const listener = createServer()
    const tap = new Tap(listener)
    listener.on('connection', (client) => {
      const server = createConnection(port, '127.0.0.1')
      for (const socket of [client, server]) {
        tap.#sockets.add(socket)
        socket.on('error', () => {})
      }
      client.pipe(server)
      server.on('data', (chunk) => {
        client.write(chunk)
        if (!tap.#open) server.pause()
      })
      server.on('close', () => client.destroy())
      client.on('close', () => server.destroy())
    })
    listener.listen(0, '127.0.0.1')
    await once(listener, 'listening')
    return tap
  }

  get address(): string {
    return `127.0.0.1:${(this.#listener.address() as AddressInfo).port}`
  }

  close(): void {
    this.#open = false
  }

  open(): void {
    this.#open = true
    for (const socket of this.#sockets) socket.resume()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    this.#listener.close()
    await once(this.#listener, 'close')
  }
}

/** Losses from now on. */
function losses(pubsub: PubSub): Dropped[] {
  const all: Dropped[] = []
  pubsub.on('dropped', (dropped) => all.push(dropped))
  return all
}

/** What a node `other@127.0.0.1` sends with these messages. */
function packetOf(sequence: number, messages: readonly Term[], topic?: string): Buffer {
  const entries = messages.flatMap((message) => {
    const term = encode(message)
    const length = Buffer.alloc(4)
    length.writeUInt32BE(term.length)
    return [length, term]
  })
  const packet = Buffer.concat([header(MESSAGES, 77, 'other@127.0.0.1', topic), ...entries])
  stamp(packet, sequence, false)
  return packet
}

const sensors = 'tsunagi.MyApp%2EPubSub.t.sensors'

describeTools('the NATS engine', ['nats-server'], () => {
  it('says why it is not ready when no server listens, goes on trying, and sends then what has waited', async () => {
    await using scene = await Scene.prepare()
    const pubsub = await scene.pubsub('a')
    const [reason] = await event(pubsub, 'engine-down')
    expect(reason).toMatchObject({ code: 'ERR_ENGINE', reason: 'refused', server: scene.server.address })
    const late = pubsub.ready({ timeout: 1 })
    await expect(late).rejects.toMatchObject({
      code: 'ERR_TIMEOUT',
      message: expect.stringContaining(`no NATS server listens at ${scene.server.address}`),
    })
    expect(pubsub.broadcast('sensors', 'early')).toBe(true)
    const up = event(pubsub, 'engine-up')
    const other = await scene.pubsub('b')
    const inbox = new Inbox(other, 'sensors')
    await scene.server.resume()
    await up
    await other.ready({ nodes: 1, timeout: patience })
    pubsub.broadcast('sensors', 'late')
    const messages = await inbox.including('late')
    // What waited may have left before the other was there to hear it.
    expect(messages.filter((message) => message !== 'early')).toEqual(['late'])
  })

  it('is there again after its server was: what was broadcast meanwhile comes in order, and what is new too', async () => {
    await using scene = await Scene.create()
    const [a, b] = await Promise.all([scene.pubsub('a'), scene.pubsub('b')])
    const inbox = new Inbox(b, 'sensors')
    await Promise.all([a.ready({ nodes: 1, timeout: patience }), b.ready({ nodes: 1, timeout: patience })])
    a.broadcast('sensors', 0)
    await inbox.including(0)
    const lost = losses(a)
    const down = Promise.all([event(a, 'engine-down'), event(b, 'engine-down')])
    await scene.server.stop()
    await down
    const [up, there] = [event(a, 'engine-up'), event(b, 'engine-up')]
    for (let i = 1; i <= 3; i++) a.broadcast('sensors', i)
    await scene.server.resume()
    await there
    await b.ready({ timeout: patience })
    await up
    a.broadcast('sensors', 4)
    await inbox.including(4)
    // The publisher may have been back first: then what waited was for nobody. But nothing comes out of turn.
    expect([...inbox.messages].sort()).toEqual(inbox.messages)
    expect(lost).toEqual([])
    expect([a.nodes(), b.nodes()]).toEqual([['b@127.0.0.1'], ['a@127.0.0.1']])
  })

  it('holds so many bytes without a connection, and counts what is beyond', async () => {
    await using scene = await Scene.prepare()
    const pubsub = await scene.pubsub('a', { buffer: 1000 })
    await event(pubsub, 'engine-down')
    const dropped = event(pubsub, 'dropped')
    pubsub.broadcast('sensors', 'x'.repeat(2000))
    const [loss] = await dropped
    expect(loss).toMatchObject({ cause: 'disconnected', count: 1, error: { code: 'ERR_ENGINE' } })
  })

  it('says that the server does not let it in, and gets in when it does', async () => {
    await using scene = await Scene.create('authorization { token: "right" }')
    const pubsub = await scene.pubsub('a', { token: 'wrong' })
    const [reason] = await event(pubsub, 'engine-down')
    expect(reason).toMatchObject({ code: 'ERR_ENGINE', reason: 'unauthorized' })
    expect(reason?.message).toMatch(/does not let this node in: .*Authorization Violation/)
    expect(reason?.message).not.toContain('wrong')
    const up = event(pubsub, 'engine-up')
    await scene.server.stop()
    await scene.server.resume('authorization { token: "wrong" }')
    await up
    await pubsub.ready({ timeout: patience })
    // And the other way round, with a connection that there was.
    const refused = event(pubsub, 'engine-down', (error) => (error as { reason?: string }).reason === 'unauthorized')
    await scene.server.stop()
    await scene.server.resume('authorization { token: "right" }')
    await refused
    const again = event(pubsub, 'engine-up')
    await scene.server.stop()
    await scene.server.resume('authorization { token: "wrong" }')
    await again
  })

  it('refuses a message that is too long for the server, with both sizes, and nobody gets it', async () => {
    await using scene = await Scene.create('max_payload: 10000')
    const [a, b] = await Promise.all([scene.pubsub('a'), scene.pubsub('b')])
    const [here, there] = [new Inbox(a, 'sensors'), new Inbox(b, 'sensors')]
    await Promise.all([a.ready({ nodes: 1, timeout: patience }), b.ready({ nodes: 1, timeout: patience })])
    a.broadcast('sensors', 'before')
    const tooLong = /takes 100\d\d bytes with its header, and the NATS server allows 10000 \(max_payload\)/
    expect(() => a.broadcast('sensors', 'x'.repeat(10_000))).toThrow(tooLong)
    expect(() => a.directBroadcast('b@127.0.0.1', 'sensors', 'x'.repeat(10_000))).toThrow(tooLong)
    // Many short ones are cut to what fits.
    for (let i = 0; i < 100; i++) a.broadcast('sensors', 'x'.repeat(500))
    a.broadcast('sensors', 'after')
    await there.including('after')
    expect(there.messages).toHaveLength(102)
    expect(here.messages).toHaveLength(102)
  })

  it('counts what had waited and is too long for the server that came', async () => {
    await using scene = await Scene.prepare()
    const pubsub = await scene.pubsub('a')
    await event(pubsub, 'engine-down')
    pubsub.broadcast('sensors', 'x'.repeat(2000))
    const dropped = event(pubsub, 'dropped')
    await scene.server.resume('max_payload: 1000')
    const [loss] = await dropped
    expect(loss).toMatchObject({ cause: 'too-large', count: 1 })
  })

  it('tells what the server forbids, and goes on with the rest', async () => {
    await using scene = await Scene.create(`authorization {
      users: [{ user: all, password: "" }, { user: some, password: "", permissions: {
        publish: { deny: "${sensors}" },
        subscribe: { allow: ["tsunagi.MyApp%2EPubSub.t.open", "tsunagi.MyApp%2EPubSub.m", "tsunagi.MyApp%2EPubSub.d.>"] } } }]
    }`)
    const [a, b] = await Promise.all([scene.pubsub('a', { user: 'all' }), scene.pubsub('b', { user: 'some' })])
    const secret = new Inbox(b, 'secret')
    const everything = new Inbox(b, '*', { pattern: true })
    const open = new Inbox(b, 'open')
    await Promise.all([a.ready({ nodes: 1, timeout: patience }), b.ready({ nodes: 1, timeout: patience })])
    const dropped = event(b, 'dropped')
    b.broadcast('sensors', 1)
    const [loss] = await dropped
    expect(loss).toMatchObject({ cause: 'refused', count: 1 })
    expect((loss.error as Error).message).toContain(`forbids it: Permissions Violation for Publish to "${sensors}"`)
    await b.ready({ timeout: patience })
    a.broadcast('secret', 1)
    a.broadcast('open', 2)
    expect(await open.including(2)).toEqual([2])
    expect([secret.messages, everything.messages]).toEqual([[], [1, 2]])
    expect(scene.cluster.lines('warn', 'Permissions Violation for Subscription').length).toBeGreaterThan(0)
  })

  it('drops and counts what is none of its messages, whole or in part, and never throws', async () => {
    await using scene = await Scene.create()
    const pubsub = await scene.pubsub('a')
    const inbox = new Inbox(pubsub, 'sensors')
    const all = new Inbox(pubsub, '*', { pattern: true })
    await pubsub.ready({ timeout: patience })
    const lost = losses(pubsub)
    const client = await scene.client()
    const good = packetOf(0, [{ a: ['b', 1] }])
    for (let end = 0; end < good.length; end++) client.publish(sensors, good.subarray(0, end))
    const truncated = good.length
    const bad: [string, Buffer][] = [
      [sensors, Buffer.from('hello')],
      [sensors, Buffer.concat([good, Buffer.from([0])])],
      // A term that is none, and compressed ones, which no member sends.
      [sensors, Buffer.concat([packetOf(2, [1]).subarray(0, -2), Buffer.from([255, 255])])],
      [sensors, Buffer.concat([packetOf(3, [1]).subarray(0, -2), Buffer.from([80, 0])])],
      // A topic that is not the one of the subject, or that is named although the subject tells it.
      [sensors, packetOf(0, [1], 'sensors')],
      ['tsunagi.MyApp%2EPubSub.l.abc', packetOf(0, [1], 'x'.repeat(5000))],
      // Subjects that no topic has.
      ['tsunagi.MyApp%2EPubSub.t.%41', packetOf(0, [1])],
      ['tsunagi.MyApp%2EPubSub.t.%ff', packetOf(0, [1])],
      // Words of members that say nothing, and where they do not belong.
      ['tsunagi.MyApp%2EPubSub.m', header(9, 77, 'other@127.0.0.1', undefined)],
      ['tsunagi.MyApp%2EPubSub.m', header(4, 77, 'other@127.0.0.1', undefined)],
      [sensors, header(2, 77, 'other@127.0.0.1', undefined)],
      ['tsunagi.MyApp%2EPubSub.d.a%40127%2E0%2E0%2E1', packetOf(0, [1])],
    ]
    for (const [subject, bytes] of bad) client.publish(subject, bytes)
    client.publish(sensors, packetOf(5, ['last']))
    await inbox.including('last')
    expect(inbox.messages).toEqual(['last'])
    expect(all.messages).toEqual(['last'])
    const undecodable = lost.filter(({ cause }) => cause === 'undecodable')
    expect(undecodable.reduce((sum, { count }) => sum + count, 0)).toBe(truncated + bad.length)
    expect(pubsub.nodes()).toEqual([])
  })

  it('counts what a sender sent and did not arrive, and takes nothing twice', async () => {
    await using scene = await Scene.create()
    const pubsub = await scene.pubsub('a')
    const inbox = new Inbox(pubsub, 'sensors')
    await pubsub.ready({ timeout: patience })
    const lost = losses(pubsub)
    const client = await scene.client()
    client.publish(sensors, packetOf(10, ['a', 'b']))
    client.publish(sensors, packetOf(10, ['a', 'b']))
    client.publish(sensors, packetOf(15, ['c']))
    client.publish(sensors, packetOf(12, ['late']))
    client.publish(sensors, packetOf(16, ['d']))
    expect(await inbox.including('d')).toEqual(['a', 'b', 'c', 'd'])
    expect(lost).toEqual([{ cause: 'disconnected', count: 3, topic: 'sensors', node: 'other@127.0.0.1' }])
  })

  it('uses a connection that is given, skips its own echo there, and leaves it open', async () => {
    await using scene = await Scene.create()
    const connection = await scene.client()
    const [a, b] = await Promise.all([scene.pubsub('a', { connection }), scene.pubsub('b')])
    const [here, there] = [new Inbox(a, 'sensors'), new Inbox(b, 'sensors')]
    await Promise.all([a.ready({ nodes: 1, timeout: patience }), b.ready({ nodes: 1, timeout: patience })])
    a.broadcast('sensors', 1)
    await there.including(1)
    b.broadcast('sensors', 2)
    expect(await here.including(2)).toEqual([1, 2])
    await a.close()
    expect(connection.isClosed()).toBe(false)
    await connection.flush()
  })

  it('says that a connection it was given was closed', async () => {
    await using scene = await Scene.create()
    const connection = await scene.client()
    const pubsub = await scene.pubsub('a', { connection })
    await pubsub.ready({ timeout: patience })
    const down = event(pubsub, 'engine-down')
    await connection.close()
    const [reason] = await down
    expect(reason).toMatchObject({ code: 'ERR_ENGINE', reason: 'closed' })
    await expect(pubsub.ready({ timeout: patience })).rejects.toBe(reason)
    const late = await scene.pubsub('b', { connection })
    await expect(late.ready({ timeout: patience })).rejects.toMatchObject({ code: 'ERR_ENGINE', reason: 'closed' })
  })

  it('holds back when the server takes nothing, drops at the limit and counts it, and recovers', async () => {
    await using scene = await Scene.create()
    const limits = { linkHighWater: 100_000, linkMax: 20_000_000 }
    const a = await scene.pubsub('a', {}, {}, { limits })
    await a.ready({ timeout: patience })
    const lost = losses(a)
    scene.server.freeze()
    let sent = 0
    while (a.broadcast('sensors', 'x'.repeat(10_000))) sent++
    expect(sent).toBeLessThan(200)
    while (lost.length === 0) {
      a.broadcast('sensors', 'x'.repeat(100_000))
      await new Promise(setImmediate)
    }
    expect(lost[0]).toMatchObject({ cause: 'link-full' })
    await expect(a.drained({ timeout: 1 })).rejects.toMatchObject({ code: 'ERR_TIMEOUT' })
    await scene.server.resume()
    await a.drained({ timeout: patience })
    const b = await scene.pubsub('b')
    const inbox = new Inbox(b, 'sensors')
    await b.ready({ nodes: 1, timeout: patience })
    a.broadcast('sensors', 'after')
    await inbox.including('after')
    expect(a.broadcast('sensors', 'room')).toBe(true)
  })

  it('is cut off by the server when it reads too slowly, comes back, and knows how much it missed', async () => {
    await using scene = await Scene.create('max_pending: 2000000\nwrite_deadline: "1s"')
    await using tap = await Tap.to(scene.server.port)
    const [a, b] = await Promise.all([scene.pubsub('a'), scene.pubsub('b', { servers: tap.address })])
    const inbox = new Inbox(b, 'sensors')
    await Promise.all([a.ready({ nodes: 1, timeout: patience }), b.ready({ nodes: 1, timeout: patience })])
    const lost = losses(b)
    a.broadcast('sensors', 'first')
    await inbox.including('first')
    const [down, up] = [event(b, 'engine-down'), event(b, 'engine-up')]
    tap.close()
    // More than the server and the system hold for a connection.
    const messages = 600
    for (let i = 0; i < messages; i++) {
      if (!a.broadcast('sensors', 'x'.repeat(50_000))) await a.drained({ timeout: patience })
    }
    tap.open()
    await Promise.all([down, up])
    await b.ready({ timeout: patience })
    a.broadcast('sensors', 'last')
    await inbox.including('last')
    const missed = lost.reduce((sum, { count }) => sum + count, 0)
    expect(missed).toBeGreaterThan(0)
    expect(inbox.messages.length + missed).toBe(messages + 2)
  })

  it('tells those who wait for room that there is none any more when it is closed', async () => {
    await using scene = await Scene.prepare()
    const pubsub = await scene.pubsub('a', {}, {}, { limits: { linkHighWater: 1000 } })
    await event(pubsub, 'engine-down')
    while (pubsub.broadcast('sensors', 'x'.repeat(500))) await new Promise(setImmediate)
    const lost = losses(pubsub)
    const waiting = expect(pubsub.drained()).rejects.toMatchObject({ code: 'ERR_CLOSED' })
    await pubsub.close()
    await waiting
    expect(lost.reduce((sum, { count }) => sum + count, 0)).toBeGreaterThan(0)
  })

  it('gets nothing more when its node leaves, and what is broadcast there as a farewell still goes out', async () => {
    await using scene = await Scene.create()
    const [node, b] = await Promise.all([scene.cluster.start('a'), scene.pubsub('b')])
    const a = node.pubsub('MyApp.PubSub', { engine: nats({ servers: scene.server.address }) })
    const there = new Inbox(b, 'sensors')
    await Promise.all([a.ready({ nodes: 1, timeout: patience }), b.ready({ nodes: 1, timeout: patience })])
    a.on('leaving', () => a.broadcast('sensors', 'farewell'))
    const down = event(b, 'nodedown')
    await node.leave()
    await Promise.all([down, there.including('farewell')])
    expect(b.nodes()).toEqual([])
  })

  it('goes to another server of the cluster when its own is about to go', async () => {
    await using other = await NatsServer.start()
    await using scene = await Scene.create('lame_duck_duration: "30s"\nlame_duck_grace_period: "1ms"')
    const servers = [scene.server.address, other.address]
    const pubsub = await scene.pubsub('a', { servers, noRandomize: true })
    await pubsub.ready({ timeout: patience })
    const [down, up] = [event(pubsub, 'engine-down'), event(pubsub, 'engine-up')]
    await scene.server.goLame()
    const [[reason]] = await Promise.all([down, up])
    expect(reason).toMatchObject({ code: 'ERR_ENGINE', reason: 'lost', server: scene.server.address })
    await pubsub.ready({ timeout: patience })
  })

  it('takes a member for gone that has fallen silent, and one of the same name for another that came later', async () => {
    await using scene = await Scene.create()
    const pubsub = await scene.pubsub('a', { heartbeatInterval: 50, silentHeartbeats: 2 })
    await pubsub.ready({ timeout: patience })
    const client = await scene.client()
    const changes: string[] = []
    pubsub.on('nodeup', (node) => changes.push(`up ${node}`))
    pubsub.on('nodedown', (node) => changes.push(`down ${node}`))
    const here = (sender: number): Buffer => header(2, sender, 'other@127.0.0.1', undefined)
    const up = event(pubsub, 'nodeup')
    client.publish('tsunagi.MyApp%2EPubSub.m', here(1))
    await up
    const restarted = event(pubsub, 'nodeup')
    client.publish('tsunagi.MyApp%2EPubSub.m', here(2))
    await restarted
    await event(pubsub, 'nodedown')
    expect(changes).toEqual(['up', 'down', 'up', 'down'].map((change) => `${change} other@127.0.0.1`))
    expect(pubsub.nodes()).toEqual([])
  })

  it('keeps clusters and pub/subs apart that share a server', async () => {
    await using scene = await Scene.create()
    const [a, b, c] = await Promise.all([
      scene.pubsub('a'),
      scene.pubsub('b', { prefix: 'other.one' }),
      scene.pubsub('c'),
    ])
    const inboxes = [b, c].map((pubsub) => new Inbox(pubsub, '*', { pattern: true }))
    await Promise.all([a.ready({ nodes: 1, timeout: patience }), c.ready({ nodes: 1, timeout: patience })])
    await b.ready({ timeout: patience })
    a.broadcast('sensors', 1)
    await inboxes[1]?.including(1)
    await b.ready({ timeout: patience })
    expect(inboxes[0]?.messages).toEqual([])
    expect([a.nodes(), b.nodes()]).toEqual([['c@127.0.0.1'], []])
  })

  it('closes while there is no server, and while one does not answer', async () => {
    await using scene = await Scene.prepare()
    const pubsub = await scene.pubsub('a')
    await event(pubsub, 'engine-down')
    await pubsub.close()
    await scene.server.resume()
    const other = await scene.pubsub('b')
    await other.ready({ timeout: patience })
    scene.server.freeze()
    await other.close()
    expect([pubsub.closed, other.closed]).toEqual([true, true])
  })

  it('has said all there was when its node is closed', async () => {
    await using scene = await Scene.create()
    const node = await scene.cluster.start('a')
    const a = node.pubsub('MyApp.PubSub', { engine: nats({ servers: scene.server.address }) })
    const inbox = new Inbox(await scene.pubsub('b'), 'topic')
    await a.ready({ nodes: 1, timeout: patience })
    const order: string[] = []
    a.on('closed', () => order.push('pub/sub'))
    for (let i = 0; i < 1000; i++) a.broadcast('topic', i)
    await node.close()
    order.push('node')
    expect(order).toEqual(['pub/sub', 'node'])
    await inbox.including(999)
    expect(inbox.messages).toHaveLength(1000)
  })

  it('is set up as docs/pubsub.md says', async () => {
    await using scene = await Scene.create('authorization { token: "secret" }')
    const node = await scene.cluster.start('a')
    const page = readFileSync(new URL('../../docs/pubsub.md', import.meta.url), 'utf8')
    const [, block = ''] = /^```js\nimport \{ nats \}.*\n([\s\S]*?)^```$/m.exec(page) ?? []
    const AsyncFunction = (async () => {}).constructor as new (
      ...words: string[]
    ) => (...words: unknown[]) => Promise<void>
    const run = new AsyncFunction('node', 'nats', 'token', block)
    await run(node, (options: NatsOptions) => nats({ ...options, servers: [scene.server.address] }), 'secret')
    const pubsub = node.pubsub('MyApp.PubSub')
    expect(pubsub.capabilities).toMatchObject({ dispatchers: false, retained: false, directBroadcast: true })
    await pubsub.ready({ timeout: patience })
  })

  it('is the same pub/sub for the same options, and refused for others', async () => {
    await using scene = await Scene.create()
    const node = await scene.cluster.start('a')
    const options = { servers: [scene.server.address], user: 'u', pass: 'p' }
    const pubsub = node.pubsub('MyApp.PubSub', { engine: nats(options) })
    expect(node.pubsub('MyApp.PubSub', { engine: nats({ ...options }) })).toBe(pubsub)
    expect(() => node.pubsub('MyApp.PubSub', { engine: nats() })).toThrow(/options/)
  })
})

it('nats() refuses options that it does not know, that are the engine’s own, or that shows a secret', () => {
  const refused = (options: object): string => {
    try {
      nats(options as NatsOptions)
      return ''
    } catch (error) {
      expect(error).toMatchObject({ code: 'ERR_INVALID_OPTION' })
      return (error as Error).message
    }
  }
  expect(refused({ server: 'a' })).toBe('server: there is no such option (did you mean servers?)')
  expect(refused({ maxReconnectAttempts: 3 })).toBe('maxReconnectAttempts: the engine decides it, and never gives up')
  expect(refused({ servers: 5 })).toBe('servers: expected "host:port", or an array of such')
  expect(refused({ servers: ['user:secret@host', 7] })).not.toContain('secret')
  expect(refused({ servers: 'a', port: 4222 })).toContain('port: there are servers')
  expect(refused({ prefix: 'a.*' })).toContain('prefix: expected letters')
  expect(refused({ buffer: -1 })).toContain('buffer: expected an integer')
  expect(refused({ connection: {} })).toContain('connection: expected a NatsConnection')
  expect(refused({ connection: { publish() {}, subscribe() {}, status() {} }, token: 'secret' })).toBe(
    'token: there is a connection already',
  )
})
