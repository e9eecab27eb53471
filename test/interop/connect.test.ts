import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { describeOtp } from '../support/releases.ts'
import { nextEvent, Scene, sees } from '../support/scene.ts'

describeOtp('connecting', (release) => {
  it('dials a real node, which sees a hidden one', async () => {
    await using scene = await Scene.open(release)
    const erl = await scene.erl()
    const node = await scene.node()
    const up = nextEvent(node, 'nodeup', erl.name)
    await node.connect(erl.name)
    expect(await up).toEqual([erl.name, { nodeType: 'visible', connectionId: 1 }])
    expect(node.nodes()).toEqual([erl.name])
    expect(node.nodes('visible')).toEqual([erl.name])
    expect(node.nodes('hidden')).toEqual([])
    await sees(erl, '{nodes(), nodes(hidden)}', `{[],['${node.name}']}`)
    const down = nextEvent(node, 'nodedown', erl.name)
    await node.disconnect(erl.name)
    expect((await down)[1].reason).toBe('disconnect')
    await sees(erl, 'nodes(connected)', '[]')
  })

  it('is dialled by a real node, and cut by it', async () => {
    await using scene = await Scene.open(release)
    const erl = await scene.erl()
    const node = await scene.node()
    const up = nextEvent(node, 'nodeup', erl.name)
    expect(await erl.eval(`net_kernel:connect_node('${node.name}')`)).toBe('true')
    await up
    expect(node.nodes()).toEqual([erl.name])
    expect(await erl.eval('{nodes(), nodes(hidden)}')).toBe(`{[],['${node.name}']}`)
    const down = nextEvent(node, 'nodedown', erl.name)
    expect(await erl.eval(`erlang:disconnect_node('${node.name}')`)).toBe('true')
    expect((await down)[1].reason).toBe('connection_closed')
    expect(node.nodes()).toEqual([])
  })

  it.each([true, false])('is listed where it belongs, visible: %s, on either side', async (visible) => {
    await using scene = await Scene.open(release)
    const [seen, hidden] = [await scene.erl(), await scene.erl({ hidden: true })]
    const node = await scene.node({ visible, connectTo: [seen.name, hidden.name] })
    await node.ready({ nodes: 2 })
    expect([node.nodes('visible'), node.nodes('hidden')]).toEqual([[seen.name], [hidden.name]])
    expect(node.nodes().sort()).toEqual([seen.name, hidden.name].sort())
    const us = `['${node.name}']`
    // To a hidden node everybody is hidden.
    await sees(seen, '{nodes(), nodes(hidden)}', visible ? `{${us},[]}` : `{[],${us}}`)
    await sees(hidden, '{nodes(), nodes(hidden)}', `{[],${us}}`)
  })

  it('pings and is pinged', async () => {
    await using scene = await Scene.open(release)
    const erl = await scene.erl()
    const node = await scene.node()
    expect(await node.ping(erl.name)).toBe('pong')
    expect(await erl.eval(`net_adm:ping('${node.name}')`)).toBe('pong')
    expect(await node.ping(scene.name('nobody'))).toBe('pang')
    expect(await erl.eval(`net_adm:ping('${scene.name('nobody')}')`)).toBe('pang')
    await node.disconnect(erl.name)
    await sees(erl, 'nodes(connected)', '[]')
    expect(await erl.eval(`net_adm:ping('${node.name}')`)).toBe('pong')
    expect(node.nodes()).toEqual([erl.name])
  })

  it('goes by a short name among short names, and says why not with long ones', async () => {
    await using scene = await Scene.open(release)
    const alive = scene.name('short').split('@')[0] as string
    const erl = await scene.erl({ sname: `${alive}@localhost` })
    const node = await scene.node({ sname: `${alive}ts@localhost` })
    expect(await node.ping(erl.name)).toBe('pong')
    expect(await erl.eval(`net_adm:ping('${node.name}')`)).toBe('pong')
    const long = await scene.node()
    await expect(long.connect(erl.name)).rejects.toMatchObject({ code: 'ERR_CONNECT_SPLIT_NAMES' })
  })

  it.each(['name', 'sname'] as const)('gives a name to a node that has none (-%s undefined)', async (kind) => {
    await using scene = await Scene.open(release)
    const host = kind === 'name' ? '127.0.0.1' : 'localhost'
    const node = await scene.node({ [kind]: scene.name('giver', host) })
    const erl = await scene.erl({ [kind]: `undefined@${host}` })
    const up = once(node, 'nodeup')
    expect(await erl.eval(`net_kernel:connect_node('${node.name}')`)).toBe('true')
    const [given] = (await up) as [string]
    expect(given).toMatch(new RegExp(`^[0-9A-Z]{12}@${host}$`))
    expect(await erl.eval('node()')).toBe(`'${given}'`)
    expect(await erl.eval(`net_adm:ping('${node.name}')`)).toBe('pong')
    expect(await node.ping(given)).toBe('pong')
  })
})

