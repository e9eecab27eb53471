import { describe, expect, it } from 'vitest'
import { staticNodes } from '../../../src/cluster/index.ts'
import type { LinkInfo } from '../../../src/node/local-node.ts'
import { mountDashboard } from '../../../src/observe/http/dashboard.ts'
import { MeasuredLinks } from '../../../src/observe/http/measured-links.ts'
import { METRIC_ROWS } from '../../../src/observe/http/metric-rows.ts'
import type { TsunagiNode } from '../../../src/tsunagi.ts'
import { Cluster } from '../../node/cluster.ts'
import { FakeObservatory } from './fake-observatory.ts'
import { parseMetrics } from './prometheus.ts'
import { StandIn } from './stage.ts'

async function scrape(node: TsunagiNode, options = {}) {
  const dashboard = mountDashboard(node, new FakeObservatory(), { token: false, ...options })
  const read = async () => {
    const answer = await dashboard.fetch(new Request('http://127.0.0.1/metrics'), {
      incoming: { url: '/metrics', socket: { localAddress: '127.0.0.1', remoteAddress: '127.0.0.1' } } as never,
    })
    expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
    return parseMetrics(await answer.text())
  }
  return { read, [Symbol.asyncDispose]: () => dashboard.close() }
}

describe('/metrics', () => {
  it('tells of links, calls, processes, discovery, pub/sub and store, as Prometheus reads it', async () => {
    await using cluster = await Cluster.create()
    const b = await cluster.start('b')
    const a = await cluster.start('a', { topologies: { app: { strategy: staticNodes([b.name]) } } })
    await using metrics = await scrape(a, { processMetrics: false })
    await metrics.read()
    await Promise.all([a.ready(), b.ready()])
    const pubsub = a.pubsub('MyApp.PubSub')
    pubsub.subscribe('t')
    pubsub.broadcast('t', 'hello')
    const store = a.store()
    await store.get('key', () => 1)
    await store.get('key', () => 1)
    b.expose('math', { double: (n: number) => n * 2 })
    await a.rpc(b.name, 'math', 'double', [2])
    await a.call({ name: 'nobody', node: b.name }, 'hello').catch(() => {})
    await a.connect(`nobody@127.0.0.1:1`).catch(() => {})
    const families = await metrics.read()
    const value = (name: string, labels: Record<string, string> = {}) => {
      const wanted = Object.entries(labels)
      const sample = families.get(name)?.samples.find((it) => wanted.every(([key, text]) => it.labels[key] === text))
      return sample?.value
    }
    expect(families.get('tsunagi_node_info')?.samples[0]?.value).toBe(1)
    expect(value('tsunagi_connected_nodes', { type: 'hidden' })).toBe(1)
    expect(value('tsunagi_links_established_total')).toBe(1)
    expect(value('tsunagi_link_sent_bytes_total', { peer: b.name })).toBeGreaterThan(0)
    expect(value('tsunagi_dial_failures_total', { code: 'ERR_CONNECT_REFUSED' })).toBeGreaterThan(0)
    expect(value('tsunagi_missing_nodes')).toBe(1)
    expect(value('tsunagi_discovery_found_nodes', { topology: 'app' })).toBe(1)
    expect(value('tsunagi_discovery_connected_nodes', { topology: 'app' })).toBe(1)
    expect(value('tsunagi_discovery_failing', { topology: 'app' })).toBe(0)
    const refreshed = value('tsunagi_discovery_last_success_timestamp_seconds', { topology: 'app' }) ?? 0
    expect(Math.abs(Date.now() / 1000 - refreshed)).toBeLessThan(60)
    expect(value('tsunagi_pubsub_delivered_total', { pubsub: 'MyApp.PubSub' })).toBe(1)
    expect(families.get('tsunagi_store_keys')?.samples[0]?.value).toBe(1)
    expect(families.get('tsunagi_store_hits_total')?.samples[0]?.value).toBe(1)
    const calls = families.get('tsunagi_call_duration_seconds')?.samples.filter(({ name }) => name.endsWith('_count'))
    const labels = calls?.map(({ labels, value }) => ({ ...labels, value }))
    expect(labels).toContainEqual({ kind: 'rpc', result: 'ok', value: 1 })
    expect(labels).toContainEqual({ kind: 'call', result: 'ERR_NOPROC', value: 1 })
    const told = [...families.keys()].filter((name) => name.startsWith('tsunagi_'))
    expect(told).toEqual(expect.arrayContaining(METRIC_ROWS.map(({ name }) => name)))
  })

  it('tells of the process as everybody does, once for all its nodes', async () => {
    await using cluster = await Cluster.create()
    const a = await cluster.start('a')
    await using first = await scrape(a)
    await using second = await scrape(a)
    const families = await first.read()
    expect(families.has('process_cpu_seconds_total')).toBe(true)
    expect(families.has('nodejs_eventloop_lag_p99_seconds')).toBe(true)
    expect((await second.read()).has('process_resident_memory_bytes')).toBe(true)
  })

  it('escapes whatever a name holds', async () => {
    const node = new StandIn()
    const hostile = 'a"} 1\nevil_metric{x="\\@h'
    node.links = () => [linkOf(hostile)] as never
    await using dashboard = node.mount({ processMetrics: false })
    const answer = await dashboard.fetch(new Request('http://127.0.0.1/metrics'))
    const families = parseMetrics(await answer.text())
    expect(families.get('tsunagi_link_received_bytes_total')?.samples).toEqual([
      { name: 'tsunagi_link_received_bytes_total', labels: { peer: hostile }, value: 1 },
    ])
    expect(families.has('evil_metric')).toBe(false)
  })
})

describe('the peers that are told of', () => {
  it('are two hundred, and what the others are together', () => {
    const links = new MeasuredLinks()
    const peers = Array.from({ length: 300 }, (_, i) => linkOf(`n${i}@h`))
    const measured = links.measure(peers, [])
    expect(measured).toHaveLength(201)
    expect(measured.at(-1)).toMatchObject({ peer: 'other', bytesIn: 100 })
    // Who was named stays so, and who is gone makes room.
    const later = links.measure(peers.slice(150), [])
    expect(later.map(({ peer }) => peer)).toEqual(peers.slice(150).map(({ node }) => node))
  })
})

function linkOf(node: string): LinkInfo {
  const counts = { bytesIn: 1, bytesOut: 1, messagesIn: 1, messagesOut: 1, queuedBytes: 0 }
  return { node, nodeType: 'hidden', address: undefined, tls: undefined, ...counts }
}
