import { expect, it } from 'vitest'
import { type From, noReply } from '../../src/index.ts'
import { describeOtp } from '../support/releases.ts'
import { nextEvent, Scene, sees } from '../support/scene.ts'

describeOtp('a node that leaves', (release) => {
  it('answers the calls of a real node, whose link stays until then, and is no longer registered meanwhile', async () => {
    await using scene = await Scene.open(release)
    const erl = await scene.erl()
    const node = await scene.node()
    let asked: From | undefined
    const handleCall = (_request: unknown, from: From): typeof noReply => {
      asked = from
      return noReply
    }
    await node.start({ handleCall }, { name: 'server' })
    await node.connect(erl.name, { timeout: 60_000 })
    const call = erl.eval(`gen_server:call({server, '${node.name}'}, question, 60000)`, {
      apart: true,
      timeout: 60_000,
    })
    await expect.poll(() => asked, { timeout: 60_000 }).toBeDefined()
    const down = nextEvent(node, 'nodedown', erl.name)
    const left = node.leave({ deadline: Number.POSITIVE_INFINITY })
    const [alive] = node.name.split('@')
    await sees(erl, `erl_epmd:port_please("${alive}", {127,0,0,1})`, 'noport')
    expect(await erl.eval(`lists:member('${node.name}', nodes(connected))`)).toBe('true')
    asked?.reply('answer')
    expect(await call).toBe('<<"answer">>')
    await left
    await down
    await sees(erl, `lists:member('${node.name}', nodes(connected))`, 'false')
  })
})
