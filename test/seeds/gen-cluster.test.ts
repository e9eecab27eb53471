// gen_cluster's README, translated: its configurations, and its two behaviours.
import { describe, expect, it, vi } from 'vitest'
import { dns, epmd, localEpmd, type PullStrategy, type StrategyContext, staticNodes } from '../../src/cluster/index.ts'
import { FakeClock } from '../../src/testing/fake-clock.ts'
import { Dnsmasq } from '../cluster/strategies/dns/dnsmasq.ts'
import { Cluster, event } from '../node/cluster.ts'
import { describeOtp } from '../support/releases.ts'
import { nextEvent, Scene, sees } from '../support/scene.ts'
import { describeTools } from '../support/tools.ts'

describeOtp('gen_cluster, EPMD and static', (release) => {
  it.each([
    ['{epmd_all, #{}}', localEpmd()],
    ['{epmd_all, #{hosts => [localhost]}}', epmd(['localhost'])],
  ])('%s connects to all that are registered with the same epmd', async (_, strategy) => {
    await using scene = await Scene.open(release)
    const [a, b] = await Promise.all([scene.erl(), scene.erl()])
    const rosa = await scene.node({ mesh: false, topologies: { gen_cluster: { strategy } } })
    await rosa.ready({ nodes: 2, timeout: 25_000 })
    expect(rosa.nodes().sort()).toEqual([a.name, b.name].sort())
    for (const node of [a, b]) await sees(node, 'nodes(connected)', new RegExp(`'${rosa.name}'`))
  })

  it("{static, ['a@rosa', 'b@rosa']} connects to these, and again when one is gone and comes back", async () => {
    await using scene = await Scene.open(release)
    const [a, b] = [scene.name('a'), scene.name('b')]
    await scene.erl({ name: a })
    const first = await scene.erl({ name: b })
    const strategy = staticNodes([a, b])
    const rosa = await scene.node({ mesh: false, topologies: { gen_cluster: { strategy, interval: 500 } } })
    await rosa.ready({ nodes: 2, timeout: 25_000 })
    const down = nextEvent(rosa, 'nodedown', b)
    first.kill()
    await first.process.exited
    await down
    const up = nextEvent(rosa, 'nodeup', b)
    await scene.erl({ name: b })
    await up
    expect(rosa.nodes().sort()).toEqual([a, b])
  })
})

describeTools('gen_cluster, DNS', ['dnsmasq'], () => {
  it('{dns, #{domain => …, ipv6 => true}} connects to IPv6 addresses only', async () => {
    await using cluster = await Cluster.create()
    const domain = 'k8s-erlang-cluster.k8s-erlang-cluster'
    await using server = await Dnsmasq.open({ hosts: { [domain]: ['127.0.0.1', '::1'] } })
    const strategy = dns({ query: `${domain}.`, basename: 'app', types: ['AAAA'], servers: [server.address] })
    const rosa = await cluster.start('rosa', { mesh: false })
    expect((await rosa.topology('gen_cluster', { strategy }).refresh()).found).toEqual(['app@::1'])
  })

  describeOtp('with real nodes', (release) => {
    it('{dns, #{domain => "k8s-erlang-cluster.k8s-erlang-cluster"}} connects to the addresses of a headless service', async () => {
      await using scene = await Scene.open(release)
      const domain = 'k8s-erlang-cluster.k8s-erlang-cluster'
      // The search domains of a pod complete it.
      await using server = await Dnsmasq.open({ hosts: { [`${domain}.svc.cluster.local`]: ['127.0.0.1'] } })
      const erl = await scene.erl()
      const basename = erl.name.split('@')[0] as string
      const resolver = { servers: [server.address], search: ['svc.cluster.local', 'cluster.local'], ndots: 5 }
      const rosa = await scene.node({
        mesh: false,
        topologies: { gen_cluster: { strategy: dns({ query: domain, basename, ...resolver }) } },
      })
      await rosa.ready({ timeout: 25_000 })
      expect(rosa.nodes()).toEqual([erl.name])
    })
  })
})

