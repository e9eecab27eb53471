import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { listNames, lookup } from '../../src/epmd/client.ts'
import { startEpmd } from '../../src/epmd/epmd.ts'
import { EpmdServer, type EpmdServerOptions } from '../../src/epmd/server.ts'
import { decodeAliveReply, decodeDumpReply, type EpmdRequest, encodeRequest } from '../../src/epmd/wire.ts'
import { FakeClock } from '../../src/testing/fake-clock.ts'
import { alive, dial, entry, exchange, readAll } from './wire-peer.ts'

const request = (it: EpmdRequest) => Buffer.from(encodeRequest(it))

let server: EpmdServer
const open: Socket[] = []

async function serve(options: Partial<EpmdServerOptions> = {}): Promise<number> {
  // Fixed addresses, so that nothing but the registrations of a test touches the ports it invents.
  server = new EpmdServer({ port: 0, address: [], ...options })
  await server.listen()
  return server.port
}

async function register(port: number, ...args: Parameters<typeof entry>): Promise<{ socket: Socket; reply: Buffer }> {
  const registered = await alive(port, entry(...args))
  open.push(registered.socket)
  return registered
}

const creationOf = (reply: Buffer) => {
  const decoded = decodeAliveReply(reply)
  if (decoded.status !== 'done') throw new Error('no answer')
  return decoded.value
}

beforeEach(() => open.splice(0))
afterEach(async () => {
  for (const socket of open) socket.destroy()
  await server.close()
})

describe('names', () => {
  test('are found with all that was registered, extra included', async () => {
    const port = await serve()
    const extra = Uint8Array.of(1, 0, 255)
    const { reply } = await register(port, 'höst_1', { port: 4711, nodeType: 72, lowVersion: 6, extra })
    expect(reply.length).toBe(6)
    expect(creationOf(reply).result).toBe(0)
    expect(await lookup('höst_1', { port })).toEqual({
      port: 4711,
      nodeType: 72,
      protocol: 0,
      highVersion: 6,
      lowVersion: 6,
      extra,
    })
    expect(await lookup('other', { port })).toBeUndefined()
    expect(await listNames({ port })).toEqual([{ name: 'höst_1', port: 4711 }])
  })

  test('are refused while they are taken, with the reply OTP gives', async () => {
    const port = await serve()
    await register(port, 'a')
    const second = await dial(port)
    const answer = readAll(second)
    second.write(request({ type: 'alive2', entry: entry('a', { port: 1 }) }))
    expect((await answer).toString('hex')).toBe('760100000063')
    expect((await lookup('a', { port }))?.port).toBe(40001)
  })

  test('that are empty or would garble the listing are refused', async () => {
    const port = await serve()
    for (const name of ['', 'a\nname b at port 1', 'a\0']) {
      expect((await exchange(port, request({ type: 'alive2', entry: entry(name) })))[1]).toBe(1)
    }
    expect(await listNames({ port })).toEqual([])
  })

  test.each([
    ['closes', (socket: Socket) => socket.end()],
    ['is reset', (socket: Socket) => socket.resetAndDestroy()],
    ['sends one byte more', (socket: Socket) => socket.write('x')],
  ])('are free again when their connection %s', async (_, leave) => {
    const port = await serve()
    const { socket } = await register(port, 'a')
    const unregistered = once(server, 'unregister')
    leave(socket)
    expect(await unregistered).toEqual(['a'])
    expect(await lookup('a', { port })).toBeUndefined()
    expect(creationOf((await register(port, 'a')).reply).result).toBe(0)
  })

  test('get another creation each time, never one below 4', async () => {
    const port = await serve()
    let last = 0
    for (let i = 0; i < 20; i++) {
      const { socket, reply } = await register(port, 'a')
      const { creation } = creationOf(reply)
      expect(creation).toBeGreaterThanOrEqual(4)
      expect(creation).not.toBe(last)
      last = creation
      const unregistered = once(server, 'unregister')
      socket.destroy()
      await unregistered
    }
  })

  test('of nodes older than OTP 23 get a creation of 1 to 3, another each time, in the old reply', async () => {
    const port = await serve()
    let last = 0
    for (let i = 0; i < 8; i++) {
      const { socket, reply } = await register(port, 'a', { highVersion: 5 })
      expect(reply.length).toBe(4)
      const { creation } = creationOf(reply)
      expect([1, 2, 3]).toContain(creation)
      expect(creation).not.toBe(last)
      last = creation
      const unregistered = once(server, 'unregister')
      socket.destroy()
      await unregistered
    }
  })
})

