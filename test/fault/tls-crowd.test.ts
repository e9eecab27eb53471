import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type StartOptions, startNode, type TsunagiNode } from '../../src/tsunagi.ts'
import { LogBook } from '../process/network.ts'
import { Authority } from '../support/certificates.ts'

let authority: Authority

beforeAll(() => {
  authority = new Authority()
})
afterAll(() => authority?.[Symbol.dispose]())

/** Certificates of nodes, by the names they give. */
function tlsOf(...nodes: readonly string[]) {
  const names = ['IP:127.0.0.1', ...nodes.map((node) => `URI:erlang://${node}`)]
  return { ...authority.issue({ names }), ca: authority.ca }
}

const at = (node: TsunagiNode): string => `${node.name}:${node.listening?.port}`
const start = (name: string, options: StartOptions) =>
  startNode({ name, cookie: 'secret', epmd: false, mesh: false, logger: new LogBook(), ...options })

/** A record of a handshake, whatever it says of its length. */
const record = (body: Buffer, length = body.length): Buffer => {
  const head = Buffer.from([0x16, 3, 1, 0, 0])
  head.writeUInt16BE(length, 3)
  return Buffer.concat([head, body])
}

/** A ClientHello that says it is 16 MiB long, and as much of it as there is time for. */
const endless = Buffer.concat([
  record(Buffer.concat([Buffer.from([1, 0xff, 0xff, 0xff]), Buffer.alloc(16_000)])),
  record(Buffer.alloc(16_384)),
])