describe('gen_cluster, on its interval', () => {
  it('looks at once, and with refresh_interval_ms infinity no more', async () => {
    await using cluster = await Cluster.create()
    const clock = new FakeClock()
    const discover = vi.fn(() => [])
    const strategy = { name: 'counted', discover }
    const a = await cluster.start('a', { clock, mesh: false })
    await a.topology('once', { strategy, interval: Number.POSITIVE_INFINITY }).refresh()
    const asked = discover.mock.calls.length
    clock.advance(3_600_000)
    expect(discover).toHaveBeenCalledTimes(asked)
  })

  it('does not disconnect who was removed, but does not look for it once it is gone', async () => {
    await using cluster = await Cluster.create()
    const b = await cluster.start('b', { mesh: false })
    const names = [b.name]
    const a = await cluster.start('a', { mesh: false, topologies: { app: { strategy: () => names } } })
    const app = a.topology('app')
    expect((await app.refresh()).connected).toEqual([b.name])
    names.length = 0
    expect(await app.refresh()).toMatchObject({ found: [], pruned: [] })
    expect(a.nodes()).toEqual([b.name])
    const down = event(a, 'nodedown', b.name)
    await b.close()
    await down
    expect(a.nodes('known')).toEqual([])
  })

  it('joins additional clusters by hand, each with its own way to find nodes', async () => {
    await using cluster = await Cluster.create()
    const [b, c] = [await cluster.start('b', { mesh: false }), await cluster.start('c', { mesh: false })]
    const a = await cluster.start('a', { mesh: false, topologies: { boot: { strategy: staticNodes([b.name]) } } })
    const additional = a.topology('additional', { strategy: staticNodes([c.name]) })
    const results = await Promise.all([a.topology('boot').refresh(), additional.refresh()])
    expect(results.map(({ connected }) => connected)).toEqual([[b.name], [c.name]])
    await additional.close()
    expect(a.topology('boot').state).toBe('running')
  })
})

/** `gc_discover`: `init/1` answers a state, `peers/1` the nodes. */
class Registry implements PullStrategy {
  readonly name = 'registry'
  readonly asked: string[] = []
  peers: string[] = []

  discover({ self }: StrategyContext): string[] {
    this.asked.push(self.full)
    return this.peers
  }
}

/** `gc_dist`: `members/1`, `connect/2`, `disconnect/2`, over anything but distribution. */
class Overlay {
  readonly members = new Set<string>()
  readonly ignored = new Set<string>()

  connect(name: string): boolean {
    if (this.ignored.has(name)) return false
    this.members.add(name)
    return true
  }

  disconnect(name: string): boolean {
    return this.members.delete(name)
  }
}

describe('gen_cluster, third-party discovery and connection', () => {
  it('connects through its own gc_dist to whom its own gc_discover finds', async () => {
    await using cluster = await Cluster.create()
    const [registry, overlay] = [new Registry(), new Overlay()]
    const a = await cluster.start('a')
    const additional = a.topology('overlay', {
      strategy: registry,
      interval: Number.POSITIVE_INFINITY,
      prune: { after: 0 },
      connect: ({ name }) => overlay.connect(name),
      disconnect: (name) => overlay.disconnect(name),
      list: () => overlay.members,
    })
    await additional.refresh()
    registry.peers = ['b@10.0.0.2', 'c@10.0.0.3', a.name]
    overlay.ignored.add('c@10.0.0.3')
    const result = await additional.refresh()
    expect(result.connected).toEqual(['b@10.0.0.2'])
    expect(result.failed).toMatchObject([{ node: 'c@10.0.0.3', action: 'connect' }])
    expect([...overlay.members]).toEqual(['b@10.0.0.2'])

    overlay.ignored.clear()
    registry.peers = ['c@10.0.0.3']
    expect(await additional.refresh()).toMatchObject({ connected: ['c@10.0.0.3'], pruned: ['b@10.0.0.2'] })
    expect([...overlay.members]).toEqual(['c@10.0.0.3'])
    expect(new Set(registry.asked)).toEqual(new Set([a.name]))
    expect(a.nodes()).toEqual([])
  })
})
