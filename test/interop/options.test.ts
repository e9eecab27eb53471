import { describe, expect, it } from 'vitest'
import { atom } from '../../src/term/index.ts'
import { describeOtp } from '../support/releases.ts'
import { nextEvent, openProcess, Scene, sees, type TestNode } from '../support/scene.ts'

/** Whether a call of ours gets through to a node that was not connected. */
async function callReaches(node: TestNode, name: string): Promise<boolean> {
  const call = node.call({ name: 'net_kernel', node: name }, atom('longnames'), { timeout: 20_000 })
  return await call.then(
    (answer) => answer === true,
    (error) => {
      expect(error).toMatchObject({ code: 'ERR_NOCONNECTION' })
      return false
    },
  )
}

describeOtp('distAutoConnect', (release) => {
  describe('of ours', () => {
    it("'always' dials whenever something is sent", async () => {
      await using scene = await Scene.open(release)
      const erl = await scene.erl()
      const node = await scene.node()
      expect(await callReaches(node, erl.name)).toBe(true)
      const down = nextEvent(node, 'nodedown', erl.name)
      await erl.eval(`erlang:disconnect_node('${node.name}')`)
      await down
      expect(await callReaches(node, erl.name)).toBe(true)
    })

    it("'never' dials only when asked to connect", async () => {
      await using scene = await Scene.open(release)
      const erl = await scene.erl()
      const node = await scene.node({ distAutoConnect: 'never' })
      expect(await callReaches(node, erl.name)).toBe(false)
      expect(node.nodes('known')).toEqual([])
      await node.connect(erl.name)
      expect(await callReaches(node, erl.name)).toBe(true)
    })

    it("'once' dials no more after a link was lost, until somebody connects", async () => {
      await using scene = await Scene.open(release)
      const erl = await scene.erl()
      const node = await scene.node({ distAutoConnect: 'once' })
      expect(await callReaches(node, erl.name)).toBe(true)
      const lose = async () => {
        const down = nextEvent(node, 'nodedown', erl.name)
        await erl.eval(`erlang:disconnect_node('${node.name}')`)
        await down
      }
      await lose()
      expect(await callReaches(node, erl.name)).toBe(false)
      const up = nextEvent(node, 'nodeup', erl.name)
      expect(await erl.eval(`net_kernel:connect_node('${node.name}')`)).toBe('true')
      await up
      expect(await callReaches(node, erl.name)).toBe(true)
      await lose()
      expect(await callReaches(node, erl.name)).toBe(false)
      expect(await node.ping(erl.name, { timeout: 20_000 })).toBe('pong')
    })
  })

  describe('of theirs', () => {
    const call = (name: string) => `catch gen_server:call({net_kernel, '${name}'}, longnames)`

    it('never', async () => {
      await using scene = await Scene.open(release)
      const erl = await scene.erl({ args: ['-kernel', 'dist_auto_connect', 'never'] })
      const node = await scene.node()
      expect(await erl.eval(call(node.name))).toMatch(/nodedown/)
      expect(await erl.eval(`net_kernel:connect_node('${node.name}')`)).toBe('true')
      expect(await erl.eval(call(node.name))).toBe('true')
    })

    it('once', async () => {
      await using scene = await Scene.open(release)
      const erl = await scene.erl({ args: ['-kernel', 'dist_auto_connect', 'once'] })
      const node = await scene.node()
      expect(await erl.eval(call(node.name))).toBe('true')
      await node.disconnect(erl.name)
      await sees(erl, 'nodes(connected)', '[]')
      expect(await erl.eval(call(node.name))).toMatch(/nodedown/)
      // Whoever is barred may come by itself.
      await node.connect(erl.name)
      expect(await erl.eval(call(node.name))).toBe('true')
    })
  })
})

describeOtp('connectAll: false', (release) => {
  it.each([true, false])('connects to nobody it was not told of, visible: %s', async (visible) => {
    await using scene = await Scene.open(release)
    const [one, two] = [await scene.erl(), await scene.erl()]
    expect(await one.eval(`net_kernel:connect_node('${two.name}')`)).toBe('true')
    const node = await scene.node({ visible, connectAll: false, meshRefresh: 100, connectTo: one.name })
    await node.ready({ timeout: 20_000 })
    const name = `zz${scene.name('other')}`
    const other = await scene.node({ name, meshRefresh: 100, connectTo: one.name })
    // It finds all there are: whoever is to be found was.
    await other.ready({ nodes: 3, timeout: 20_000 })
    expect(node.nodes().sort()).toEqual([one.name, other.name].sort())
    await sees(two, `lists:member('${node.name}', nodes(connected))`, 'false')
  })
})

