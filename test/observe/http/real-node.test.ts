import { describe, expect, it } from 'vitest'
import { mountDashboard } from '../../../src/observe/index.ts'
import { Cluster } from '../../node/cluster.ts'
import { deferred } from '../../support/deferred.ts'
import { EventReader, serve } from './stage.ts'

describe('the dashboard of a node', () => {
  it('shows a peer come and go, with the reason', async () => {
    await using cluster = await Cluster.create()
    const a = await cluster.start('a', { dashboard: {} })
    await using page = await EventReader.open(`${a.dashboard?.url}api/events?sections=nodes,timeline`)
    const b = await cluster.start('b', { connectTo: a.name })
    const stateOf = (name: string) => page.last('nodes')?.nodes.find((it: { name: string }) => it.name === name)?.state
    await page.until(() => stateOf(b.name) === 'connected')
    await b.close()
    const down = await page.until(() =>
      page.events.find(({ data }) => data.kind === 'node-down' && data.peer === b.name),
    )
    expect(down.data.reason).toBe('connection_closed')
    expect(Number(down.id)).toBe(down.data.cursor)
  })

  it('tells probes that it is not ready from when the node leaves, until it is gone', async () => {
    await using cluster = await Cluster.create()
    const a = await cluster.start('a', { dashboard: { readyNodes: 1 } })
    const url = a.dashboard?.url
    const probe = async () => {
      const response = await fetch(`${url}ready`)
      return [response.status, await response.json()]
    }
    expect((await probe())[0]).toBe(503)
    const b = await cluster.start('b', { connectTo: a.name })
    await a.ready()
    expect((await probe())[0]).toBe(200)
    const running = deferred()
    const begun = deferred()
    a.expose('work', {
      run: async () => {
        begun.resolve()
        await running.promise
        return 'done'
      },
    })
    const result = b.rpc(a.name, 'work', 'run')
    await begun.promise
    const left = a.leave({ deadline: 60_000 })
    expect(await probe()).toEqual([
      503,
      { ready: false, reason: 'the node is leaving', nodes: { connected: 1, needed: 1 } },
    ])
    expect((await fetch(`${url}alive`)).status).toBe(200)
    running.resolve()
    expect(await result).toBe('done')
    await left
    await expect(fetch(`${url}alive`)).rejects.toThrow('fetch failed')
  })

  it('acts on behalf of a viewer, which everybody sees in the timeline', async () => {
    await using cluster = await Cluster.create()
    const b = await cluster.start('b')
    const a = await cluster.start('a', { connectTo: b.name })
    await a.ready()
    await using dashboard = await mountDashboard(a, { path: '/cluster', token: false, actions: true })
    await using server = await serve(dashboard.handler)
    const base = `http://127.0.0.1:${server.port}/cluster`
    await using page = await EventReader.open(`${base}/api/events?sections=timeline`)
    const response = await fetch(`${base}/api/actions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ action: 'disconnect', peer: b.name }),
    })
    expect(await response.json()).toMatchObject({ ok: true })
    expect(a.nodes()).toEqual([])
    const told = await page.until((it) => it.events.find(({ data }) => data.kind === 'action'))
    expect(told.data.text).toContain('127.0.0.1')
    const wrong = await fetch(`${base}/api/actions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"action":"halt"}',
    })
    expect(wrong.status).toBe(400)
  })

  it('is not there when its port is not, and neither is the node', async () => {
    await using cluster = await Cluster.create()
    const a = await cluster.start('a', { dashboard: {} })
    const port = a.dashboard?.address.port as number
    await expect(cluster.start('b', { dashboard: { port } })).rejects.toMatchObject({ code: 'ERR_LISTEN' })
    await expect(cluster.start('c', { dashboard: { host: '0.0.0.0' } })).rejects.toMatchObject({
      option: 'dashboard.token',
    })
    // Their names are free.
    await cluster.start('b')
    await cluster.start('c')
  })
})
