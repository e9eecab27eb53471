import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { findings } from '../../src/cluster/diagnosis/advice.ts'
import { type Check, type Diagnosis, diagnose, type Step } from '../../src/cluster/index.ts'
import { DFLAG, ourFlags } from '../../src/dist/flags.ts'
import { Setup } from '../../src/dist/setup.ts'
import { dialTcp } from '../../src/dist/tcp.ts'
import { Folder } from '../config/folder.ts'
import { lookupRaw, registerRaw } from '../dist/raw-epmd.ts'
import { startNodeProcess } from '../support/child.ts'
import { freePort } from '../support/otp.ts'
import { describeOtp } from '../support/releases.ts'
import { nextEvent, Scene, sees } from '../support/scene.ts'

const ample = { timeout: 60_000 }

/** The one step that failed; all before it are fine, and none after it was looked at. */
function failed({ healthy, checks }: Diagnosis): Check {
  expect(healthy).toBe(false)
  const at = checks.findIndex(({ status }) => status === 'failed')
  expect(checks.slice(0, at).filter(({ status }) => status === 'failed')).toEqual([])
  expect(checks.slice(at + 1).every(({ status }) => status === 'skipped')).toBe(true)
  const check = checks[at] as Check
  expect(check.advice).toMatch(/\.$/)
  return check
}

const statusOf = ({ checks }: Diagnosis, step: Step) => checks.find((check) => check.step === step)?.status

const fixture = fileURLToPath(new URL('fixtures/node.mjs', import.meta.url))

const portOf = (server: Server): number => (server.address() as AddressInfo).port

async function listen(server: Server): Promise<Server> {
  return await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)))
}

