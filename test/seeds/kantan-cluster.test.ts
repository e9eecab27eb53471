// KantanCluster's README, translated.
import { describe, expect, it, vi } from 'vitest'
import { loadConfig } from '../../src/config/index.ts'
import type { PubSub } from '../../src/pubsub/pubsub.ts'
import { atom, tuple } from '../../src/term/index.ts'
import { Folder } from '../config/folder.ts'
import { loadPhoenix, meet, startPubSub } from '../interop/support/phoenix.ts'
import { Cluster, event } from '../node/cluster.ts'
import { type OtpNode, startElixir } from '../support/otp.ts'
import { describeOtp } from '../support/releases.ts'
import { nextEvent, Scene, sees } from '../support/scene.ts'

const NODE1 = 'node1@127.0.0.1'
const NODE2 = 'node2@127.0.0.1'
const MN01 = 'nerves@127.0.0.1'
const MEASUREMENTS = 'hello_nerves:measurements'

/** `{:hello_nerves_measurements, %{temperature_c: 30.1}, node()}` */
const measurement = (node: string) => tuple(atom('hello_nerves_measurements'), { temperature_c: 30.1 }, atom(node))

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

describe('KantanCluster, publish-subscribe', () => {
  it('makes a message that was published available anywhere in the cluster', async () => {
    await using cluster = await Cluster.create()
    const nerves = await cluster.start('nerves')
    const node1 = await cluster.start('node1', { connectTo: [MN01] })
    const [publisher, subscriber] = [nerves, node1].map((node) => node.pubsub('KantanCluster.PubSub')) as [
      PubSub,
      PubSub,
    ]
    await publisher.ready({ timeout: 25_000 })
    const subscription = subscriber.subscribe(MEASUREMENTS)
    publisher.broadcast(MEASUREMENTS, measurement(nerves.name))
    expect((await subscription.next()).value).toEqual(measurement(nerves.name))
  })
})

describeOtp(
  'KantanCluster, publish-subscribe with Elixir',
  (release) => {
    it('is its own pub/sub: what one publishes, GenServers of the other receive', async () => {
      await using scene = await Scene.open(release)
      const elixir = await scene.elixir()
      await loadPhoenix(elixir)
      await startPubSub(elixir, 'KantanCluster.PubSub')
      await elixir.eval(`
        defmodule HelloNervesSubscriber do
          use GenServer

          @impl GenServer
          def init(_) do
            Phoenix.PubSub.subscribe(KantanCluster.PubSub, "${MEASUREMENTS}")
            {:ok, %{last_measurement: nil}}
          end

          @impl GenServer
          def handle_info({:hello_nerves_measurements, measurement, _node}, state) do
            {:noreply, %{state | last_measurement: measurement}}
          end
        end
        {:ok, _} = GenServer.start(HelloNervesSubscriber, nil, name: HelloNervesSubscriber)`)
      const node = await scene.node({ connectTo: elixir.name })
      const pubsub = node.pubsub('KantanCluster.PubSub')
      const subscription = pubsub.subscribe(MEASUREMENTS)
      await meet(pubsub, elixir)
      pubsub.broadcast(MEASUREMENTS, measurement(node.name))
      expect((await subscription.next()).value).toEqual(measurement(node.name))
      const seen = '%{last_measurement: %{temperature_c: 30.1}}'
      await sees(elixir, ':sys.get_state(HelloNervesSubscriber)', seen)
      await elixir.eval(`
        message = {:hello_nerves_measurements, %{temperature_c: 30.1}, node()}
        Phoenix.PubSub.broadcast(KantanCluster.PubSub, "${MEASUREMENTS}", message)`)
      expect((await subscription.next()).value).toEqual(measurement(elixir.name))
    })
  },
  { elixir: true },
)

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
