import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { describe, expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { defaultLimits } from '../../src/base/limits.ts'
import { silentLogger } from '../../src/base/logger.ts'
import { type Check, type Diagnosis, diagnose } from '../../src/cluster/index.ts'
import type { Carrier } from '../../src/dist/carrier.ts'
import { DFLAG, MANDATORY_25, ourFlags } from '../../src/dist/flags.ts'
import type { AcceptConfig } from '../../src/dist/handshake-state.ts'
import { Listener } from '../../src/dist/listener.ts'
import { listenTcp } from '../../src/dist/tcp.ts'
import { Cluster } from '../node/cluster.ts'

const ample = { timeout: 60_000 }

const failed = ({ checks }: Diagnosis): Check | undefined => checks.find(({ status }) => status === 'failed')

/** The tag of the message that proves the acceptor's cookie. */
const CHALLENGE_ACK = 97

/** A peer that answers handshakes as it is told, at a port of its own. */
class OddPeer implements AsyncDisposable {
  readonly #close: () => Promise<void>
  /** With its port. */
  readonly name: string

  private constructor(port: number, close: () => Promise<void>) {
    this.name = `odd@127.0.0.1:${port}`
    this.#close = close
  }

  /** @param change what it makes of its messages */
  static async listen(more: Partial<AcceptConfig>, change = (frame: Uint8Array) => frame): Promise<OddPeer> {
    const handshake: AcceptConfig = {
      role: 'acceptor',
      own: { name: 'odd@127.0.0.1', creation: 7 },
      flags: ourFlags(),
      cookieFor: () => 'c',
      decide: () => 'ok',
      ...more,
    }
    const listener = new Listener({
      handshake,
      clock: systemClock,
      logger: silentLogger,
      setupTimeout: 7000,
      limits: defaultLimits,
      onEstablished: ({ carrier }) => carrier.destroy(),
      onReplace() {},
    })
    const onCarrier = (carrier: Carrier): void => {
      const write = carrier.write.bind(carrier)
      listener.accept(Object.assign(carrier, { write: (frame: Uint8Array) => write(change(frame)) }))
    }
    const tcp = await listenTcp({ host: '127.0.0.1', port: 0, onCarrier })
    return new OddPeer(tcp.port, async () => {
      listener.close()
      await tcp.close()
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close()
  }
}

/** Something else that has a port. */
async function program(serve: (socket: Socket) => void): Promise<Server & { readonly at: string }> {
  const server = createServer((socket) => serve(socket.on('error', () => {})))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return Object.assign(server, { at: `web@127.0.0.1:${(server.address() as AddressInfo).port}` })
}

describe('diagnose', () => {
  it('finds nothing wrong with a node of this package, also when there is a link already', async () => {
    await using cluster = await Cluster.create()
    const [a, b] = [await cluster.start('a'), await cluster.start('b')]
    for (let time = 0; time < 2; time++) {
      const { node, healthy, checks } = await diagnose(a, b.name, ample)
      expect({ node, healthy }).toEqual({ node: b.name, healthy: true })
      expect(checks.map(({ status }) => status)).toEqual([...new Array(13).fill('ok'), 'skipped'])
      expect(a.nodes()).toEqual([b.name])
    }
  })

  it('tells an unknown host, and itself', async () => {
    await using cluster = await Cluster.create()
    const a = await cluster.start('a')
    const unknown = await diagnose(a, 'b@no-such-host.invalid', ample)
    expect(unknown.checks.find(({ status }) => status === 'failed')).toMatchObject({
      step: 'host',
      code: 'ERR_CONNECT_HOST',
    })
    const self = await diagnose(a, a.name, ample)
    expect(self.checks[0]).toMatchObject({ step: 'names', status: 'failed', code: 'ERR_CONNECT_SELF' })
    expect(self.checks[1]).toMatchObject({ status: 'skipped', message: 'not looked at, because of: names' })
  })

  it('tells that this side does not allow the other', async () => {
    await using cluster = await Cluster.create()
    const [a, b] = [await cluster.start('a', { allow: ['c@127.0.0.1'] }), await cluster.start('b')]
    const { checks } = await diagnose(a, b.name, ample)
    const check = checks.find(({ status }) => status === 'failed')
    expect(check).toMatchObject({ step: 'allowed', code: 'ERR_CONNECT_NOT_ALLOWED' })
    expect(check?.message).toContain('among the nodes this one may connect to')
  })

  it.each<[string, Partial<AcceptConfig>, string, string, string]>([
    ['allows nobody', { decide: () => 'not_allowed' }, 'allowed', 'ERR_CONNECT_NOT_ALLOWED', 'upgrade this package'],
    [
      'lacks what came with OTP 25',
      { flags: ourFlags({ without: MANDATORY_25 | DFLAG.MANDATORY_25_DIGEST }), required: 0n },
      'flags',
      'ERR_CONNECT_FLAGS',
      'OTP 25',
    ],
    ['goes first in vain', { decide: () => 'nok' }, 'protocol', 'ERR_CONNECT_SIMULTANEOUS', 'reach the port of this'],
    ['is another', { own: { name: 'even@127.0.0.1', creation: 7 } }, 'name', 'ERR_CONNECT_NAME', 'calls itself'],
  ])('tells a peer that %s', async (_, more, step, code, advice) => {
    await using cluster = await Cluster.create()
    await using peer = await OddPeer.listen(more)
    const a = await cluster.start('a', { setupTimeout: 500 })
    const check = failed(await diagnose(a, peer.name, ample))
    expect(check).toMatchObject({ step, code, advice: expect.stringContaining(advice) })
  })

  it('tells a peer that takes our cookie and proves another one itself, which no BEAM does', async () => {
    await using cluster = await Cluster.create()
    const otherDigest = (frame: Uint8Array): Uint8Array =>
      frame[2] === CHALLENGE_ACK ? Buffer.concat([frame.subarray(0, 3), Buffer.alloc(16)]) : frame
    await using peer = await OddPeer.listen({}, otherDigest)
    const check = failed(await diagnose(await cluster.start('a'), peer.name, ample))
    expect(check).toMatchObject({ step: 'cookie', code: 'ERR_CONNECT_COOKIE' })
    expect(check?.message).toContain('proved another one itself')
  })

  it('tells a link that comes up and goes down again, as when `global` of another node cuts it', async () => {
    await using cluster = await Cluster.create()
    await using peer = await OddPeer.listen({})
    const check = failed(await diagnose(await cluster.start('a'), peer.name, ample))
    expect(check).toMatchObject({ step: 'answers', message: expect.stringContaining('connection_closed') })
    expect(check?.advice).toContain('in order to prevent overlapping partitions')
  })

  it('tells to whom the EPMD of this machine talks, with a warning when others reach it without need', async () => {
    await using cluster = await Cluster.create()
    const [a, b] = [await cluster.start('a'), await cluster.start('b')]
    const about = async (): Promise<Check | undefined> =>
      (await diagnose(a, b.name, ample)).checks.find(({ step }) => step === 'exposure')
    const inside = process.platform === 'linux' ? 'this machine only' : 'whoever reaches it'
    const message = `the link does not leave this machine; the EPMD here (port ${cluster.epmdPort}) tells ${inside}: a, b`
    expect(await about()).toEqual({ step: 'exposure', status: 'ok', message })
    await using open = await Cluster.create()
    const c = await open.start('c', { epmd: { port: open.epmdPort, address: '0.0.0.0' } })
    const { checks, healthy } = await diagnose(c, `${b.name}:${b.listening?.port}`, ample)
    const check = checks.find(({ step }) => step === 'exposure')
    expect(healthy).toBe(true)
    if (process.platform === 'linux') {
      expect(check).toMatchObject({ status: 'warning', advice: expect.stringContaining('ERL_EPMD_ADDRESS=127.0.0.1') })
      expect(check?.message).toContain('tells other machines, too: c')
    } else {
      expect(check).toMatchObject({ status: 'ok' })
    }
  })

  it.each<[string, (socket: Socket) => void, string, string]>([
    ['HTTP', (socket) => void socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'), 'ERR_CONNECT_PROTOCOL', 'HTTP'],
    ['SSH', (socket) => void socket.write('SSH-2.0-OpenSSH_9.9\r\n'), 'ERR_CONNECT_PROTOCOL', 'SSH'],
    ['nothing', () => {}, 'ERR_CONNECT_TIMEOUT', 'did not send its status within 500 ms'],
    ['not a word before it closes', (socket) => void socket.end(), 'ERR_CONNECT_CLOSED', 'closed the connection'],
  ])('tells a port that says %s', async (_, serve, code, message) => {
    await using cluster = await Cluster.create()
    const server = await program(serve)
    const check = failed(await diagnose(await cluster.start('a', { setupTimeout: 500 }), server.at, ample))
    expect(check).toMatchObject({ step: 'protocol', code, message: expect.stringContaining(message) })
    expect(check?.advice).toMatch(/\.$/)
    server.close()
  })

  it('tells an EPMD that says nothing, and what is no EPMD', async () => {
    await using cluster = await Cluster.create()
    for (const [serve, advice] of [
      [(socket: Socket) => void socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'), 'Something else has port'],
      [() => {}, 'A firewall drops'],
    ] as const) {
      const server = await program(serve)
      const { port } = server.address() as AddressInfo
      const a = await cluster.start('a', { listen: false, epmd: { port, serve: false } })
      const check = failed(await diagnose(a, 'b@127.0.0.1', ample))
      expect(check).toMatchObject({ step: 'epmd', code: 'ERR_CONNECT_EPMD', advice: expect.stringContaining(advice) })
      server.close()
    }
  })

  it('ends with the signal or the time, and refuses what it cannot use', async () => {
    await using cluster = await Cluster.create()
    const a = await cluster.start('a')
    // It accepts connections and says nothing.
    const silent = createServer((socket) => socket.on('error', () => {}))
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    const name = `b@127.0.0.1:${(silent.address() as { port: number }).port}`
    await expect(diagnose(a, name, { timeout: 50 })).rejects.toMatchObject({ code: 'ERR_TIMEOUT' })
    const controller = new AbortController()
    const diagnosis = diagnose(a, name, { ...ample, signal: controller.signal })
    controller.abort(new Error('enough'))
    await expect(diagnosis).rejects.toThrow('enough')
    silent.close()
    await expect(diagnose(a, 'nohost')).rejects.toMatchObject({ code: 'ERR_INVALID_OPTION' })
    await expect(diagnose({} as never, 'a@b.c')).rejects.toMatchObject({ code: 'ERR_INVALID_OPTION', option: 'node' })
    await a.close()
    await expect(diagnose(a, name, ample)).rejects.toMatchObject({ code: 'ERR_CLOSED' })
  })
})
