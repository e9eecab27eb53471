// KantanCluster's README, translated.
import { describe, expect, it, vi } from 'vitest'
import { loadConfig } from '../../src/config/index.ts'
import { Folder } from '../config/folder.ts'
import { Cluster, event } from '../node/cluster.ts'
import { type OtpNode, startElixir } from '../support/otp.ts'
import { describeOtp } from '../support/releases.ts'
import { nextEvent, Scene, sees } from '../support/scene.ts'

const NODE1 = 'node1@127.0.0.1'
const NODE2 = 'node2@127.0.0.1'
const MN01 = 'nerves@127.0.0.1'

describe('KantanCluster, getting started', () => {
  it('node1 warns that there is no node2, connects when it starts, and again when it was stopped and started', async () => {
    await using cluster = await Cluster.create()
    const node1 = await cluster.start('node1', { cookie: 'hello', connectTo: NODE2 })
    await vi.waitFor(() => expect(cluster.lines('warn', NODE2)).not.toEqual([]), { timeout: 25_000 })
    expect(cluster.lines('warn', NODE2)).toEqual([expect.stringContaining('knows no node "node2"')])

    let up = event(node1, 'nodeup', NODE2)
    const node2 = await cluster.start('node2', { cookie: 'hello' })
    await up
    await node2.ready({ timeout: 25_000 })
    expect(node2.nodes()).toEqual([NODE1])

    const down = event(node1, 'nodedown', NODE2)
    await node2.close()
    await down
    expect(node1.nodes()).toEqual([])

    up = event(node1, 'nodeup', NODE2)
    const again = await cluster.start('node2', { cookie: 'hello' })
    await up
    await again.ready({ timeout: 25_000 })
    expect(again.nodes()).toEqual([NODE1])
  })

  it('loads its options from a configuration file', async () => {
    await using cluster = await Cluster.create()
    using folder = new Folder({
      'tsunagi.config.mjs': `export default { name: '${NODE1}', cookie: 'hello', connectTo: ['${NODE2}'] }`,
    })
    const { options } = await loadConfig({ cwd: folder.path, env: {} })
    const { name: _, ...rest } = options
    const node1 = await cluster.start('node1', rest)
    expect([node1.name, node1.cookie]).toEqual([NODE1, 'hello'])
    await cluster.start('node2', { cookie: 'hello' })
    await node1.ready({ timeout: 25_000 })
    expect(node1.nodes()).toEqual([NODE2])
  })

  it('connects on demand, and leaves alone whom it was told to disconnect from', async () => {
    await using cluster = await Cluster.create()
    const node1 = await cluster.start('node1')
    const nerves = await cluster.start('nerves')
    await node1.connect(MN01)
    expect(node1.nodes()).toEqual([MN01])
    const down = event(nerves, 'nodedown', NODE1)
    await node1.disconnect(MN01)
    await down
    expect(node1.nodes()).toEqual([])
    expect(node1.nodes('known')).toEqual([MN01])
    await node1.connect(MN01)
    expect(node1.nodes()).toEqual([MN01])
  })

  it('stops the node and all its connections', async () => {
    await using cluster = await Cluster.create()
    const node1 = await cluster.start('node1', { connectTo: [NODE2, 'node3@127.0.0.1'] })
    const node2 = await cluster.start('node2')
    await node2.ready({ timeout: 25_000 })
    const down = event(node2, 'nodedown', NODE1)
    await node1.close()
    await down
    expect([node1.closed, node1.nodes('known'), node2.nodes()]).toEqual([true, [], []])
  })
})

describeOtp(
  'KantanCluster, getting started with a node2 of Elixir',
  (release) => {
    it('finds it whenever Node.start is called there, also after Node.stop', async () => {
      await using scene = await Scene.open(release)
      const name = scene.name('node')
      const node1 = await scene.node({ cookie: 'hello', connectTo: name, visible: true })
      await using elixir: OtpNode = await startElixir({
        release,
        args: ['-setcookie', 'hello'],
        env: { ERL_EPMD_PORT: String(scene.epmdPort) },
      })
      const startIt = `{:ok, _} = Node.start(:"${name}", :longnames); Node.self()`
      for (const round of [1, 2]) {
        const up = nextEvent(node1, 'nodeup', name)
        expect(await elixir.eval(startIt), `round ${round}`).toBe(`:"${name}"`)
        await up
        await sees(elixir, 'Node.list()', `[:"${node1.name}"]`)
        const down = nextEvent(node1, 'nodedown', name)
        expect(await elixir.eval('Node.stop()')).toBe(':ok')
        await down
        expect(node1.nodes()).toEqual([])
      }
    })
  },
  { elixir: true },
)
