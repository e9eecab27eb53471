import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { askName, readName } from '../../src/epmd/ask-name.ts'
import { listNames } from '../../src/epmd/client.ts'
import { listeningAddresses } from '../../src/epmd/listening-sockets.ts'
import { encodeMark } from '../../src/epmd/mark.ts'
import { addressesFor } from '../../src/epmd/reach.ts'
import { EpmdServer } from '../../src/epmd/server.ts'
import { reachFound } from './node-process.ts'
import { alive, entry } from './wire-peer.ts'

const never = new AbortController().signal
async function serve(): Promise<EpmdServer> {
  const server = new EpmdServer({ port: 0 })
  await server.listen()
  return server
}

const sockets: Socket[] = []
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy()
})

/** A listener that stands in for a node's; answers each connection with `bytes`, or says nothing. */
async function listener(host: string, bytes?: Uint8Array): Promise<{ port: number } & AsyncDisposable> {
  const server = createServer((socket) => {
    sockets.push(socket)
    socket.on('error', () => {})
    if (bytes !== undefined) socket.end(bytes)
  }).listen(0, host)
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  return { port, [Symbol.asyncDispose]: async () => void server.close() }
}

describe('asking a node its name', () => {
  test('ends without one when the other says something else, or nothing more', async () => {
    await using http = await listener('127.0.0.1', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'))
    expect(await askName('127.0.0.1', http.port, systemClock, never)).toBeUndefined()
    await using refusing = await listener('127.0.0.1', Buffer.from('\0\x0csnot_allowed', 'latin1'))
    expect(await askName('127.0.0.1', refusing.port, systemClock, never)).toBeUndefined()
    await using mute = await listener('127.0.0.1', Buffer.alloc(0))
    expect(await askName('127.0.0.1', mute.port, systemClock, never)).toBeUndefined()
  })

  test('reads status and challenge cut anywhere, and nothing beyond their lengths', () => {
    const challenge = Buffer.concat([
      Buffer.from([0, 22, 0x4e]),
      Buffer.alloc(16),
      Buffer.from([0, 3]),
      Buffer.from('a@b'),
    ])
    const bytes = Buffer.concat([Buffer.from('\0\x03sok', 'latin1'), challenge])
    expect(readName(bytes)).toBe('a@b')
    for (let cut = 0; cut < bytes.length; cut++) expect(readName(bytes.subarray(0, cut))).toBe('more')
    const wrong = Buffer.from(bytes)
    wrong[25] = 200
    expect(readName(wrong)).toBeUndefined()
  })
})

test("the kernel's table of sockets is read for listeners on a port", () => {
  const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:1111 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0
   1: 0100007F:2222 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0
   2: 0100007F:1111 0100007F:9999 01 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0
`
  expect(listeningAddresses(table, 0x1111)).toEqual(['00000000'])
  expect(listeningAddresses(table, 0x2222)).toEqual(['0100007F'])
  expect(listeningAddresses(table, 0x3333)).toEqual([])
})

describe('the addresses the server listens at', () => {
  test('stay loopback ones for a listener that cannot be reached otherwise, without asking it', async () => {
    await using server = await serve()
    await using node = await listener('127.0.0.1')
    const reach = reachFound(server, 'bound')
    sockets.push((await alive(server.port, entry('bound', { port: node.port }))).socket)
    expect(await reach).toBe('loopback')
    expect(sockets).toHaveLength(1)
  })

  test('are all of the machine for a C node that listens everywhere, which is not asked', async () => {
    await using server = await serve()
    await using node = await listener('0.0.0.0')
    const reach = reachFound(server, 'cnode')
    sockets.push((await alive(server.port, entry('cnode', { port: node.port, nodeType: 104 }))).socket)
    expect(await reach).toBe('everywhere')
    expect(sockets).toHaveLength(1)
  })

  test('are all of the machine for a node that does not say its name', async () => {
    await using server = await serve()
    await using node = await listener('0.0.0.0', Buffer.from([21, 3, 3, 0, 2, 2, 10]))
    const reach = reachFound(server, 'tls')
    sockets.push((await alive(server.port, entry('tls', { port: node.port }))).socket)
    expect(await reach).toBe('everywhere')
  })

  test('follow what a node of this package says, at once', async () => {
    await using server = await serve()
    const near = reachFound(server, 'near')
    const mark = (host: string) => encodeMark({ host, data: new Uint8Array() })
    sockets.push((await alive(server.port, entry('near', { extra: mark('127.0.0.1') }))).socket)
    expect(await near).toBe('loopback')
    const far = reachFound(server, 'far')
    sockets.push((await alive(server.port, entry('far', { extra: mark('altair.example') }))).socket)
    expect(await far).toEqual({ host: 'altair.example' })
  })

  test('are fixed when they are given, and nobody is asked', async () => {
    await using server = new EpmdServer({ port: 0, address: ['127.0.0.2'] })
    await server.listen()
    await using node = await listener('0.0.0.0')
    sockets.push((await alive(server.port, entry('asked', { port: node.port }))).socket)
    const extra = encodeMark({ host: 'altair.example', data: new Uint8Array() })
    sockets.push((await alive(server.port, entry('marked', { extra }))).socket)
    expect(await listNames({ port: server.port })).toHaveLength(2)
    expect(server.addresses).toEqual(['127.0.0.1', '::1', '127.0.0.2'])
    expect(sockets).toHaveLength(2)
  })

  test('for a host name that means only loopback here are all, as others may know it by a real address', async () => {
    expect(await addressesFor('loopback')).toEqual([])
    expect(await addressesFor({ host: 'no-such-host.invalid' })).toEqual(await addressesFor('everywhere'))
  })
})