describeOtp('diagnose', (release) => {
  it('finds nothing wrong with a node that can be connected to, by EPMD and by port', async () => {
    await using scene = await Scene.open(release)
    const [erl, node] = [await scene.erl(), await scene.node()]
    const diagnosis = await diagnose(node, erl.name, ample)
    expect(diagnosis.healthy).toBe(true)
    expect(diagnosis.checks.map(({ status }) => status)).toEqual([...new Array(13).fill('ok'), 'skipped'])
    expect(node.nodes()).toEqual([erl.name])
    await node.disconnect(erl.name)
    const [alive] = erl.name.split('@') as [string]
    const port = Number(/\{port,(\d+),/.exec(await erl.eval(`erl_epmd:port_please("${alive}", {127,0,0,1})`))?.[1])
    const direct = await diagnose(node, `${erl.name}:${port}`, ample)
    expect(direct.healthy).toBe(true)
    expect([statusOf(direct, 'epmd'), statusOf(direct, 'cookie')]).toEqual(['skipped', 'ok'])
  })

  it('tells that there is no EPMD, or that it does not know the name', async () => {
    await using scene = await Scene.open(release)
    const erl = await scene.erl()
    const node = await scene.node()
    const absent = scene.name('absent')
    const unknown = failed(await diagnose(node, absent, ample))
    expect(unknown).toMatchObject({ step: 'registered', code: 'ERR_CONNECT_NOT_REGISTERED' })
    expect(unknown.message).toContain(erl.name.split('@')[0])
    await using lonely = await scene.node({ listen: false, epmd: { port: await freePort(), serve: false } })
    expect(failed(await diagnose(lonely, erl.name, ample))).toMatchObject({ step: 'epmd', code: 'ERR_CONNECT_EPMD' })
    await using without = await scene.node({ epmd: false })
    expect(failed(await diagnose(without, erl.name, ample))).toMatchObject({ step: 'epmd' })
  })

  it('tells another cookie, on either side', async () => {
    await using scene = await Scene.open(release)
    const erl = await scene.erl()
    const node = await scene.node({ cookie: 'other', mesh: false })
    expect(failed(await diagnose(node, erl.name, ample))).toMatchObject({ step: 'cookie', code: 'ERR_CONNECT_COOKIE' })
    const same = await scene.node({ mesh: false })
    await erl.eval(`erlang:set_cookie('${same.name}', single)`)
    expect(failed(await diagnose(same, erl.name, ample))).toMatchObject({ step: 'cookie', code: 'ERR_CONNECT_COOKIE' })
  })

  it('tells that the node does not allow it', async () => {
    await using scene = await Scene.open(release)
    const [erl, node] = [await scene.erl(), await scene.node()]
    await erl.eval("net_kernel:allow(['somebody@127.0.0.1'])")
    const check = failed(await diagnose(node, erl.name, ample))
    expect(check).toMatchObject({ step: 'allowed', code: 'ERR_CONNECT_NOT_ALLOWED' })
  })

  it('tells the real name of a node that was dialled by another', async () => {
    await using scene = await Scene.open(release, { address: '127.0.0.1,127.0.0.2' })
    const [erl, node] = [await scene.erl(), await scene.node()]
    const alias = erl.name.replace('@127.0.0.1', '@127.0.0.2')
    const check = failed(await diagnose(node, alias, ample))
    expect(check).toMatchObject({ step: 'name', code: 'ERR_CONNECT_NAME' })
    expect(check.message).toContain(`calls itself ${erl.name}`)
  })

  it('tells long and short names apart', async () => {
    await using scene = await Scene.open(release)
    const erl = await scene.erl({ sname: scene.name('erl', 'localhost') })
    const node = await scene.node()
    const check = failed(await diagnose(node, erl.name, ample))
    expect(check).toMatchObject({ step: 'names', code: 'ERR_CONNECT_SPLIT_NAMES' })
    const short = await scene.node({ sname: scene.name('ts', 'localhost') })
    expect((await diagnose(short, erl.name, ample)).healthy).toBe(true)
    const long = await scene.erl()
    expect(failed(await diagnose(short, long.name, ample)).message).toContain('a short name and')
    // What the advice says of the log is so.
    for (const [from, to, not] of [
      [erl, node, 'NOT '],
      [long, short, ''],
    ] as const) {
      expect(await from.eval(`net_kernel:connect_node('${to.name}')`)).toBe('false')
      await from.waitForOutput(new RegExp(`System ${not}running to use fully qualified hostnames`))
      expect(check.advice).toContain(`running to use fully qualified hostnames`)
    }
  })

  it('tells a node that says it does not allow what lacks capabilities, and that its log says so', async () => {
    await using scene = await Scene.open(release)
    const erl = await scene.erl()
    const port = await lookupRaw(scene.epmdPort, erl.name.split('@')[0] as string)
    const carrier = await dialTcp({ host: '127.0.0.1', port, node: erl.name })
    const own = { name: scene.name('old'), creation: 7 }
    const flags = ourFlags({ without: DFLAG.BIG_CREATION | DFLAG.MANDATORY_25_DIGEST })
    const handshake = { role: 'dialler', own, peerName: erl.name, flags, cookieFor: () => 'secret' } as const
    await expect(new Setup({ carrier, clock: systemClock, handshake }).result).rejects.toMatchObject({
      code: 'ERR_CONNECT_NOT_ALLOWED',
    })
    await erl.waitForOutput(/since it cannot handle/)
    expect(findings.ERR_CONNECT_NOT_ALLOWED?.advice).toContain('since it cannot handle')
  })

  it.each([
    ['goes first', 'zerl', 'nok'],
    ['makes way', 'aerl', 'ok_simultaneous'],
  ])('tells a node that dials this one at the same moment, whose dial %s', async (_, prefix, answer) => {
    await using scene = await Scene.open(release)
    const erl = await scene.erl({ name: scene.name(prefix) })
    const port = await lookupRaw(scene.epmdPort, erl.name.split('@')[0] as string)
    const node = await scene.node({ epmd: false, mesh: false, setupTimeout: 1000 })
    // Where it dials to, nobody ever answers.
    const trap = await listen(createServer((socket) => socket.on('error', () => {})))
    const socket = await registerRaw(scene.epmdPort, node.name.split('@')[0] as string, portOf(trap))
    const dialled = once(trap, 'connection')
    await erl.eval(`spawn(fun() -> net_kernel:connect_node('${node.name}') end)`)
    await dialled
    const diagnosis = await diagnose(node, `${erl.name}:${port}`, ample)
    if (answer === 'nok') {
      expect(failed(diagnosis)).toMatchObject({ step: 'protocol', code: 'ERR_CONNECT_SIMULTANEOUS' })
    } else {
      expect(diagnosis.healthy).toBe(true)
      expect(node.discovery.standing(erl.name).welcome).toBe('ok_simultaneous')
    }
    socket.destroy()
    trap.close()
  })

  it('tells a node that still holds a link to another of the same name, which it takes over', async () => {
    await using scene = await Scene.open(release)
    const erl = await scene.erl()
    const name = scene.name('twin')
    const epmd = { port: scene.epmdPort, serve: false }
    const options = { name, cookie: 'secret', epmd, mesh: false, connectTo: [erl.name] }
    const old = scene.own(startNodeProcess([fixture, JSON.stringify(options)]))
    await old.waitForOutput(/"nodeup"/)
    old.kill('SIGSTOP')
    const node = await scene.node({ name, listen: false, mesh: false })
    const { healthy, checks } = await diagnose(node, erl.name, ample)
    expect(healthy).toBe(true)
    expect(checks.filter(({ status }) => status === 'warning')).toMatchObject([
      { step: 'protocol', message: `${erl.name} still held a link to ${name}, which this one has replaced` },
    ])
    // It is no news the second time.
    const again = await diagnose(node, erl.name, ample)
    expect(again.checks.filter(({ status }) => status === 'warning')).toEqual([])
  })

  it('tells a node whose port is closed, while EPMD still knows it', async () => {
    await using scene = await Scene.open(release)
    const node = await scene.node()
    const erl = await scene.erl()
    const [gone, port] = [scene.name('gone').split('@')[0] as string, await freePort()]
    // Registered by a node that listens elsewhere.
    await erl.eval(`{ok, S} = gen_tcp:connect({127,0,0,1}, ${scene.epmdPort}, [binary, {packet, 2}, {active, false}]),
      gen_tcp:send(S, <<120, ${port}:16, 77, 0, 6:16, 5:16, ${gone.length}:16, "${gone}", 0:16>>), register(keep, spawn(fun() -> receive stop -> S end end)),
      gen_tcp:controlling_process(S, whereis(keep))`)
    await sees(erl, `erl_epmd:port_please("${gone}", {127,0,0,1})`, `{port,${port},6}`)
    const check = failed(await diagnose(node, `${gone}@127.0.0.1`, ample))
    expect(check).toMatchObject({ step: 'port', code: 'ERR_CONNECT_REFUSED' })
  })

  it('tells a node that wants TLS', async () => {
    await using scene = await Scene.open(release)
    const root = release.root ?? ''
    using folder = new Folder({}, root === '' ? tmpdir() : join(root, 'tmp'))
    const [key, cert] = [join(folder.path, 'key.pem'), join(folder.path, 'cert.pem')]
    const subject = ['-subj', '/CN=localhost', '-days', '2', '-nodes', '-newkey', 'rsa:2048']
    execFileSync('openssl', ['req', '-x509', ...subject, '-keyout', key, '-out', cert], { stdio: 'ignore' })
    const seen = (path: string) => path.slice(root.length)
    const tls = ['-ssl_dist_opt', 'server_certfile', seen(cert), 'server_keyfile', seen(key)]
    const erl = await scene.erl({ args: ['-proto_dist', 'inet_tls', ...tls] })
    const node = await scene.node({ mesh: false })
    const check = failed(await diagnose(node, erl.name, ample))
    expect(check.step).toBe('protocol')
    expect(check.message).toMatch(/port \d+ speaks TLS/)
  })

  it('tells what is no node', async () => {
    await using scene = await Scene.open(release)
    const node = await scene.node({ mesh: false })
    const refuse = (socket: Socket) => void socket.on('error', () => {}).end('HTTP/1.1 400 Bad Request\r\n\r\n')
    const server = await listen(createServer(refuse))
    const port = portOf(server)
    const check = failed(await diagnose(node, `web@127.0.0.1:${port}`, ample))
    expect(check).toMatchObject({ step: 'protocol', code: 'ERR_CONNECT_PROTOCOL' })
    expect(check.message).toContain('HTTP')
    server.close()
  })

  it('tells a node that is stopped, connected or not', async () => {
    await using scene = await Scene.open(release)
    const [erl, node] = [await scene.erl(), await scene.node({ mesh: false })]
    const hasty = await scene.node({ setupTimeout: 1_000, mesh: false })
    await node.connect(erl.name, ample)
    erl.kill('SIGSTOP')
    expect(failed(await diagnose(node, erl.name, ample))).toMatchObject({ step: 'answers' })
    const silent = failed(await diagnose(hasty, erl.name, ample))
    expect(silent).toMatchObject({ step: 'protocol', code: 'ERR_CONNECT_TIMEOUT' })
    erl.kill('SIGCONT')
  })

  it('compares tick times', async () => {
    await using scene = await Scene.open(release)
    const erl = await scene.erl({ args: ['-kernel', 'net_ticktime', '400'] })
    const differs = await diagnose(await scene.node({ netTickTime: 200_000, mesh: false }), erl.name, ample)
    expect(differs.healthy).toBe(true)
    expect(statusOf(differs, 'ticks')).toBe('warning')
    const node = await scene.node({ netTickTime: 60_000, mesh: false })
    const check = failed(await diagnose(node, erl.name, ample))
    expect(check).toMatchObject({ step: 'ticks', message: expect.stringContaining('60 s here and 400 s there') })
    // And so it comes.
    const hasty = await scene.node({ netTickTime: 400, mesh: false })
    expect(failed(await diagnose(hasty, erl.name, ample)).step).toBe('ticks')
    const [, { reason }] = await nextEvent(hasty, 'nodedown', erl.name)
    expect(reason).toBe('net_tick_timeout')
  })

  it('has our own nodes say their tick time, as OTP asks for it', async () => {
    await using scene = await Scene.open(release)
    const [erl, node] = [await scene.erl(), await scene.node({ netTickTime: 15_000 })]
    expect(await erl.eval(`erpc:call('${node.name}', net_kernel, get_net_ticktime, [])`)).toBe('15')
    expect(await erl.eval(`gen_server:call({net_kernel, '${node.name}'}, ticktime)`)).toBe('15000')
    expect(await erl.eval('gen_server:call(net_kernel, ticktime)')).toBe('60000')
  })

  it('warns a visible node that reaches only a part of the cluster, which `global` cuts off', async () => {
    await using scene = await Scene.open(release)
    const [a, b] = [await scene.erl(), await scene.erl()]
    expect(await a.eval(`net_kernel:connect_node('${b.name}')`)).toBe('true')
    const whole = await diagnose(await scene.node({ visible: true }), a.name, ample)
    expect(whole.checks.at(-1)).toMatchObject({ step: 'mesh', status: 'ok' })
    await b.eval(`net_kernel:allow(['${a.name}'])`)
    const { healthy, checks } = await diagnose(await scene.node({ visible: true }), a.name, ample)
    const check = checks.at(-1)
    expect([healthy, check?.step, check?.status]).toEqual([true, 'mesh', 'warning'])
    expect(check?.message).toContain(`${b.name} (${b.name} does not allow this node to connect`)
    expect(check?.advice).toContain('in order to prevent overlapping partitions')
  })
})
