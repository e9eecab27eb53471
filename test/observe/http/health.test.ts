import { describe, expect, it } from 'vitest'
import { ask, StandIn } from './stage.ts'

describe('/ready', () => {
  it('waits for as many nodes as it was told to, and says 503 while the node leaves', async () => {
    const node = new StandIn()
    await using dashboard = await node.open({ readyNodes: 2 })
    const probe = async () => {
      const { body, status } = await ask(dashboard.address.port, 'GET /ready HTTP/1.1')
      return [status, JSON.parse(body)]
    }
    node.peerNames = ['b@127.0.0.1']
    const nodes = { connected: 1, needed: 2 }
    expect(await probe()).toEqual([503, { ready: false, reason: 'connected to 1 of 2 nodes', nodes }])
    node.peerNames.push('c@127.0.0.1')
    expect(await probe()).toEqual([200, { ready: true, nodes: { connected: 2, needed: 2 } }])
    node.leaving = true
    expect(await probe()).toEqual([
      503,
      { ready: false, reason: 'the node is leaving', nodes: { connected: 2, needed: 2 } },
    ])
    // It is as alive as before: nothing to restart it for.
    expect((await ask(dashboard.address.port, 'GET /alive HTTP/1.1')).status).toBe(200)
  })

  it('needs no other node unless told otherwise', async () => {
    const node = new StandIn()
    await using dashboard = await node.open()
    expect((await ask(dashboard.address.port, 'GET /ready HTTP/1.1')).status).toBe(200)
  })
})

describe('what is open', () => {
  it('is alive and ready, unless the option says otherwise', async () => {
    const node = new StandIn()
    const token = 'correct-horse-battery'
    await using usual = await node.open({ token })
    await using none = await node.open({ token, open: [] })
    await using metrics = await node.open({ token, open: ['metrics'] })
    const statuses = async (port: number) => {
      const answers = ['/alive', '/ready', '/metrics'].map((path) =>
        ask(port, `GET ${path} HTTP/1.1\nHost: 10.1.2.3:${port}`),
      )
      return (await Promise.all(answers)).map(({ status }) => status)
    }
    expect(await statuses(usual.address.port)).toEqual([200, 200, 403])
    expect(await statuses(none.address.port)).toEqual([403, 403, 403])
    expect(await statuses(metrics.address.port)).toEqual([403, 403, 200])
    expect((await ask(usual.address.port, 'POST /alive HTTP/1.1', '{}')).status).toBe(401)
  })
})
