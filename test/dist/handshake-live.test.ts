import { hostname } from 'node:os'
import { afterEach, expect, it, vi } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { silentLogger } from '../../src/base/logger.ts'
import type { Carrier } from '../../src/dist/carrier.ts'
import type { ConnectError } from '../../src/dist/connect-error.ts'
import { DFLAG, MANDATORY_25, MANDATORY_26, ourFlags } from '../../src/dist/flags.ts'
import type { AcceptConfig, DialConfig } from '../../src/dist/handshake-state.ts'
import { Listener } from '../../src/dist/listener.ts'
import { type Established, Setup } from '../../src/dist/setup.ts'
import { dialTcp, listenTcp } from '../../src/dist/tcp.ts'
import { type OtpNode, startEpmd, startErl } from '../support/otp.ts'
import { describeOtp } from '../support/releases.ts'
import { lookupRaw, registerRaw, untilListening } from './raw-epmd.ts'

const COOKIE = 'secret'
const US = { name: 'ts@127.0.0.1', creation: 4711 }

const cleanup: (() => unknown)[] = []
afterEach(async () => {
  for (const task of cleanup.splice(0).reverse()) await task()
})

async function epmd(): Promise<number> {
  const daemon = await startEpmd()
  cleanup.push(() => daemon[Symbol.asyncDispose]())
  await untilListening(daemon.port)
  return daemon.port
}

async function erl(...options: Parameters<typeof startErl>): Promise<OtpNode> {
  const node = await startErl(...options)
  cleanup.push(() => node[Symbol.asyncDispose]())
  return node
}

/** Dials a real node; the connection then lies idle. */
async function dial(port: number, peerName: string, more: Partial<DialConfig> = {}, host = '127.0.0.1') {
  const carrier = await dialTcp({ host, port, node: peerName })
  cleanup.push(() => carrier.destroy())
  const config = { role: 'dialler', own: US, peerName, flags: ourFlags(), cookieFor: () => COOKIE } as const
  const setup = new Setup({ carrier, clock: systemClock, handshake: { ...config, ...more } })
  return { result: idle(setup.result), carrier }
}

/** Opens what was established, as a link would, so that its end is noticed. */
async function idle(result: Promise<Established>): Promise<Established & { closed: Promise<void> }> {
  const established = await result
  const closed = new Promise<void>((resolve) => {
    established.carrier.open({ data() {}, drain() {}, closed: () => resolve() })
  })
  return { ...established, closed }
}

/** Waits until a node's view has caught up: it counts a link some moments after its last message of the handshake. */
async function sees(node: OtpNode, expression: string, value: string): Promise<void> {
  await vi.waitFor(async () => expect(await node.eval(expression)).toBe(value), { timeout: 10_000 })
}

/** A listener of ours, registered with the real EPMD under `alive`. */
async function serve(epmdPort: number, more: Partial<AcceptConfig> = {}, alive = 'ts', host = '127.0.0.1') {
  let established!: (one: Established) => void
  let failed!: (error: ConnectError) => void
  const accepted = new Promise<Established>((resolve) => {
    established = resolve
  })
  const failure = new Promise<ConnectError>((resolve) => {
    failed = resolve
  })
  const replaced: string[] = []
  const base: AcceptConfig = {
    role: 'acceptor',
    own: US,
    flags: ourFlags(),
    cookieFor: () => COOKIE,
    decide: () => 'ok',
  }
  const listener = new Listener({
    handshake: { ...base, ...more },
    clock: systemClock,
    logger: silentLogger,
    onEstablished: established,
    onFailed: ({ error }) => failed(error),
    onReplace: (name) => replaced.push(name),
  })
  const carriers: Carrier[] = []
  const tcp = await listenTcp({
    host,
    onCarrier: (carrier) => {
      carriers.push(carrier)
      listener.accept(carrier)
    },
  })
  const registration = await registerRaw(epmdPort, alive, tcp.port)
  cleanup.push(() => {
    registration.destroy()
    listener.close()
    for (const carrier of carriers) carrier.destroy()
    return tcp.close()
  })
  return { accepted: idle(accepted), failure, replaced, carriers }
}