describeOtp(
  'connecting with Elixir',
  (release) => {
    it('pings both ways, and lists the hidden', async () => {
      await using scene = await Scene.open(release)
      const elixir = await scene.elixir()
      const node = await scene.node()
      expect(await elixir.eval(`Node.connect(:"${node.name}")`)).toBe('true')
      expect(await elixir.eval(`{Node.ping(:"${node.name}"), Node.list(), Node.list(:hidden)}`)).toBe(
        `{:pong, [], [:"${node.name}"]}`,
      )
      expect(await node.ping(elixir.name)).toBe('pong')
      const down = nextEvent(node, 'nodedown', elixir.name)
      expect(await elixir.eval(`Node.disconnect(:"${node.name}")`)).toBe('true')
      expect((await down)[1].reason).toBe('connection_closed')
    })
  },
  { elixir: true },
)

describeOtp('cookies', (release) => {
  it('refuses the wrong one when it dials, says so, and is named in the log of the other', async () => {
    await using scene = await Scene.open(release)
    const erl = await scene.erl()
    const node = await scene.node({ cookie: 'zebra' })
    await expect(node.connect(erl.name)).rejects.toMatchObject({
      name: 'ConnectError',
      code: 'ERR_CONNECT_COOKIE',
      permanent: true,
      node: erl.name,
      reason: expect.stringMatching(/has another cookie/),
    })
    expect(node.lastError(erl.name)?.code).toBe('ERR_CONNECT_COOKIE')
    await erl.waitForOutput(new RegExp(`Connection attempt from node '${node.name}' rejected. Invalid challenge reply`))
    expect(await erl.eval('nodes(connected)')).toBe('[]')
    expect(node.log.messages('warn').join()).not.toMatch(/zebra|secret/)
  })

  it('refuses the wrong one when it is dialled, and logs it once', async () => {
    await using scene = await Scene.open(release)
    const erl = await scene.erl()
    const node = await scene.node({ cookie: 'other' })
    expect(await erl.eval(`net_kernel:connect_node('${node.name}')`)).toBe('false')
    expect(await erl.eval(`net_adm:ping('${node.name}')`)).toBe('pang')
    expect(node.log.messages('warn')).toEqual([
      `connection from 127.0.0.1 failed: ${erl.name} tried to connect with another cookie: give both nodes the same one`,
    ])
    expect(node.nodes()).toEqual([])
    // With the right one for us alone it may come.
    await erl.eval(`erlang:set_cookie('${node.name}', other)`)
    expect(await erl.eval(`net_adm:ping('${node.name}')`)).toBe('pong')
  })

  describe('of single peers', () => {
    it('are ours to set', async () => {
      await using scene = await Scene.open(release)
      const [one, two] = [await scene.erl({ cookie: 'one' }), await scene.erl({ cookie: 'two' })]
      const node = await scene.node({ cookie: 'one', cookies: { [two.name]: 'two' } })
      expect(await node.ping(one.name)).toBe('pong')
      expect(await two.eval(`net_adm:ping('${node.name}')`)).toBe('pong')
      await node.disconnect(two.name)
      expect(await node.ping(two.name)).toBe('pong')
    })

    it('are theirs to set', async () => {
      await using scene = await Scene.open(release)
      const erl = await scene.erl({ cookie: 'default' })
      const node = await scene.node({ cookie: 'special' })
      await erl.eval(`erlang:set_cookie('${node.name}', special)`)
      expect(await node.ping(erl.name)).toBe('pong')
      await node.disconnect(erl.name)
      await sees(erl, 'nodes(connected)', '[]')
      expect(await erl.eval(`net_adm:ping('${node.name}')`)).toBe('pong')
    })
  })
})
