import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, it } from 'vitest'
import { startNode } from '../../src/tsunagi.ts'
import { Authority } from '../support/certificates.ts'

const AT_ONCE = 1000
/** The beginning of a ClientHello: a record of 512 bytes, of which nothing more comes. */
const HALF_A_HELLO = Buffer.from('1603010200010001fc0303', 'hex')
const GARBAGE = Buffer.from('00144e0000000d07df7fbd00000001000a6576696c40686f7374', 'hex')

/** Bytes that are in use, on the heap and beside it. */
function used(): number {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

it('10,000 half-open TLS handshakes, and garbage, cost little memory and no link', async () => {
  using authority = new Authority()
  const tls = { ...authority.issue(), ca: authority.ca }
  // Text alone: errors would be most of the memory.
  const told: string[] = []
  let warnings = 0
  const tell = (data: object, message: string): void => void told.push(`${message} ${JSON.stringify(data)}`)
  const warn = (data: object, message: string): void => {
    warnings++
    tell(data, message)
  }
  const logger = { debug: tell, info: tell, warn, error: warn }
  const shared = { cookie: 'a cookie nobody sees', epmd: false, logger, mesh: false, tls } as const
  // From one address that may fail as often as it likes: what is looked at here is the bound on those under way.
  const limits = { failedHandshakes: 1_000_000_000 }
  await using server = await startNode({ name: 'server@127.0.0.1', limits, ...shared })
  await using friend = await startNode({ name: 'friend@127.0.0.1', listen: false, ...shared })
  const { port } = server.listening as { port: number }
  await friend.connect(`server@127.0.0.1:${port}`)
  const lost: unknown[] = []
  server.on('nodedown', (...args) => lost.push(args))
  const flood = async (bytes: Buffer, connections: number): Promise<void> => {
    for (let done = 0; done < connections; done += AT_ONCE) {
      const sockets: Socket[] = []
      for (let i = 0; i < AT_ONCE; i++) {
        const socket = connect(port, '127.0.0.1')
        socket.on('error', () => {})
        socket.write(bytes)
        sockets.push(socket)
      }
      // Those that are not ended to make room for others are given up here.
      await Promise.all(
        sockets.map(
          async (socket) => socket.connecting && (await Promise.race([once(socket, 'connect'), once(socket, 'close')])),
        ),
      )
      expect(await friend.ping('server@127.0.0.1')).toBe('pong')
      for (const socket of sockets) socket.destroy()
    }
  }
  await flood(HALF_A_HELLO, AT_ONCE)
  const before = used()
  await flood(HALF_A_HELLO, 10_000)
  await flood(GARBAGE, 2000)
  expect(used() - before).toBeLessThan(16 * 1024 * 1024)
  expect(lost).toEqual([])
  // Who means it comes through.
  const late = connectTls({ port, host: '127.0.0.1', ca: authority.ca, cert: tls.cert, key: tls.key })
  await once(late, 'secureConnect')
  late.destroy()
  expect(told.join()).not.toContain('a cookie nobody sees')
  expect(told.join()).not.toContain('PRIVATE KEY')
  expect(warnings).toBeLessThan(20)
}, 120_000)
