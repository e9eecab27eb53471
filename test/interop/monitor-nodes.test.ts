import { expect, it } from 'vitest'
import type { NodeEvent } from '../../src/node/node-monitor.ts'
import type { OtpNode } from '../support/otp.ts'
import { describeOtp } from '../support/releases.ts'
import { nextEvent, openProcess, Scene, sees } from '../support/scene.ts'
import { nodeProcess } from './support/node-process.ts'

/** Subscribes the node's evaluator, and collects what comes. */
const watch = (erl: OtpNode, options: string) => erl.eval(`net_kernel:monitor_nodes(true, ${options})`)

/** The next event of the evaluator, with its information in order. */
const next = (erl: OtpNode) =>
  erl.eval(`receive {Event, N, Info} when Event =:= nodeup; Event =:= nodedown -> {Event, N, lists:sort(Info)} end`)

/** Nothing else came. */
const nothingElse = async (erl: OtpNode) =>
  expect(
    await erl.eval(
      'receive Other when element(1, Other) =:= nodeup; element(1, Other) =:= nodedown -> Other after 0 -> none end',
    ),
  ).toBe('none')

describeOtp('what net_kernel:monitor_nodes tells of our nodes', (release) => {
  it('is when a hidden one comes and goes and why, once each', async () => {
    await using scene = await Scene.open(release)
    const erl = await scene.erl()
    await watch(erl, '[{node_type, all}, nodedown_reason]')
    const name = scene.name('ts')
    const up = `{nodeup,'${name}',[{node_type,hidden}]}`
    const down = (reason: string) => `{nodedown,'${name}',[{node_type,hidden},{nodedown_reason,${reason}}]}`

    const first = await scene.node({ name, connectTo: erl.name })
    expect(await next(erl)).toBe(up)
    await first.close()
    expect(await next(erl)).toBe(down('connection_closed'))

    const second = await scene.node({ name })
    await second.connect(erl.name)
    expect(await next(erl)).toBe(up)
    await second.disconnect(erl.name)
    expect(await next(erl)).toBe(down('connection_closed'))

    await second.connect(erl.name)
    expect(await next(erl)).toBe(up)
    await erl.eval(`erlang:disconnect_node('${name}')`)
    // It is connected to for ever since `connect`, so that it is soon back.
    expect(await next(erl)).toBe(down('disconnect'))
    expect(await next(erl)).toBe(up)
    await second.close()
    expect(await next(erl)).toBe(down('connection_closed'))
    await nothingElse(erl)
  })

  it('is nothing about hidden ones without asking, and all about visible ones', async () => {
    await using scene = await Scene.open(release)
    const erl = await scene.erl()
    await watch(erl, '[nodedown_reason]')
    const hidden = await scene.node({ connectTo: erl.name, mesh: false })
    await hidden.ready({ timeout: 20_000 })
    const visible = await scene.node({ visible: true, connectTo: erl.name })
    expect(await next(erl)).toBe(`{nodeup,'${visible.name}',[]}`)
    await hidden.close()
    await sees(erl, 'nodes(hidden)', '[]')
    await visible.close()
    expect(await next(erl)).toBe(`{nodedown,'${visible.name}',[{nodedown_reason,connection_closed}]}`)
    await nothingElse(erl)
  })

  it('is that a killed one is down, and up again under its name', async () => {
    await using scene = await Scene.open(release)
    const erl = await scene.erl()
    await watch(erl, '[{node_type, hidden}, nodedown_reason]')
    const name = scene.name('ts')
    const up = `{nodeup,'${name}',[{node_type,hidden}]}`
    const child = await nodeProcess(scene, name, { connectTo: erl.name })
    expect(await next(erl)).toBe(up)
    child.kill()
    expect(await next(erl)).toBe(`{nodedown,'${name}',[{node_type,hidden},{nodedown_reason,connection_closed}]}`)
    await child.exited
    await nodeProcess(scene, name, { connectTo: erl.name })
    expect(await next(erl)).toBe(up)
    await nothingElse(erl)
  })
})

describeOtp('what monitorNodes tells of BEAM nodes', (release) => {
  it('is when they come and go and why, once each, by kind', async () => {
    await using scene = await Scene.open(release)
    const [visible, hidden] = [await scene.erl(), await scene.erl({ hidden: true })]
    const node = await scene.node({ mesh: false })
    const all = node.monitorNodes()
    const some = node.monitorNodes({ nodeType: 'hidden' })
    const take = async (events = all): Promise<NodeEvent> => (await events.next()).value as NodeEvent

    await node.connect(visible.name)
    expect(await take()).toEqual({
      type: 'nodeup',
      node: visible.name,
      info: { nodeType: 'visible', connectionId: 1 },
    })
    await hidden.eval(`net_kernel:connect_node('${node.name}')`)
    const up = { type: 'nodeup', node: hidden.name, info: { nodeType: 'hidden', connectionId: 2 } }
    expect([await take(), await take(some)]).toEqual([up, up])

    await node.disconnect(visible.name)
    expect(await take()).toMatchObject({ type: 'nodedown', node: visible.name, info: { reason: 'disconnect' } })
    await hidden.eval(`erlang:disconnect_node('${node.name}')`)
    const down = {
      type: 'nodedown',
      node: hidden.name,
      info: { nodeType: 'hidden', connectionId: 2, reason: 'connection_closed' },
    }
    expect([await take(), await take(some)]).toEqual([down, down])

    await node.connect(visible.name)
    expect(await take()).toMatchObject({ type: 'nodeup', node: visible.name, info: { connectionId: 3 } })
    // It ends in good order, as by init:stop().
    visible.kill('SIGTERM')
    expect(await take()).toMatchObject({ type: 'nodedown', node: visible.name, info: { reason: 'connection_closed' } })
    // Nothing more came: what waits is read before the end.
    await node.close()
    expect([await all.next(), await some.next()]).toEqual([
      { value: undefined, done: true },
      { value: undefined, done: true },
    ])
  })

  it('comes before what the next incarnation of the node says', async () => {
    await using scene = await Scene.open(release)
    const name = scene.name('erl')
    const node = await scene.node({ mesh: false })
    const order: string[] = []
    node.on('nodeup', (peer) => void order.push(`up ${peer}`))
    node.on('nodedown', (peer) => void order.push(`down ${peer}`))
    const inbox = await openProcess(node, { name: 'inbox' })
    const say = async (erl: OtpNode, word: string) => {
      await erl.eval(`{inbox, '${node.name}'} ! ${word}`)
      order.push(String(await inbox.receive()))
    }
    const first = await scene.erl({ name })
    await say(first, 'first')
    const down = nextEvent(node, 'nodedown', name)
    first.kill()
    await first.process.exited
    await down
    await say(await scene.erl({ name }), 'second')
    expect(order).toEqual([`up ${name}`, 'first', `down ${name}`, `up ${name}`, 'second'])
  })
})