describe('the other requests', () => {
  test('DUMP shows names in use and names that were', async () => {
    const port = await serve()
    await register(port, 'a')
    const { socket } = await register(port, 'b')
    const unregistered = once(server, 'unregister')
    socket.end()
    await unregistered
    const decoded = decodeDumpReply(await exchange(port, request({ type: 'dump' })))
    expect(decoded).toMatchObject({
      status: 'done',
      value: { epmdPort: port, active: [{ name: 'a', port: 40001 }], unused: [{ name: 'b', port: 40001 }] },
    })
  })

  test('KILL is answered NO and kills nothing', async () => {
    const port = await serve({ relaxed: true })
    expect((await exchange(port, request({ type: 'kill' }))).toString()).toBe('NO')
    expect(await listNames({ port })).toEqual([])
  })

  test('KILL ends a server of its own once it has no names, at once when relaxed', async () => {
    const port = await serve({ killable: true })
    const { socket } = await register(port, 'a')
    expect((await exchange(port, request({ type: 'kill' }))).toString()).toBe('NO')
    const unregistered = once(server, 'unregister')
    socket.end()
    await unregistered
    const closed = once(server, 'close')
    expect((await exchange(port, request({ type: 'kill' }))).toString()).toBe('OK')
    await closed
    await expect(listNames({ port })).rejects.toMatchObject({ code: 'ERR_EPMD_UNREACHABLE' })

    const relaxed = await serve({ killable: true, relaxed: true })
    await register(relaxed, 'a')
    expect((await exchange(relaxed, request({ type: 'kill' }))).toString()).toBe('OK')
  })

  test('STOP ends a registration when relaxed, and is not answered otherwise', async () => {
    const strict = await serve()
    await register(strict, 'a')
    expect((await exchange(strict, request({ type: 'stop', name: 'a' }))).length).toBe(0)
    expect(await lookup('a', { port: strict })).toBeDefined()
    await server.close()

    const relaxed = await serve({ relaxed: true })
    await register(relaxed, 'a')
    expect((await exchange(relaxed, request({ type: 'stop', name: 'b' }))).toString()).toBe('NOEXIST')
    expect((await exchange(relaxed, request({ type: 'stop', name: 'a' }))).toString()).toBe('STOPPED')
    expect(await lookup('a', { port: relaxed })).toBeUndefined()
  })
})

