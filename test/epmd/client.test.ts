import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { OptionError } from '../../src/base/errors.ts'
import { listNames, lookup } from '../../src/epmd/client.ts'
import { epmdEnvironment } from '../../src/epmd/environment.ts'
import { EpmdError } from '../../src/epmd/errors.ts'
import { EpmdServer } from '../../src/epmd/server.ts'
import { encodeNamesReply, encodePortReply } from '../../src/epmd/wire.ts'
import { freePort } from '../support/otp.ts'
import { entry } from './wire-peer.ts'

const servers: Server[] = []
const sockets = new Set<Socket>()

/** A server on loopback that does what it is told with each connection. */
async function fake(onConnection: (socket: Socket) => void): Promise<number> {
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    onConnection(socket)
  }).listen(0, '127.0.0.1')
  servers.push(server)
  await once(server, 'listening')
  return (server.address() as { port: number }).port
}

/** A server that answers every request with these bytes, cut into chunks, and closes. */
const answering = (...chunks: Uint8Array[]) =>
  fake((socket) => {
    socket.once('data', async () => {
      socket.setNoDelay(true)
      for (const chunk of chunks) await new Promise((resolve) => socket.write(chunk, resolve))
      socket.end()
    })
  })

afterEach(() => {
  for (const socket of sockets) socket.destroy()
  for (const server of servers.splice(0)) server.close()
})

describe('lookup and listNames', () => {
  test('put an answer together that comes byte by byte', async () => {
    const found = entry('a', { port: 7 })
    const bytes = [...encodePortReply(found)].map((byte) => Uint8Array.of(byte))
    expect(await lookup('a', { port: await answering(...bytes) })).toMatchObject({ port: 7 })
    const names = [...encodeNamesReply({ epmdPort: 1, names: [{ name: 'a', port: 7 }] })]
    const port = await answering(...names.map((byte) => Uint8Array.of(byte)))
    expect(await listNames({ port })).toEqual([{ name: 'a', port: 7 }])
  })

  test('fail with ERR_EPMD_UNREACHABLE and its cause where nothing listens', async () => {
    const port = await freePort()
    const error = await lookup('a', { port }).catch((it: unknown) => it)
    expect(error).toBeInstanceOf(EpmdError)
    expect(error).toMatchObject({
      code: 'ERR_EPMD_UNREACHABLE',
      host: '127.0.0.1',
      port,
      cause: { code: 'ECONNREFUSED' },
    })
  })

  test('fail with ERR_EPMD_UNREACHABLE for a host nobody knows', async () => {
    await expect(lookup('a', { host: 'no-such-host.invalid', port: 1 })).rejects.toMatchObject({
      code: 'ERR_EPMD_UNREACHABLE',
    })
  })

  test('fail with ERR_EPMD_TIMEOUT when no answer comes in time', async () => {
    const port = await fake(() => {})
    await expect(lookup('a', { port, timeout: 20 })).rejects.toMatchObject({ code: 'ERR_EPMD_TIMEOUT' })
    await expect(listNames({ port, timeout: 20 })).rejects.toMatchObject({ code: 'ERR_EPMD_TIMEOUT' })
  })

  test.each([
    ['something else', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')],
    ['nothing', Buffer.alloc(0)],
    ['a part', encodePortReply(entry('abc')).subarray(0, 9)],
  ])('fail with ERR_EPMD_PROTOCOL when the answer is %s', async (_, bytes) => {
    await expect(lookup('abc', { port: await answering(bytes) })).rejects.toMatchObject({ code: 'ERR_EPMD_PROTOCOL' })
  })

  test('fail with ERR_EPMD_PROTOCOL on an endless answer', async () => {
    const port = await fake((socket) => {
      const more = (): boolean => socket.writable && socket.write(Buffer.alloc(65536, 'name a at port 1\n'), more)
      socket.once('data', more)
    })
    await expect(listNames({ port })).rejects.toMatchObject({ code: 'ERR_EPMD_PROTOCOL' })
  })

  test("fail with the signal's own reason when they are aborted, before or meanwhile", async () => {
    const reason = new Error('enough')
    const controller = new AbortController()
    const port = await fake(() => controller.abort(reason))
    await expect(lookup('a', { port, signal: controller.signal })).rejects.toBe(reason)
    await expect(lookup('a', { port, signal: controller.signal })).rejects.toBe(reason)
  })

  test('try every address of a host', async () => {
    // A second server on ::1 alone: `localhost` has both addresses on most machines, one of them always refuses.
    await using six = new EpmdServer({ port: 0, address: [] })
    await six.listen()
    expect(await listNames({ host: 'localhost', port: six.port })).toEqual([])
    const only4 = await answering(encodeNamesReply({ epmdPort: 1, names: [] }))
    expect(await listNames({ host: 'localhost', port: only4 })).toEqual([])
  })
})

describe('the environment', () => {
  test('gives port, addresses and leniency as to OTP', () => {
    expect(epmdEnvironment({})).toEqual({ port: 4369, address: undefined, relaxed: false })
    const all = {
      ERL_EPMD_PORT: '5000',
      ERL_EPMD_ADDRESS: '10.0.0.1,fd00::1 10.0.0.2',
      ERL_EPMD_RELAXED_COMMAND_CHECK: '',
    }
    expect(epmdEnvironment(all)).toEqual({ port: 5000, address: ['10.0.0.1', 'fd00::1', '10.0.0.2'], relaxed: true })
  })

  test('is refused by the name of the variable at fault', () => {
    expect(() => epmdEnvironment({ ERL_EPMD_PORT: '70000' })).toThrow(/^ERL_EPMD_PORT: /)
    expect(() => epmdEnvironment({ ERL_EPMD_ADDRESS: 'altair' })).toThrow(OptionError)
  })
})
