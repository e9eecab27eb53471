import { expect, it } from 'vitest'
import { describeOtp } from '../support/releases.ts'
import { nextEvent, Scene, sees } from '../support/scene.ts'

const ROUNDS = 15

describeOtp('two nodes that dial each other', (release) => {
  // Of two simultaneous dials the one of the greater name goes on.
  it.each(['aa', 'zz'])('agree on one link, round after round (ours begins with %s)', async (prefix) => {
    await using scene = await Scene.open(release)
    const erl = await scene.erl()
    const node = await scene.node({ name: scene.name(prefix) })
    for (let round = 0; round < ROUNDS; round++) {
      const ups: string[] = []
      const onUp = (name: string) => ups.push(name)
      node.on('nodeup', onUp)
      const theirs = erl.eval(`net_kernel:connect_node('${node.name}')`)
      // A little later in each round, so that the two cross at every point.
      for (let turn = 0; turn < round; turn++) await new Promise((resolve) => setImmediate(resolve))
      const ours = node.connect(erl.name)
      expect(await theirs).toBe('true')
      await ours
      expect(await node.ping(erl.name)).toBe('pong')
      expect(await erl.eval(`{net_adm:ping('${node.name}'), nodes(connected)}`)).toBe(`{pong,['${node.name}']}`)
      expect(node.links()).toHaveLength(1)
      expect(ups).toEqual([erl.name])
      node.off('nodeup', onUp)
      await node.disconnect(erl.name)
      await sees(erl, 'nodes(connected)', '[]')
    }
    expect(node.log.messages('warn')).toEqual([])
  })

  it('of which both are ours agree too', async () => {
    await using scene = await Scene.open(release)
    const [one, two] = [await scene.node({ mesh: false }), await scene.node({ mesh: false })]
    for (let round = 0; round < ROUNDS; round++) {
      await Promise.all([one.connect(two.name), two.connect(one.name)])
      expect([one.nodes(), two.nodes()]).toEqual([[two.name], [one.name]])
      expect(await Promise.all([one.ping(two.name), two.ping(one.name)])).toEqual(['pong', 'pong'])
      const down = nextEvent(two, 'nodedown', one.name)
      await one.disconnect(two.name)
      await down
      await two.disconnect(one.name)
    }
    expect([...one.log.messages('warn'), ...two.log.messages('warn')].join('\n')).not.toMatch(/failed/)
  })
})
