import { expect, it } from 'vitest'
import { nats } from '../../src/pubsub/nats/index.ts'
import { Cluster } from '../node/cluster.ts'
import { NatsServer } from '../support/nats-server.ts'
import { describeTools } from '../support/tools.ts'
import { Inbox } from './stage.ts'

describeTools('the NATS engine', ['nats-server'], () => {
  it('brings what is broadcast on one node to the subscribers of all, without a link between them', async () => {
    await using server = await NatsServer.start()
    await using cluster = await Cluster.create()
    const [a, b] = await Promise.all([cluster.start('a'), cluster.start('b')])
    const engine = nats({ servers: server.address })
    const [pa, pb] = [a.pubsub('MyApp.PubSub', { engine }), b.pubsub('MyApp.PubSub', { engine })]
    const here = new Inbox(pa, 'sensors')
    const there = new Inbox(pb, 'sensors')
    await Promise.all([pa.ready({ nodes: 1 }), pb.ready({ nodes: 1 })])
    expect(pa.broadcast('sensors', { temperature: 21.5 })).toBe(true)
    pb.broadcast('others', 'nobody')
    await there.atLeast(1)
    pb.broadcast('sensors', 'last')
    expect(await here.including('last')).toEqual([{ temperature: 21.5 }, 'last'])
    expect(await there.including('last')).toEqual([{ temperature: 21.5 }, 'last'])
    expect(pa.nodes()).toEqual([b.name])
    expect(a.nodes()).toEqual([])
  })
})