const strangers: readonly (readonly [string, Buffer])[] = [
  ['HTTP', Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n')],
  ['the handshake of a node without TLS', Buffer.from('00144e0000000d07df7fbd00000001000a6576696c40686f7374', 'hex')],
  ['a ClientHello without end', endless],
  ['a record of 64 KiB', record(Buffer.alloc(65_535, 1))],
  ['records with nothing in them', Buffer.concat(Array.from({ length: 1000 }, () => record(Buffer.alloc(0))))],
  ['a ClientHello of garbage', record(Buffer.concat([Buffer.from([1, 0, 0, 200]), Buffer.alloc(200, 0xa5)]))],
  ['an alert', Buffer.from('15030100020230', 'hex')],
  [
    'SSL 3',
    record(
      Buffer.concat([Buffer.from('010000290300', 'hex'), Buffer.alloc(32, 7), Buffer.from('000002000a0100', 'hex')]),
    ),
  ],
]

describe('who speaks to a port with TLS', () => {
  let server: TsunagiNode
  let friend: TsunagiNode
  const lost: unknown[] = []

  beforeAll(async () => {
    // What these say fails at once: nothing has to be waited for.
    server = await start('server@127.0.0.1', { tls: tlsOf(), limits: { failedHandshakes: 1_000_000 } })
    friend = await start('friend@127.0.0.1', { tls: tlsOf(), listen: false })
    await friend.connect(at(server))
    server.on('nodedown', (...args) => lost.push(args))
  })
  afterAll(async () => {
    await friend?.close()
    await server?.close()
  })
  beforeEach(() => lost.splice(0))

  const survived = async (): Promise<void> => {
    expect(await friend.ping(server.name)).toBe('pong')
    expect(lost).toEqual([])
  }

  function open(localAddress = '127.0.0.1', port = server.listening?.port as number): Socket {
    const socket = connect({ port, host: '127.0.0.1', localAddress })
    return socket.on('error', () => {}).resume()
  }

  it.each(strangers)('%s costs its own connection, and is counted', async (_what, bytes) => {
    const failures = () => Object.values(server.acceptCounts.failed).reduce((sum, count) => sum + count, 0)
    const before = failures()
    const sockets = Array.from({ length: 20 }, () => open())
    const closed = sockets.map((socket) => new Promise((resolve) => socket.once('close', resolve)))
    for (const socket of sockets) socket.write(bytes)
    await Promise.all(closed)
    await expect.poll(failures).toBe(before + 20)
    expect(Object.keys(server.acceptCounts.failed)).not.toContain('ERR_CONNECT_TIMEOUT')
    await survived()
  })

  it('renegotiates for ever, with TLS 1.2, ends its own connection', async () => {
    const options: ConnectionOptions = {
      port: server.listening?.port as number,
      host: '127.0.0.1',
      ...tlsOf(),
      maxVersion: 'TLSv1.2',
      checkServerIdentity: () => undefined,
    }
    const socket = connectTls(options)
    socket.on('error', () => {})
    await once(socket, 'secureConnect')
    let times = 0
    const again = (): void => {
      if (socket.destroyed) return
      times++
      socket.renegotiate({ rejectUnauthorized: false }, (error) => error === null && setImmediate(again))
    }
    again()
    await once(socket, 'close')
    expect(times).toBeLessThan(10)
    await survived()
  })
})

it('an address that fails too often with TLS is not heard for a while, others are', async () => {
  await using server = await start('server@127.0.0.1', { tls: tlsOf() })
  const { port } = server.listening as { port: number }
  const knock = async (): Promise<void> => {
    const socket = connect({ port, host: '127.0.0.1', localAddress: '127.0.0.9' })
    socket.on('error', () => {}).resume()
    socket.write('GET / HTTP/1.1\r\n\r\n')
    await new Promise((resolve) => socket.once('close', resolve))
  }
  for (let round = 0; round < 30; round++) await Promise.all(Array.from({ length: 10 }, knock))
  const { failed, refused } = server.acceptCounts
  expect(Object.keys(failed)).toEqual(['ERR_CONNECT_TLS_PLAIN'])
  expect((failed.ERR_CONNECT_TLS_PLAIN ?? 0) + refused).toBe(300)
  expect(refused).toBeGreaterThan(100)
  await using friend = await start('friend@127.0.0.1', { tls: tlsOf(), listen: false })
  await friend.connect(at(server))
  expect(server.nodes()).toEqual([friend.name])
})

it('with a certificate of another name nobody becomes loader, member or source of functions', async () => {
  const [loader, dev, guest] = ['loader@127.0.0.1', 'dev@127.0.0.1', 'guest@127.0.0.1'] as const
  const store = (node: TsunagiNode) =>
    node.store({ name: 'kv', loader, members: [loader], functions: { from: [loader, dev] } })
  await using first = await start(loader, { tls: { ...tlsOf(loader), requireName: true } })
  const kv = store(first)
  await kv.ready()
  // Each of these is of the same authority and has the cookie.
  for (const name of [loader, dev]) {
    await using forger = await start(name, { tls: tlsOf(guest), listen: false })
    const code = name === loader ? 'ERR_CONNECT_SELF' : 'ERR_CONNECT_NOT_ALLOWED'
    await expect(forger.connect(at(first))).rejects.toMatchObject({ code })
  }
  await using visitor = await start(guest, { tls: tlsOf(guest), listen: false })
  await visitor.connect(at(first))
  const theirs = store(visitor)
  await theirs.ready({ timeout: 20_000 })
  await expect(theirs.define('evil', () => 1)).rejects.toMatchObject({ code: 'ERR_FUNCTION_REFUSED' })
  expect(kv.functions.list()).toEqual([])
  // Dialled, it is no other than its certificate says either.
  await using decoy = await start(dev, { tls: tlsOf(guest) })
  await expect(first.connect(at(decoy))).rejects.toMatchObject({ code: 'ERR_CONNECT_TLS_NAME' })
  await using honest = await start(dev, { tls: { ...tlsOf(dev), requireName: true }, listen: false })
  await honest.connect(at(first))
  const own = store(honest)
  await own.ready({ timeout: 20_000 })
  await own.define('good', () => 1)
  expect(await kv.run('good', [])).toBe(1)
})
