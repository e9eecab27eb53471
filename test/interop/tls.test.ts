import { rmSync, symlinkSync } from 'node:fs'
import { dirname } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadConfig } from '../../src/config/index.ts'
import { atom, Pid, type Term, tuple } from '../../src/term/index.ts'
import { lookupRaw, registerRaw } from '../dist/raw-epmd.ts'
import { startCommand } from '../support/child.ts'
import type { OtpNode } from '../support/otp.ts'
import { describeOtp } from '../support/releases.ts'
import { nextEvent, openProcess, Scene, sees, type TestNode } from '../support/scene.ts'
import { TlsAuthority } from './support/tls-authority.ts'
import { TlsRelay } from './support/tls-relay.ts'

const quick = { setupTimeout: 5000, mesh: false, binaries: 'bytes' } as const

describeOtp('TLS', (release) => {
  let authority: TlsAuthority
  beforeAll(() => {
    authority = new TlsAuthority(release)
  })
  afterAll(() => authority?.[Symbol.dispose]())

  describe.each(['1.2', '1.3'])('version %s', (version) => {
    const versions = `{versions,['tlsv${version}']}`

    it.each(['we dial', 'it dials'])('connects a real node, mutually verified, where %s', async (who) => {
      await using scene = await Scene.open(release)
      const erl = await scene.erl({ args: authority.args({ server: [versions], client: [versions] }) })
      const node = await scene.node({ ...quick, tls: authority.options() })
      const up = nextEvent(node, 'nodeup', erl.name)
      if (who === 'we dial') await node.connect(erl.name)
      else expect(await erl.eval(`net_kernel:connect_node('${node.name}')`)).toBe('true')
      await up
      const [link] = node.links()
      expect(link?.tls).toMatchObject({ protocol: `TLSv${version}`, verified: true, peer: { subject: 'CN=node' } })
      expect(await node.ping(erl.name)).toBe('pong')
      expect(await erl.eval(`net_adm:ping('${node.name}')`)).toBe('pong')
      const self = await openProcess(node, { name: 'inbox' })
      await erl.eval(`{inbox, '${node.name}'} ! {big, binary:copy(<<255>>, 3000000)}`)
      const got = (await self.receive()) as unknown as [unknown, Uint8Array]
      expect(got[1].length).toBe(3_000_000)
      await erl.eval('register(echo, spawn(fun E() -> receive {P, M} -> P ! M, E() end end))')
      const bytes = Buffer.alloc(5_000_000, 7)
      self.send({ name: 'echo', node: erl.name }, tuple(self.pid, bytes))
      expect(Buffer.compare((await self.receive()) as Buffer, bytes)).toBe(0)
      expect(await node.rpc(erl.name, 'erlang', 'node')).toBe(atom(erl.name))
      const down = nextEvent(node, 'nodedown', erl.name)
      await erl.eval(`erlang:disconnect_node('${node.name}')`)
      expect((await down)[1].reason).toBe('connection_closed')
      await sees(erl, 'nodes(connected)', '[]')
    })
  })

  it.each([
    ['1.2', 'negotiated anew', '{renegotiate_at,1000}', 'we dial'],
    ['1.2', 'negotiated anew', '{renegotiate_at,1000}', 'it dials'],
    ['1.3', 'updated', '{key_update_at,200000}', 'we dial'],
    ['1.3', 'updated', '{key_update_at,200000}', 'it dials'],
  ])('lasts while keys change under load: of TLS %s they are %s (%s); where %s', async (version, _, often, who) => {
    await using scene = await Scene.open(release)
    const terms = [`{versions,['tlsv${version}']}`, often]
    const erl = await scene.erl({ args: authority.args({ server: terms, client: terms }) })
    const weDial = who === 'we dial'
    const node = await scene.node({ ...quick, tls: authority.options(), ...(weDial ? {} : { epmd: false }) })
    const port = weDial ? await lookupRaw(scene.epmdPort, aliveOf(erl.name)) : (node.listening?.port as number)
    const relay = scene.own(await TlsRelay.open(port))
    const up = nextEvent(node, 'nodeup', erl.name)
    if (weDial) await node.connect(`${erl.name}:${relay.port}`)
    else {
      const registered = await registerRaw(scene.epmdPort, aliveOf(node.name), relay.port)
      expect(await erl.eval(`net_kernel:connect_node('${node.name}')`)).toBe('true')
      registered.destroy()
    }
    await up
    const before = relay.handshakes
    await echoes(node, erl, 400, 50_000)
    expect(node.links()).toHaveLength(1)
    if (version === '1.2') expect(relay.handshakes).toBeGreaterThan(before)
    else expect(relay.keyUpdates).toBeGreaterThan(20)
    await node.disconnect(erl.name)
  })

  it('carries calls, links, monitors and big messages among small ones', async () => {
    await using scene = await Scene.open(release)
    const erl = await scene.erl({ args: authority.args() })
    const node = await scene.node({ ...quick, tls: authority.options(), connectTo: erl.name })
    await node.ready({ nodes: 1, timeout: 20_000 })
    const self = await openProcess(node)
    self.trapExit = true
    const spawn = 'spawn(fun F() -> receive {die, R} -> exit(R); {P, M} -> P ! {erlang:crc32(M), M}, F() end end)'
    await erl.eval(`register(target, ${spawn})`)
    const target = (await node.rpc(erl.name, 'erlang', 'whereis', [atom('target')])) as Pid
    expect(target).toBeInstanceOf(Pid)
    const reference = self.monitor(target)
    self.link(target)
    for (let i = 0; i < 50; i++) {
      const size = i % 10 === 0 ? 2_000_000 : 100 * i
      self.send(target, tuple(self.pid, Buffer.alloc(size, i)))
    }
    for (let i = 0; i < 50; i++) {
      const [, bytes] = (await self.receive()) as unknown as [number, Uint8Array]
      expect([bytes.length, bytes.every((byte) => byte === i)]).toEqual([i % 10 === 0 ? 2_000_000 : 100 * i, true])
    }
    self.send(target, tuple(atom('die'), atom('done')))
    const [one, two] = [(await self.receive()) as unknown as Term[], (await self.receive()) as unknown as Term[]]
    const [down, exit] = one[0] === atom('DOWN') ? [one, two] : [two, one]
    expect([...down]).toEqual([atom('DOWN'), reference, atom('process'), target, atom('done')])
    expect([...exit]).toEqual([atom('EXIT'), target, atom('done')])
  })

  it('is set up on both sides by one and the same option file, also of the command', async () => {
    await using scene = await Scene.open(release)
    const args = authority.args()
    const file = args.at(-1) as string
    // A real node of another root directory has the paths of that.
    const link = release.root === undefined ? undefined : dirname(file)
    if (link !== undefined) symlinkSync(authority.directory, link)
    using _ = { [Symbol.dispose]: () => link !== undefined && rmSync(link) }
    const erl = await scene.erl({ args })
    const { options, ignored } = await loadConfig({ env: {}, cwd: authority.directory, sslDistOptfile: file })
    expect(ignored).toEqual([])
    const node = await scene.node({ ...quick, ...options })
    await node.connect(erl.name)
    expect(node.links()[0]?.tls?.verified).toBe(true)
    expect(await erl.eval(`net_adm:ping('${node.name}')`)).toBe('pong')
    const common = ['--cookie', 'secret', '--epmd-port', String(scene.epmdPort), '--ssl-dist-optfile', file]
    for (const command of ['ping', 'doctor']) {
      await using guest = startCommand([command, erl.name, ...common])
      expect(await guest.exited).toMatchObject({ code: 0 })
    }
  })

  it('lets nobody take a name that its certificate does not give it, of whichever kind it is', async () => {
    await using scene = await Scene.open(release)
    const [app, guest] = [scene.name('app'), scene.name('guest')]
    authority.write('app', { names: ['IP:127.0.0.1', 'DNS:127.0.0.1', `URI:erlang://${app}`] })
    authority.write('guest', { names: ['IP:127.0.0.1', 'DNS:127.0.0.1', `URI:erlang://${guest}`] })
    const loader = scene.name('loader')
    authority.write('loader', { names: ['IP:127.0.0.1', 'DNS:127.0.0.1', `URI:erlang://${loader}`] })
    const node = await scene.node({ ...quick, name: loader, tls: authority.options('loader', { requireName: true }) })
    const honest = await scene.erl({ name: app, args: authority.args({}, 'app') })
    expect(await honest.eval(`net_kernel:connect_node('${loader}')`)).toBe('true')
    expect(node.nodes()).toEqual([app])
    const forger = await scene.erl({ name: scene.name('forged'), args: authority.args({}, 'guest') })
    expect(await forger.eval(`net_kernel:connect_node('${loader}')`)).toBe('false')
    expect(node.log.messages('warn').join()).toMatch(
      /has a certificate that does not give it that name.*URI:erlang:\/\/guest/,
    )
    await expect(node.connect(forger.name)).rejects.toMatchObject({ code: 'ERR_CONNECT_TLS_NAME' })
    expect(node.nodes()).toEqual([app])
  })

  it('goes over IPv6 (inet6_tls), either way', async () => {
    await using scene = await Scene.open(release, { address: '::1,127.0.0.1' })
    authority.write('six', { names: ['IP:::1', 'DNS:::1', 'DNS:localhost'] })
    const erl = await scene.erl({ name: scene.name('erl', '::1'), args: authority.args({}, 'six', 'inet6_tls') })
    const node = await scene.node({ ...quick, name: scene.name('ts', '::1'), tls: authority.options('six') })
    await node.connect(erl.name)
    expect(node.links()[0]?.tls?.verified).toBe(true)
    await node.disconnect(erl.name)
    await sees(erl, 'nodes(connected)', '[]')
    expect(await erl.eval(`net_adm:ping('${node.name}')`)).toBe('pong')
  })

  it('takes up new certificates under load, and loses no link and no message', async () => {
    await using scene = await Scene.open(release)
    authority.write('turning', { subject: '/CN=first' })
    const [old, late] = [await scene.erl({ args: authority.args() }), await scene.erl({ args: authority.args() })]
    const node = await scene.node({ ...quick, tls: authority.options('turning') })
    const down = nextEvent(node, 'nodedown', old.name)
    await node.connect(old.name)
    const load = echoes(node, old, 300, 20_000)
    authority.write('turning', { subject: '/CN=second' })
    expect(await node.reloadTls()).toBe(true)
    expect(await late.eval(`net_kernel:connect_node('${node.name}')`)).toBe('true')
    await load
    const shown = async (erl: typeof old) =>
      await erl.eval(`begin {ok, _} = application:ensure_all_started(ssl), length(nodes(connected)) end`)
    expect([await shown(old), await shown(late)]).toEqual(['1', '1'])
    expect(node.certificates()[0]?.subject).toBe('CN=second')
    expect(node.nodes().sort()).toEqual([old.name, late.name].sort())
    await node.disconnect(old.name)
    expect((await down)[1].reason).toBe('disconnect')
  })
})

function aliveOf(name: string): string {
  return name.split('@')[0] as string
}

/** Sends messages to a process of the real node that sends them back, and looks at each. */
async function echoes(node: TestNode, erl: OtpNode, count: number, size: number): Promise<void> {
  const self = await openProcess(node)
  const name = `echo${count}`
  await erl.eval(`register(${name}, spawn(fun E() -> receive {P, M} -> P ! M, E() end end))`)
  const lost = new Promise<never>((_, reject) => {
    node.once('nodedown', (peer, { reason }) => {
      const told = node.log.messages('warn').at(-1)
      reject(new Error(`${peer} is gone: ${reason}; ${told}; ${JSON.stringify(erl.output.slice(-3))}`))
    })
  })
  lost.catch(() => {})
  for (let i = 0; i < count; i++) self.send({ name, node: erl.name }, tuple(self.pid, Buffer.alloc(size, i)))
  for (let i = 0; i < count; i++) {
    const bytes = (await Promise.race([self.receive(), lost])) as Uint8Array
    if (bytes.length !== size || bytes[size - 1] !== i % 256) throw new Error(`message ${i} came back otherwise`)
  }
}