describeOtp('allow lists', (release) => {
  it('of theirs are named as the reason', async () => {
    await using scene = await Scene.open(release)
    const erl = await scene.erl()
    const node = await scene.node()
    expect(await erl.eval(`net_kernel:allow(['${scene.name('other')}'])`)).toBe('ok')
    await expect(node.connect(erl.name)).rejects.toMatchObject({ code: 'ERR_CONNECT_NOT_ALLOWED', permanent: true })
    expect(await erl.eval(`net_kernel:allow(['${node.name}'])`)).toBe('ok')
    await node.connect(erl.name)
  })

  it('of ours can be set while the node runs, and links that are up stay', async () => {
    await using scene = await Scene.open(release)
    const [one, two] = [await scene.erl(), await scene.erl()]
    const node = await scene.node({ mesh: false })
    await node.connect(one.name)
    node.allow([])
    expect(await two.eval(`net_kernel:connect_node('${node.name}')`)).toBe('false')
    await expect(node.connect(two.name)).rejects.toMatchObject({ code: 'ERR_CONNECT_NOT_ALLOWED' })
    expect(node.nodes()).toEqual([one.name])
    await node.disconnect(two.name)
    node.allow([two.name])
    expect(await two.eval(`net_kernel:connect_node('${node.name}')`)).toBe('true')
    expect(await one.eval(`net_adm:ping('${node.name}')`)).toBe('pong')
  })
})

describeOtp('cookies set while the node runs', (release) => {
  it('are those of one peer, as with erlang:set_cookie/2, or its own', async () => {
    await using scene = await Scene.open(release)
    const [one, two] = [await scene.erl({ cookie: 'one' }), await scene.erl({ cookie: 'two' })]
    const node = await scene.node({ mesh: false })
    expect(await node.ping(one.name, { timeout: 20_000 })).toBe('pang')
    node.setCookie(one.name, 'one')
    expect(await node.ping(one.name, { timeout: 20_000 })).toBe('pong')
    node.setCookie(node.name, 'two')
    expect(await two.eval(`net_adm:ping('${node.name}')`)).toBe('pong')
    expect(node.cookie).toBe('two')
    expect(node.nodes().sort()).toEqual([one.name, two.name].sort())
  })
})

describeOtp('net_kernel', (release) => {
  it('answers whatever it is asked', async () => {
    await using scene = await Scene.open(release)
    const erl = await scene.erl()
    const node = await scene.node()
    const ask = (request: string) => erl.eval(`gen_server:call({net_kernel, '${node.name}'}, ${request}, infinity)`)
    expect(await ask(`{is_auth, node()}`)).toBe('yes')
    expect(await ask('longnames')).toBe('true')
    expect(await ask('ticktime')).toBe('60000')
    expect(await ask('{spawn, erlang, node, [], self()}')).toBe(`{'EXIT',{notsup,[]}}`)
    expect(await ask('{spawn_link, erlang, node, [], self()}')).toBe(`{'EXIT',{notsup,[]}}`)
    for (const request of ['{disconnect, node()}', '{allow, []}', 'allowed', '{monitor_nodes, true, []}']) {
      expect(await ask(request)).toBe('{error,not_supported}')
    }
    // What is not asked but told changes nothing.
    const inbox = await openProcess(node, { name: 'inbox' })
    for (const message of ['tick', 'aux_tick', `{auto_connect, node(), 1}`, `{'EXIT', self(), kill}`]) {
      await erl.eval(`{net_kernel, '${node.name}'} ! ${message}`)
    }
    await erl.eval(`gen_server:cast({net_kernel, '${node.name}'}, stop), {inbox, '${node.name}'} ! done`)
    expect(await inbox.receive()).toBe(atom('done'))
    expect(await erl.eval(`net_adm:ping('${node.name}')`)).toBe('pong')
  })
})
