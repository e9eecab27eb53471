import { expect, it } from 'vitest'
import { atom } from '../../src/term/index.ts'
import { freePort } from '../support/otp.ts'
import { describeOtp } from '../support/releases.ts'
import { nextEvent, openProcess, Scene, sees } from '../support/scene.ts'

/** An `erl` on 127.0.0.2 that knows no EPMD: it and all its peers listen on `port`. */
function withoutEpmd(port: number) {
  const interface2 = ['-kernel', 'inet_dist_use_interface', '{127,0,0,2}']
  return { epmdPort: false, args: ['-erl_epmd_port', String(port), ...interface2] } as const
}

describeOtp('addresses', (release) => {
  it('need no EPMD where ports are fixed', async () => {
    await using scene = await Scene.open(release)
    const port = await freePort()
    const erl = await scene.erl({ ...withoutEpmd(port), name: scene.name('fixed', '127.0.0.2') })
    const node = await scene.node({ epmd: false, listen: { port } })
    await node.connect(`${erl.name}:${port}`)
    expect(node.nodes()).toEqual([erl.name])
    expect(await node.ping(erl.name)).toBe('pong')
    const down = nextEvent(node, 'nodedown', erl.name)
    await erl.eval(`erlang:disconnect_node('${node.name}')`)
    await down
    await node.disconnect(erl.name)
    expect(await erl.eval(`net_adm:ping('${node.name}')`)).toBe('pong')
    await expect(node.connect('stranger@127.0.0.2')).rejects.toMatchObject({ code: 'ERR_CONNECT_EPMD' })
  })

  it('may be of IPv6, in the name and on the wire', async () => {
    await using scene = await Scene.open(release, { address: '127.0.0.1,::1' })
    const args = ['-proto_dist', 'inet6_tcp']
    const erl = await scene.erl({ name: scene.name('six', '::1'), args })
    const node = await scene.node({ name: scene.name('ts', '::1'), epmd: { port: scene.epmdPort, host: '::1' } })
    expect(node.listening?.host).toBe('::1')
    expect(await node.ping(erl.name)).toBe('pong')
    expect(node.links()[0]?.address).toBe('::1')
    await node.disconnect(erl.name)
    await sees(erl, 'nodes(connected)', '[]')
    expect(await erl.eval(`net_adm:ping('${node.name}')`)).toBe('pong')
  })
})

describeOtp('a node that comes back while its old link seems alive', (release) => {
  it('replaces it when it is theirs', async () => {
    await using scene = await Scene.open(release)
    const [oldPort, port] = [await freePort(), await freePort()]
    const name = scene.name('twice', '127.0.0.2')
    const first = await scene.erl({ ...withoutEpmd(oldPort), name })
    const node = await scene.node({ epmd: false, listen: { port } })
    await node.ping(`${name}:${oldPort}`)
    const self = await openProcess(node, { name: 'inbox' })
    await first.eval(
      `register(server, spawn(fun() -> receive stop -> ok end end)), {inbox, '${node.name}'} ! ready, ok`,
    )
    await self.receive()
    const call = self.call({ name: 'server', node: name }, atom('hello'), { timeout: Number.POSITIVE_INFINITY })
    const rejected = expect(call).rejects.toMatchObject({ code: 'ERR_NOCONNECTION' })
    // The old incarnation says nothing any more, and its connection stays open.
    first.kill('SIGSTOP')
    const down = nextEvent(node, 'nodedown', name)
    const up = nextEvent(node, 'nodeup', name)
    const second = await scene.erl({ ...withoutEpmd(port), name })
    expect(await second.eval(`net_adm:ping('${node.name}')`)).toBe('pong')
    expect((await down)[1].reason).toBe('replaced')
    await rejected
    await up
    expect(node.links()).toHaveLength(1)
    await second.eval('register(server, self())')
    self.send({ name: 'server', node: name }, atom('hello'))
    expect(await second.eval('receive M -> M end')).toBe('hello')
  })

  it('replaces it when it is ours', async () => {
    await using scene = await Scene.open(release)
    const erl = await scene.erl()
    const first = await scene.node()
    expect(await erl.eval(`net_adm:ping('${first.name}')`)).toBe('pong')
    const down = nextEvent(first, 'nodedown', erl.name)
    // Of the same name, without a registration that the EPMD would refuse.
    const second = await scene.node({ name: first.name, epmd: false, listen: false })
    const self = await openProcess(second)
    await erl.eval(`net_kernel:monitor_nodes(true, [{node_type, hidden}])`)
    const found = await erl.eval(`{ok, Names} = erl_epmd:names({127,0,0,1}), Names`)
    const port = new RegExp(`\\{"${erl.name.split('@')[0]}",(\\d+)\\}`).exec(found)?.[1]
    await second.connect(`${erl.name}:${port}`)
    await down
    expect(await erl.eval('receive {nodedown, A, _} -> receive {nodeup, B, _} -> {A, B} end end')).toBe(
      `{'${first.name}','${first.name}'}`,
    )
    expect(await second.ping(erl.name)).toBe('pong')
    await erl.eval('register(main, self())')
    self.send({ name: 'main', node: erl.name }, self.pid)
    expect(await erl.eval(`receive P -> P ! back, node(P) end`)).toBe(`'${first.name}'`)
    expect(await self.receive()).toBe(atom('back'))
  })
})
