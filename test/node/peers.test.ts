import { describe, expect, it } from 'vitest'
import { Cluster, event } from './cluster.ts'

describe('what a node tells of those it knows', () => {
  it('says who is connected, by whose dial, since when, and on whose behalf', async () => {
    await using cluster = await Cluster.create()
    const b = await cluster.start('b')
    const a = await cluster.start('a', { connectTo: b.name })
    await Promise.all([a.ready(), b.ready()])
    expect(a.peers()).toEqual([
      {
        node: b.name,
        state: 'connected',
        ours: true,
        wantedBy: expect.arrayContaining(['connectTo']),
        upFor: expect.any(Number),
        dialled: true,
        ups: 1,
        retryIn: undefined,
        error: undefined,
        lost: undefined,
      },
    ])
    expect(b.peers()[0]).toMatchObject({ node: a.name, state: 'connected', dialled: false })
  })

  it('says why a link is gone, when the next dial is due, and that a peer is barred', async () => {
    await using cluster = await Cluster.create()
    const b = await cluster.start('b')
    const a = await cluster.start('a', { connectTo: b.name })
    await a.ready()
    const failed = event(a, 'connect-failed', b.name)
    await b.close()
    await failed
    expect(a.peers()[0]).toMatchObject({
      state: expect.stringMatching(/waiting|connecting/),
      upFor: undefined,
      ups: 1,
      lost: { reason: 'connection_closed', ago: expect.any(Number) },
      error: { code: expect.stringMatching(/^ERR_CONNECT_/) },
    })
    await a.disconnect(b.name)
    expect(a.peers()[0]).toMatchObject({ state: 'barred', retryIn: undefined, wantedBy: [] })
  })

  it('counts the links there have been', async () => {
    await using cluster = await Cluster.create()
    const b = await cluster.start('b')
    const a = await cluster.start('a', { connectTo: b.name })
    await a.ready()
    await a.disconnect(b.name)
    await a.connect(b.name)
    expect(a.peers()[0]).toMatchObject({ state: 'connected', ups: 2, lost: undefined })
  })
})
