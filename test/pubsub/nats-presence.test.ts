import { once } from 'node:events'
import { expect, it } from 'vitest'
import { nats } from '../../src/pubsub/nats/index.ts'
import type { Presence } from '../../src/pubsub/presence/presence.ts'
import type { PubSub } from '../../src/pubsub/pubsub.ts'
import { Cluster } from '../node/cluster.ts'
import { NatsServer } from '../support/nats-server.ts'
import { describeTools } from '../support/tools.ts'

const times = { broadcastPeriod: 50, maxSilentPeriods: 10, downPeriod: 20_000 }

/** Resolves when exactly these are on the topic. */
async function shows(presence: Presence, ...keys: string[]): Promise<void> {
  while ([...presence.list('room').keys()].sort().join() !== keys.join()) {
    await Promise.race([once(presence, 'join'), once(presence, 'leave')])
  }
}

describeTools('presence on NATS', ['nats-server'], () => {
  it('is the same on all nodes, without a link between them, and through a restart of the server', async () => {
    await using server = await NatsServer.start()
    await using cluster = await Cluster.create()
    const nodes = await Promise.all(['a', 'b'].map((alive) => cluster.start(alive)))
    const engine = nats({ servers: server.address })
    const pubsubs = nodes.map((node) => node.pubsub('MyApp.PubSub', { engine })) as [PubSub, PubSub]
    const [here, there] = pubsubs.map((pubsub) => pubsub.presence({ name: 'MyApp.Presence', ...times })) as [
      Presence,
      Presence,
    ]
    await Promise.all(pubsubs.map((pubsub) => pubsub.ready({ nodes: 1, timeout: 20_000 })))
    const ann = here.track('room', 'ann', { device: 'phone' })
    there.track('room', 'bob')
    await Promise.all([shows(here, 'ann', 'bob'), shows(there, 'ann', 'bob')])
    expect(there.list('room').get('ann')).toMatchObject([{ device: 'phone' }])

    const down = Promise.all(pubsubs.map((pubsub) => once(pubsub, 'engine-down')))
    await server.stop()
    await down
    const up = Promise.all(pubsubs.map((pubsub) => once(pubsub, 'engine-up')))
    ann.untrack()
    there.track('room', 'cid')
    await server.resume()
    await up
    await Promise.all([shows(here, 'bob', 'cid'), shows(there, 'bob', 'cid')])
    expect(here.list('room').size).toBe(2)
  })
})