describe('hostile peers', () => {
  test('one byte at a time is a request like any other', async () => {
    const port = await serve()
    const { socket } = await register(port, 'a')
    const slow = await dial(port)
    const answer = readAll(slow)
    slow.setNoDelay(true)
    for (const byte of request({ type: 'port-please2', name: 'a' })) {
      await new Promise((resolve) => slow.write(Uint8Array.of(byte), resolve))
    }
    expect((await answer).subarray(0, 2).toString('hex')).toBe('7700')
    socket.destroy()
  })

  test.each([
    ['an HTTP request', Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n')],
    ['a TLS hello', Buffer.from('16030100c8010000c40303', 'hex')],
    ['an unknown request', Uint8Array.of(0, 1, 42)],
    ['an empty request', Uint8Array.of(0, 0)],
    ['a cut registration', Uint8Array.of(0, 2, 120, 1)],
    ['a request with bytes after it', Buffer.concat([request({ type: 'names' }), Buffer.from('x')])],
    [
      'a registration with a byte after it',
      Buffer.concat([request({ type: 'alive2', entry: entry('x') }), Buffer.of(0)]),
    ],
  ])('%s is not answered, and the server goes on', async (_, bytes) => {
    const port = await serve()
    expect((await exchange(port, bytes)).length).toBe(0)
    expect(await listNames({ port })).toEqual([])
  })

  test('a connection that says nothing, or only half, is closed after a minute; one with a name is not', async () => {
    const clock = new FakeClock()
    const port = await serve({ clock })
    await register(port, 'a')
    const silent = await dial(port)
    const half = await dial(port)
    half.write(Uint8Array.of(0, 5, 122))
    // The server has seen both once it answers a later one.
    await listNames({ port })
    const gone = Promise.all([readAll(silent), readAll(half)])
    clock.advance(60_000)
    await gone
    expect(await listNames({ port })).toHaveLength(1)
    clock.advance(600_000)
    expect(await listNames({ port })).toHaveLength(1)
  })

  test('2,000 connections that say nothing cost the oldest ones theirs, and nobody a name or an answer', async () => {
    const port = await serve({ limits: { epmdConnections: 500 } })
    await register(port, 'a')
    const silent: Socket[] = []
    let closed = 0
    const dropped = new Promise<void>((resolve) => {
      const count = () => {
        if (++closed === 1500) resolve()
      }
      void (async () => {
        for (let i = 0; i < 2000; i++) {
          const socket = await dial(port)
          socket.once('close', count).resume()
          silent.push(socket)
          open.push(socket)
        }
      })()
    })
    await dropped
    expect(await lookup('a', { port })).toMatchObject({ port: 40001 })
    expect(creationOf((await register(port, 'b')).reply).result).toBe(0)
    expect(silent[0]?.closed).toBe(true)
  })

  test('a server full of names refuses the next one and keeps those it has', async () => {
    const port = await serve({ limits: { epmdConnections: 3 } })
    for (const name of ['a', 'b', 'c']) await register(port, name)
    const fourth = await dial(port)
    expect((await readAll(fourth)).length).toBe(0)
    const unregistered = once(server, 'unregister')
    open[0]?.destroy()
    await unregistered
    expect(await listNames({ port })).toHaveLength(2)
  })
})

describe('where it listens', () => {
  test('at both loopback addresses as long as nothing else is asked', async () => {
    const port = await serve()
    expect(server.addresses).toEqual(['127.0.0.1', '::1'])
    expect(await listNames({ port, host: '::1' })).toEqual([])
    const { socket } = await alive(port, entry('six'), '::1')
    expect(await lookup('six', { port, host: '127.0.0.1' })).toBeDefined()
    socket.destroy()
  })

  test('at given addresses too, a wildcard taking the place of loopback', async () => {
    await serve({ address: ['127.0.0.2'] })
    expect(server.addresses).toEqual(['127.0.0.1', '::1', '127.0.0.2'])
    await server.close()
    await serve({ address: ['0.0.0.0', '::', '127.0.0.1'] })
    expect(server.addresses).toEqual(['0.0.0.0', '::'])
  })

  test('nowhere when the port is taken, and says so', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as { port: number }
    server = new EpmdServer({ port, address: [] })
    await expect(server.listen()).rejects.toMatchObject({ code: 'ERR_LISTEN', cause: { code: 'EADDRINUSE' } })
    await expect(startEpmd({ port })).rejects.toMatchObject({ code: 'ERR_LISTEN' })
    other.close()
  })

  test('no longer after close, which ends all connections and may be called twice', async () => {
    const port = await serve()
    const { socket } = await register(port, 'a')
    const ended = readAll(socket)
    await Promise.all([server.close(), server.close()])
    await ended
    await expect(listNames({ port })).rejects.toMatchObject({ code: 'ERR_EPMD_UNREACHABLE' })
  })
})