describeOtp('the handshake with a real node', (release) => {
  it('announces what that release announces', async () => {
    const epmdPort = await epmd()
    const newer = (release.otp >= '28' ? 0n : DFLAG.ALTACT_SIG) | (release.otp >= '29' ? 0n : DFLAG.NATIVE_RECORDS)
    for (const hidden of [false, true]) {
      const alive = `a${hidden}`
      const node = await erl({ release, name: `${alive}@127.0.0.1`, epmdPort, hidden })
      const { result } = await dial(await lookupRaw(epmdPort, alive), node.name)
      const { peerFlags, carrier } = await result
      expect(peerFlags).toBe(ourFlags({ hidden, without: newer }))
      carrier.destroy()
      const own = { name: `ts-${alive}@127.0.0.1`, creation: 4711 }
      const { accepted } = await serve(epmdPort, { own }, `ts-${alive}`)
      await node.eval(`net_kernel:connect_node('${own.name}')`)
      expect((await accepted).peerFlags).toBe(ourFlags({ hidden, without: newer }))
    }
  })

  it('succeeds when we dial it', async () => {
    const epmdPort = await epmd()
    const node = await erl({ release, name: 'a@127.0.0.1', epmdPort })
    const { result } = await dial(await lookupRaw(epmdPort, 'a'), node.name)
    const established = await result
    expect(established).toMatchObject({ peerName: node.name, hidden: false, ownName: US.name })
    expect(established.peerCreation).toBe(Number(await node.eval('erts_internal:get_creation()')))
    await sees(node, '{nodes(), nodes(hidden)}', "{[],['ts@127.0.0.1']}")
  })

  it('succeeds when it dials us, and makes us visible when we are', async () => {
    const epmdPort = await epmd()
    const { accepted } = await serve(epmdPort, { flags: ourFlags({ hidden: false }) })
    const node = await erl({ release, name: 'a@127.0.0.1', epmdPort, args: ['-connect_all', 'false'] })
    expect(await node.eval(`net_kernel:connect_node('${US.name}')`)).toBe('true')
    expect(await accepted).toMatchObject({ role: 'acceptor', peerName: node.name, hidden: false })
    await sees(node, 'nodes()', "['ts@127.0.0.1']")
  })

  it('knows a hidden node when it meets one', async () => {
    const epmdPort = await epmd()
    const { accepted } = await serve(epmdPort)
    const node = await erl({ release, name: 'a@127.0.0.1', epmdPort, hidden: true })
    expect(await node.eval(`net_kernel:connect_node('${US.name}')`)).toBe('true')
    expect(await accepted).toMatchObject({ hidden: true })
  })

  it('says that the cookie is wrong when we dial it', async () => {
    const epmdPort = await epmd()
    const node = await erl({ release, name: 'a@127.0.0.1', epmdPort, cookie: 'another' })
    const { result } = await dial(await lookupRaw(epmdPort, 'a'), node.name)
    await expect(result).rejects.toMatchObject({ code: 'ERR_CONNECT_COOKIE', node: node.name, permanent: true })
    await node.waitForOutput(/Invalid challenge reply/)
  })

  it('says that the cookie is wrong when it dials us', async () => {
    const epmdPort = await epmd()
    const { failure } = await serve(epmdPort)
    const node = await erl({ release, name: 'a@127.0.0.1', epmdPort, cookie: 'another' })
    expect(await node.eval(`net_kernel:connect_node('${US.name}')`)).toBe('false')
    expect(await failure).toMatchObject({ code: 'ERR_CONNECT_COOKIE', node: node.name })
  })

  it('uses a cookie of its own per node, as set_cookie/2 does', async () => {
    const epmdPort = await epmd()
    const cookieFor = (name: string) => (name === 'a@127.0.0.1' ? 'only-for-a' : 'not-this')
    const { accepted } = await serve(epmdPort, { cookieFor })
    const node = await erl({ release, name: 'a@127.0.0.1', epmdPort })
    await node.eval(`erlang:set_cookie('${US.name}', 'only-for-a')`)
    expect(await node.eval(`net_kernel:connect_node('${US.name}')`)).toBe('true')
    expect(await accepted).toMatchObject({ peerName: node.name })
  })

  it('is not allowed, and says where to look', async () => {
    const epmdPort = await epmd()
    const node = await erl({ release, name: 'a@127.0.0.1', epmdPort })
    await node.eval("net_kernel:allow(['nobody@127.0.0.1'])")
    const { result } = await dial(await lookupRaw(epmdPort, 'a'), node.name)
    await expect(result).rejects.toMatchObject({ code: 'ERR_CONNECT_NOT_ALLOWED', permanent: true })
    await node.waitForOutput(/disallowed node/)
  })

  it('lacks mandatory capabilities, which only its log can name', async () => {
    const epmdPort = await epmd()
    const node = await erl({ release, name: 'a@127.0.0.1', epmdPort })
    const lacking = MANDATORY_26 & ~DFLAG.MAP_TAG
    const { result } = await dial(await lookupRaw(epmdPort, 'a'), node.name, { flags: lacking })
    await expect(result).rejects.toMatchObject({ code: 'ERR_CONNECT_NOT_ALLOWED' })
    await node.waitForOutput(/MAP_TAG/)
  })

  it('succeeds with the mandatory capabilities alone, or their digest', async () => {
    const epmdPort = await epmd()
    const node = await erl({ release, name: 'a@127.0.0.1', epmdPort })
    const least = release.otp === '25' ? MANDATORY_25 : MANDATORY_26
    const digest = DFLAG.MANDATORY_25_DIGEST | (least & ~MANDATORY_25)
    for (const flags of [least, digest]) {
      const { result } = await dial(await lookupRaw(epmdPort, 'a'), node.name, { flags })
      expect((await result).flags).toBe(flags & (least | DFLAG.MANDATORY_25_DIGEST))
    }
  })

  it('tells the real name of a node that was dialled as another', async () => {
    const epmdPort = await epmd()
    const node = await erl({ release, name: 'a@127.0.0.1', epmdPort })
    const { result } = await dial(await lookupRaw(epmdPort, 'a'), 'a@127.0.0.2')
    await expect(result).rejects.toMatchObject({ code: 'ERR_CONNECT_NAME', node: 'a@127.0.0.2' })
    await expect(result).rejects.toThrow(node.name)
  })

  it('says what it may be when a node dialled us as another', async () => {
    const epmdPort = await epmd()
    const { failure } = await serve(epmdPort, {}, 'alias')
    const node = await erl({ release, name: 'a@127.0.0.1', epmdPort })
    expect(await node.eval("net_kernel:connect_node('alias@127.0.0.1')")).toBe('false')
    expect(await failure).toMatchObject({ code: 'ERR_CONNECT_CLOSED', node: node.name })
    expect((await failure).reason).toContain('something else than ts@127.0.0.1')
  })

  it('replaces a link it still holds, and ends the old one', async () => {
    const epmdPort = await epmd()
    const node = await erl({ release, name: 'a@127.0.0.1', epmdPort })
    const port = await lookupRaw(epmdPort, 'a')
    const first = await (await dial(port, node.name)).result
    const second = await (await dial(port, node.name, { own: { ...US, creation: 4712 } })).result
    await first.closed
    expect(second.peerName).toBe(node.name)
    await sees(node, 'nodes(hidden)', "['ts@127.0.0.1']")
  })

  it('is told that we still hold a link, and replaces it', async () => {
    const epmdPort = await epmd()
    const { accepted, replaced } = await serve(epmdPort, { decide: () => 'alive' })
    const node = await erl({ release, name: 'a@127.0.0.1', epmdPort })
    expect(await node.eval(`net_kernel:connect_node('${US.name}')`)).toBe('true')
    expect((await accepted).peerName).toBe(node.name)
    expect(replaced).toEqual([node.name])
  })

  it('gives way when both dial at once and we go first', async () => {
    const epmdPort = await epmd()
    const node = await erl({ release, name: 'a@127.0.0.1', epmdPort })
    let ours!: ReturnType<typeof dial>
    const port = await lookupRaw(epmdPort, 'a')
    const decide = () => {
      ours = dial(port, node.name)
      return 'nok' as const
    }
    const { failure } = await serve(epmdPort, { decide })
    expect(await node.eval(`net_kernel:connect_node('${US.name}')`)).toBe('true')
    expect(await failure).toMatchObject({ code: 'ERR_CONNECT_SIMULTANEOUS', node: node.name })
    expect((await (await ours).result).peerName).toBe(node.name)
  })

  it('goes first when both dial at once and its name is greater', async () => {
    const epmdPort = await epmd()
    const node = await erl({ release, name: 'z@127.0.0.1', epmdPort })
    const port = await lookupRaw(epmdPort, 'z')
    let asked!: () => void
    const incoming = new Promise<void>((resolve) => {
      asked = resolve
    })
    const decide = () => {
      // Its dial stands still at our challenge until it has answered ours.
      server.carriers[0]?.pause()
      asked()
      return 'ok_simultaneous' as const
    }
    const server = await serve(epmdPort, { decide })
    const connecting = node.eval(`net_kernel:connect_node('${US.name}')`)
    await incoming
    const ours = await dial(port, node.name)
    await expect(ours.result).rejects.toMatchObject({ code: 'ERR_CONNECT_SIMULTANEOUS', node: node.name })
    server.carriers[0]?.resume()
    expect(await connecting).toBe('true')
    expect((await server.accepted).peerName).toBe(node.name)
  })

  it('gives us a name when we have none', async () => {
    const epmdPort = await epmd()
    const node = await erl({ release, name: 'a@127.0.0.1', epmdPort })
    const { result } = await dial(await lookupRaw(epmdPort, 'a'), node.name, { own: { host: '127.0.0.1' } })
    const { ownName, ownCreation } = await result
    expect(ownName).toMatch(/^[0-9A-Z]+@127\.0\.0\.1$/)
    expect(ownCreation).toBeGreaterThan(3)
    await sees(node, 'nodes(hidden)', `['${ownName}']`)
  })

  it('gets a name from us when it has none', async () => {
    const epmdPort = await epmd()
    const own = { name: `ts@${hostname().split('.')[0]}`, creation: 4711 }
    const nameFor = (host: string) => ({ name: `given@${host}`, creation: 12345 })
    const { accepted } = await serve(epmdPort, { own, nameFor })
    const node = await erl({ release, sname: 'undefined', epmdPort })
    expect(await node.eval(`net_kernel:connect_node('${own.name}')`)).toBe('true')
    // What a node without a name takes for its host is its own affair: this machine's name, or localhost.
    const { peerName, peerCreation, hidden } = await accepted
    expect({ peerName, peerCreation, hidden }).toEqual({
      peerName: expect.stringMatching(/^given@[^.@]+$/),
      peerCreation: 12345,
      hidden: true,
    })
    expect(await node.eval('{node(), erts_internal:get_creation()}')).toBe(`{${peerName},12345}`)
  })

  // 25.0 to 25.2 close on the old message; 25.3 took it up again.
  if (release.otp !== '25') {
    it('understands version 5 with a complement', async () => {
      const epmdPort = await epmd()
      const node = await erl({ release, name: 'a@127.0.0.1', epmdPort })
      const { result } = await dial(await lookupRaw(epmdPort, 'a'), node.name, { version: 5 })
      const { peerCreation, flags } = await result
      expect(flags & (DFLAG.SPAWN | DFLAG.ALIAS)).toBe(DFLAG.SPAWN | DFLAG.ALIAS)
      expect(peerCreation).toBe(Number(await node.eval('erts_internal:get_creation()')))
      await sees(node, 'nodes(hidden)', "['ts@127.0.0.1']")
    })
  }

  it('works over IPv6, both ways', async () => {
    const epmdPort = await epmd()
    const own = { name: 'ts@::1', creation: 4711 }
    const { accepted } = await serve(epmdPort, { own }, 'ts', '::1')
    const node = await erl({ release, name: 'a@::1', epmdPort, args: ['-proto_dist', 'inet6_tcp'] })
    expect(await node.eval("net_kernel:connect_node('ts@::1')")).toBe('true')
    expect((await accepted).carrier.remoteAddress).toBe('::1')
    const port = await lookupRaw(epmdPort, 'a')
    const { result } = await dial(port, node.name, { own: { name: 'other@::1', creation: 5 } }, '::1')
    expect(await result).toMatchObject({ peerName: 'a@::1' })
    await sees(node, 'lists:sort(nodes(hidden))', "['other@::1','ts@::1']")
  })
})
