import { describe, expect, it } from 'vitest'
import { Cluster } from '../node/cluster.ts'
import { Inbox } from './stage.ts'

describe('a pub/sub', () => {
  it('brings what is broadcast on one node to the subscribers of all', async () => {
    await using cluster = await Cluster.create()
    const a = await cluster.start('a')
    const b = await cluster.start('b', { connectTo: [a.name] })
    const [pa, pb] = [a.pubsub('MyApp.PubSub'), b.pubsub('Elixir.MyApp.PubSub')]
    const here = new Inbox(pa, 'sensors')
    const there = new Inbox(pb, 'sensors')
    await Promise.all([pa.ready(), pb.ready()])
    expect(pa.broadcast('sensors', { temperature: 21.5 })).toBe(true)
    pb.broadcast('others', 'nobody')
    pb.broadcast('sensors', 'last')
    expect(await here.including('last')).toEqual([{ temperature: 21.5 }, 'last'])
    expect(await there.including('last')).toHaveLength(2)
    expect(pa.nodes()).toEqual([b.name])
  })
})
