import { expect, it, vi } from 'vitest'
import { atom, tuple } from '../../src/term/index.ts'
import type { OtpNode } from '../support/otp.ts'
import { describeOtp } from '../support/releases.ts'
import { nextEvent, Scene } from '../support/scene.ts'
import { nodeProcess } from './support/node-process.ts'

const watch = 'net_kernel:monitor_nodes(true, [nodedown_reason, {node_type, all}]), ok'
const nextDown = 'receive {nodedown, N, Info} -> {N, proplists:get_value(nodedown_reason, Info)} end'

/** Seconds without a sign of life, on both sides. */
const TICK_TIME = 1
const ticking = { args: ['-kernel', 'net_ticktime', String(TICK_TIME)] }
const netTickTime = TICK_TIME * 1000

const registered = (erl: OtpNode) => erl.eval('register(server, spawn(fun() -> receive stop -> ok end end)), ok')

describeOtp('a killed process', (release) => {
  it('of theirs is noticed at once, and dialled again as soon as it is back', async () => {
    await using scene = await Scene.open(release)
    const erl = await scene.erl()
    await registered(erl)
    const node = await scene.node({ connectTo: [erl.name] })
    await node.ready()
    const target = { name: 'server', node: erl.name }
    const call = expect(node.call(target, atom('hello'), { timeout: Number.POSITIVE_INFINITY })).rejects.toMatchObject({
      code: 'ERR_NOCONNECTION',
      reason: tuple(atom('nodedown'), atom(erl.name)),
    })
    const down = nextEvent(node, 'nodedown', erl.name)
    const failed = nextEvent(node, 'connect-failed', erl.name)
    erl.kill()
    expect((await down)[1].reason).toBe('connection_closed')
    await call
    expect((await failed)[1].code).toBe('ERR_CONNECT_NOT_REGISTERED')
    const up = nextEvent(node, 'nodeup', erl.name)
    const again = await scene.erl({ name: erl.name })
    await up
    expect(await node.ping(again.name)).toBe('pong')
  })

  it('of ours is noticed at once, and reached again when it is back', async () => {
    await using scene = await Scene.open(release)
    const erl = await scene.erl()
    const name = scene.name('ts')
    const child = await nodeProcess(scene, name)
    expect(await erl.eval(`${watch}, gen_server:call({echo, '${name}'}, hello)`)).toBe('hello')
    const call = erl.eval(`catch gen_server:call({silent, '${name}'}, hello, infinity)`)
    await child.waitForOutput(/asked/)
    child.kill()
    expect(await call).toMatch(new RegExp(`^\\{'EXIT',\\{\\{nodedown,'${name}'\\},`))
    expect(await erl.eval(nextDown)).toBe(`{'${name}',connection_closed}`)
    await child.exited
    await nodeProcess(scene, name)
    expect(await erl.eval(`gen_server:call({echo, '${name}'}, {hello, again})`)).toBe('{hello,again}')
  })
})

describeOtp('a frozen process', (release) => {
  it('of theirs is noticed, and linked again when it thaws', async () => {
    await using scene = await Scene.open(release)
    const erl = await scene.erl(ticking)
    await registered(erl)
    const node = await scene.node({ netTickTime, connectTo: [erl.name] })
    await node.ready()
    const call = node.call({ name: 'server', node: erl.name }, atom('hello'), { timeout: Number.POSITIVE_INFINITY })
    const rejected = expect(call).rejects.toMatchObject({ code: 'ERR_NOCONNECTION' })
    const down = nextEvent(node, 'nodedown', erl.name)
    erl.kill('SIGSTOP')
    expect((await down)[1].reason).toBe('net_tick_timeout')
    await rejected
    const up = nextEvent(node, 'nodeup', erl.name)
    erl.kill('SIGCONT')
    await up
    expect(await node.ping(erl.name)).toBe('pong')
  })

  it('of ours is noticed, and linked again when it thaws', async () => {
    await using scene = await Scene.open(release)
    const erl = await scene.erl(ticking)
    const name = scene.name('ts')
    const child = await nodeProcess(scene, name, { netTickTime })
    expect(await erl.eval(`${watch}, net_adm:ping('${name}')`)).toBe('pong')
    child.kill('SIGSTOP')
    expect(await erl.eval(nextDown)).toBe(`{'${name}',net_tick_timeout}`)
    child.kill('SIGCONT')
    await child.waitForOutput(/"nodedown"/)
    expect(await erl.eval(`gen_server:call({echo, '${name}'}, hello)`)).toBe('hello')
  })

  it('is not taken for one that only has nothing to say', async () => {
    await using scene = await Scene.open(release)
    const erl = await scene.erl(ticking)
    const node = await scene.node({ netTickTime })
    await node.connect(erl.name)
    const downs: string[] = []
    node.on('nodedown', (_, { reason }) => downs.push(reason))
    await erl.eval(watch)
    const bytesIn = () => node.links()[0]?.bytesIn ?? 0
    const before = bytesIn()
    // Ticks of four bytes, four of them in a tick time: three tick times pass.
    await vi.waitFor(() => expect(bytesIn()).toBeGreaterThanOrEqual(before + 4 * 4 * 3), { timeout: 20_000 })
    expect(downs).toEqual([])
    expect(await erl.eval('{nodes(hidden), receive {nodedown, _, _} = Down -> Down after 0 -> none end}')).toBe(
      `{['${node.name}'],none}`,
    )
  })
})
