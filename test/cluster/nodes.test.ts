import { describe, expect, it, vi } from 'vitest'
import { localEpmd } from '../../src/cluster/strategies/local-epmd.ts'
import { staticNodes } from '../../src/cluster/strategies/static-nodes.ts'
import type { FoundNode } from '../../src/cluster/strategy.ts'
import { FakeClock } from '../../src/testing/fake-clock.ts'
import { startNode, type TsunagiNode } from '../../src/tsunagi.ts'
import { Cluster, event } from '../node/cluster.ts'

const A = 'a@127.0.0.1'
const B = 'b@127.0.0.1'
const C = 'c@127.0.0.1'

/** Waits until each of these nodes is connected to all others. */
async function meshed(nodes: readonly TsunagiNode[]): Promise<void> {
  for (const node of nodes) await node.ready({ nodes: nodes.length - 1, timeout: 25_000 })
}

describe('topologies of real nodes', () => {
  it('connect ten nodes to each other that only the EPMD knows', async () => {
    await using cluster = await Cluster.create()
    const nodes: TsunagiNode[] = []
    for (let i = 0; i < 10; i++) {
      const topologies = { local: { strategy: localEpmd(), interval: 200 } }
      nodes.push(await cluster.start(`n${i}`, { mesh: false, topologies }))
    }
    await meshed(nodes)
    for (const node of nodes) {
      const others = nodes.filter((other) => other !== node).map(({ name }) => name)
      expect(node.nodes().sort()).toEqual(others.sort())
    }
  })

  it('connect a node again that went and came back', async () => {
    await using cluster = await Cluster.create()
    const local = { mesh: false, topologies: { local: { strategy: localEpmd(), interval: 50 } } }
    const a = await cluster.start('a', local)
    const b = await cluster.start('b', local)
    await meshed([a, b])
    const down = event(a, 'nodedown', B)
    await b.close()
    await down
    const up = event(a, 'nodeup', B)
    await cluster.start('b', { mesh: false })
    await up
    expect(a.nodes()).toEqual([B])
  })

  it('cut the link to whom they found once and nobody wants any more', async () => {
    await using cluster = await Cluster.create()
    let names = [B]
    const a = await cluster.start('a', {
      mesh: false,
      topologies: { app: { strategy: () => names, interval: Number.POSITIVE_INFINITY, prune: { after: 0 } } },
    })
    await cluster.start('b', { mesh: false })
    const app = a.topology('app')
    expect((await app.refresh()).connected).toEqual([B])
    names = []
    const down = event(a, 'nodedown', B)
    expect((await app.refresh()).pruned).toEqual([B])
    expect((await down)[1].reason).toBe('disconnect')
    names = [B]
    expect((await app.refresh()).connected).toEqual([B])
    await a.connect(B)
    names = []
    expect((await app.refresh()).pruned).toEqual([])
    expect(a.nodes()).toEqual([B])
  })

  it('cut it in a mesh too, each for itself, and learn of it again when it comes up anew', async () => {
    await using cluster = await Cluster.create()
    let names = [A, B, C]
    const topologies = {
      app: { strategy: () => names, interval: Number.POSITIVE_INFINITY, prune: { after: 0 } },
    }
    const a = await cluster.start('a', { topologies })
    const b = await cluster.start('b', { topologies })
    const c = await cluster.start('c')
    for (const node of [a, b]) await node.topology('app').refresh()
    await meshed([a, b, c])
    names = [A, B]
    const gone = [event(a, 'nodedown', C), event(b, 'nodedown', C)]
    expect((await a.topology('app').refresh()).pruned).toEqual([C])
    expect((await b.topology('app').refresh()).pruned).toEqual([C])
    await Promise.all(gone)
    await vi.waitFor(() => expect(c.nodes()).toEqual([]), { timeout: 15_000 })
    expect([a.nodes(), b.nodes()]).toEqual([[B], [A]])
    await c.connect(A)
    await meshed([a, b, c])
  })

  it('do not dial on hearsay whom their filter does not mean', async () => {
    await using cluster = await Cluster.create()
    const filter = (name: string): boolean => name !== C
    const a = await cluster.start('a', { topologies: { app: { strategy: staticNodes([B, C]), filter } } })
    const b = await cluster.start('b')
    await meshed([a, b])
    // Both are found by others, and seek nobody themselves.
    for (const name of ['c', 'd']) {
      const node = await cluster.start(name, { mesh: false })
      const up = event(b, 'nodeup', node.name)
      await node.connect(B)
      await up
    }
    await vi.waitFor(() => expect(a.nodes().sort()).toEqual([B, 'd@127.0.0.1']), { timeout: 25_000 })
    expect(a.nodes('known')).not.toContain(C)
    const up = event(a, 'nodeup', C)
    a.topology('other', { strategy: () => [] })
    await a.connect(C)
    await up
  })

  it('say why a node cannot be connected', async () => {
    await using cluster = await Cluster.create()
    const a = await cluster.start('a', { mesh: false })
    await cluster.start('b', { mesh: false, cookie: 'another' })
    const app = a.topology('app', { strategy: staticNodes([A, B, 'c@127.0.0.1']) })
    const { connected, failed } = await app.refresh()
    expect(connected).toEqual([])
    expect(failed).toEqual([
      { node: B, action: 'connect', error: expect.objectContaining({ code: 'ERR_CONNECT_COOKIE' }) },
      {
        node: 'c@127.0.0.1',
        action: 'connect',
        error: expect.objectContaining({ code: 'ERR_CONNECT_NOT_REGISTERED' }),
      },
    ])
  })

  it('dial a port without asking the EPMD', async () => {
    await using cluster = await Cluster.create()
    const b = await cluster.start('b', { epmd: false })
    const a = await cluster.start('a', { epmd: false })
    const app = a.topology('app', { strategy: () => [{ name: B, port: b.listening?.port as number }] })
    expect((await app.refresh()).connected).toEqual([B])
  })

  it('ask the EPMD again for a node whose port they found once, and then find without one', async () => {
    await using cluster = await Cluster.create()
    const fixed = await cluster.start('b', { epmd: false, mesh: false })
    let found: FoundNode = { name: B, port: fixed.listening?.port as number }
    const a = await cluster.start('a', { mesh: false })
    const app = a.topology('app', { strategy: () => [found], interval: Number.POSITIVE_INFINITY })
    expect((await app.refresh()).connected).toEqual([B])
    const down = event(a, 'nodedown', B)
    await fixed.close()
    await down
    await cluster.start('b', { mesh: false })
    found = { name: B }
    expect((await app.refresh()).connected).toEqual([B])
  })

  it('dial at once, on a refresh, who waits for the end of its backoff', async () => {
    await using cluster = await Cluster.create()
    // Nothing but the refresh can bring a dial about.
    const a = await cluster.start('a', { mesh: false, clock: new FakeClock() })
    const app = a.topology('app', { strategy: staticNodes([B]) })
    expect((await app.refresh()).failed).toMatchObject([{ node: B }])
    await cluster.start('b', { mesh: false })
    expect((await app.refresh()).connected).toEqual([B])
  })

  it('leave whom a user disconnected alone, until the user connects', async () => {
    await using cluster = await Cluster.create()
    const a = await cluster.start('a', { mesh: false })
    await cluster.start('b', { mesh: false })
    const app = a.topology('app', { strategy: staticNodes([B]) })
    await app.refresh()
    await a.disconnect(B)
    expect(await app.refresh()).toMatchObject({ found: [B], connected: [], connecting: [] })
    expect(a.nodes()).toEqual([])
    await a.connect(B)
    expect((await app.refresh()).connected).toEqual([B])
  })

  it('are there once, can be opened later, and close with the node', async () => {
    await using cluster = await Cluster.create()
    const strategy = staticNodes([B])
    const a = await cluster.start('a', { topologies: { app: { strategy } } })
    const app = a.topology('app')
    expect(a.topology('app', { strategy })).toBe(app)
    expect(() => a.topology('other')).toThrow(expect.objectContaining({ code: 'ERR_INVALID_OPTION' }))
    const other = a.topology('other', { strategy })
    const stopped = vi.fn()
    other.on('stopped', stopped)
    await a.close()
    expect(stopped).toHaveBeenCalledOnce()
    expect([app.state, other.state]).toEqual(['closed', 'closed'])
    expect(() => a.topology('third', { strategy })).toThrow(expect.objectContaining({ code: 'ERR_CLOSED' }))
  })

  it('are heard from their first event on by who listens right after the start', async () => {
    await using cluster = await Cluster.create()
    const a = await cluster.start('a', { topologies: { app: { strategy: staticNodes([B]) } } })
    const heard = vi.fn()
    a.topology('app').on('found', heard)
    await a.topology('app').refresh()
    expect(heard.mock.calls).toEqual([[{ name: B }]])
  })

  it('are checked before the node starts', async () => {
    const strategy = staticNodes([B])
    const start = startNode({ name: 'nobody@127.0.0.1', topologies: { app: { strategy, intervall: 1 } as never } })
    await expect(start).rejects.toMatchObject({ code: 'ERR_INVALID_OPTION', option: 'topologies.app.intervall' })
    await expect(startNode({ topologies: [] as never })).rejects.toMatchObject({ option: 'topologies' })
    await expect(startNode({ topologys: {} } as never)).rejects.toThrow('did you mean topologies?')
    await expect(startNode({ topologies: { '': { strategy } } })).rejects.toThrow('the name of a topology')
    await expect(startNode(null as never)).rejects.toMatchObject({ option: 'options' })
  })
})
