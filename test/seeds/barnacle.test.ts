// Barnacle's README, translated.
import { describe, expect, it, vi } from 'vitest'
import { custom, dns, localEpmd, staticNodes } from '../../src/cluster/index.ts'
import { FakeClock } from '../../src/testing/fake-clock.ts'
import { Dnsmasq } from '../cluster/strategies/dns/dnsmasq.ts'
import { Cluster } from '../node/cluster.ts'
import { describeOtp } from '../support/releases.ts'
import { Scene } from '../support/scene.ts'
import { describeTools } from '../support/tools.ts'

const A = 'my_app@127.0.0.1'
const B = 'other@127.0.0.1'

describeOtp('Barnacle, strategies', (release) => {
  it('local_epmd with a poll interval and a name tells its listener of the new nodes', async () => {
    await using scene = await Scene.open(release)
    const erl = await scene.erl()
    const node = await scene.node({ topologies: { my_barnacle: { strategy: localEpmd(), interval: 15_000 } } })
    const events = node.topology('my_barnacle').events()
    const seen: string[] = []
    for await (const event of events) {
      seen.push(event.type)
      if (event.type === 'refreshed') {
        expect(event.result.connected).toEqual([erl.name])
        break
      }
    }
    expect(seen).toEqual(['found', 'refreshed'])
  })

  it('epmd connects to a known list', async () => {
    await using scene = await Scene.open(release)
    const [one, other] = await Promise.all([scene.erl(), scene.erl()])
    const node = await scene.node({ mesh: false })
    const barnacle = node.topology('barnacle', { strategy: staticNodes([one.name, other.name]) })
    expect((await barnacle.refresh()).connected).toEqual([one.name, other.name])
  })
})

describeTools('Barnacle, DNS', ['dnsmasq'], () => {
  it('dns connects to the nodes of a basename at the addresses of a host', async () => {
    await using cluster = await Cluster.create()
    await using server = await Dnsmasq.open({ hosts: { 'my_app.example.com': ['127.0.0.1'] } })
    await cluster.start('other', { mesh: false })
    const node = await cluster.start('my_app', { mesh: false })
    const resolver = { servers: [server.address], search: [], ndots: 1 }
    const strategy = dns({ query: 'my_app.example.com', basename: 'other', ...resolver })
    expect((await node.topology('barnacle', { strategy }).refresh()).connected).toEqual([B])
    // Without a basename it is the node's own: here there is nobody else of it.
    const own = node.topology('own', { strategy: dns({ query: 'my_app.example.com', ...resolver }) })
    expect((await own.refresh()).found).toEqual([])
  })
})

describe('Barnacle, started', () => {
  it('under a supervisor, opens anew with it, and closes with it', async () => {
    await using cluster = await Cluster.create()
    const b = await cluster.start('other', { mesh: false })
    const node = await cluster.start('my_app', { mesh: false })
    const open = () => node.topology('my_barnacle', { strategy: staticNodes([B]), interval: 15_000 })
    const supervisor = await node.supervise({ children: [{ id: 'barnacle', start: open }] })
    const first = node.topology('my_barnacle')
    expect((await first.refresh()).connected).toEqual([B])
    expect(b.nodes()).toEqual([A])

    await supervisor.terminateChild('barnacle')
    expect(first.state).toBe('closed')
    await supervisor.restartChild('barnacle')
    const second = node.topology('my_barnacle')
    expect(second).not.toBe(first)
    expect((await second.refresh()).connected).toEqual([B])
    await supervisor.close()
    expect(second.state).toBe('closed')
  })

  it('standalone', async () => {
    await using cluster = await Cluster.create()
    const b = await cluster.start('other', { mesh: false })
    const node = await cluster.start('my_app', { mesh: false, topologies: { barnacle: { strategy: localEpmd() } } })
    await node.ready({ timeout: 25_000 })
    expect([node.nodes(), b.nodes()]).toEqual([[B], [A]])
  })
})

describe('Barnacle, a custom strategy', () => {
  it('is one function', async () => {
    await using cluster = await Cluster.create()
    await cluster.start('other', { mesh: false })
    const node = await cluster.start('my_app', { mesh: false })
    const barnacle = node.topology('barnacle', { strategy: custom(() => [B]) })
    expect((await barnacle.refresh()).connected).toEqual([B])
    barnacle.update({ strategy: () => [] })
    expect(await barnacle.refresh()).toMatchObject({ found: [], connected: [] })
  })

  it('takes functions that connect, disconnect and list', async () => {
    await using cluster = await Cluster.create()
    const members = new Set(['gone@10.0.0.9'])
    let found = ['b@10.0.0.2', 'gone@10.0.0.9']
    const node = await cluster.start('my_app')
    const barnacle = node.topology('barnacle', {
      strategy: custom(() => found),
      connect: ({ name }) => void members.add(name),
      disconnect: (name) => void members.delete(name),
      list: () => members,
      prune: { after: 0 },
    })
    await barnacle.refresh()
    found = ['b@10.0.0.2']
    expect(await barnacle.refresh()).toMatchObject({ connected: ['b@10.0.0.2'], pruned: ['gone@10.0.0.9'] })
    expect([...members]).toEqual(['b@10.0.0.2'])
  })
})

describe('Barnacle, events and manual interactions', () => {
  it('pauses, refreshes and shuts down by hand, and tells of each', async () => {
    await using cluster = await Cluster.create()
    const clock = new FakeClock()
    const discover = vi.fn(() => [] as string[])
    const node = await cluster.start('my_app', { clock, mesh: false })
    const barnacle = node.topology('my_barnacle', { strategy: { name: 'mine', discover }, interval: 15_000 })
    const heard: string[] = []
    for (const event of ['refreshed', 'paused', 'resumed', 'stopped'] as const) {
      barnacle.on(event, () => void heard.push(event))
    }
    await barnacle.runOnce()
    heard.length = 0

    barnacle.pause()
    const asked = discover.mock.calls.length
    clock.advance(60_000)
    expect(discover).toHaveBeenCalledTimes(asked)
    // Barnacle polls again after a refresh by hand, too.
    await barnacle.refresh({ timeout: 10_000 })
    expect(barnacle.state).toBe('running')
    await barnacle.close()
    clock.advance(60_000)
    expect(discover).toHaveBeenCalledTimes(asked + 1)
    expect(heard).toEqual(['paused', 'resumed', 'refreshed', 'stopped'])
    await expect(barnacle.refresh()).rejects.toMatchObject({ code: 'ERR_CLOSED' })
  })

  it('tells of a refresh that failed, and why', async () => {
    await using cluster = await Cluster.create()
    const node = await cluster.start('my_app')
    const failing = custom(() => Promise.reject(new Error('the registry is on fire')))
    const barnacle = node.topology('my_barnacle', { strategy: failing, interval: 15_000 })
    const events = barnacle.events()
    const { value } = await events.next()
    expect(value).toMatchObject({ type: 'discovery-failed', error: { code: 'ERR_DISCOVERY' } })
    await expect(barnacle.refresh()).rejects.toMatchObject({ cause: { message: 'the registry is on fire' } })
  })
})
