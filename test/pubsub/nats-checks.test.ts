import { expect, it } from 'vitest'
import { nats } from '../../src/pubsub/nats/index.ts'
import { pubsubEngineChecks } from '../../src/testing/pubsub-engine-checks.ts'
import { Cluster } from '../node/cluster.ts'
import { NatsServer } from '../support/nats-server.ts'
import { describeTools } from '../support/tools.ts'

describeTools('the NATS engine, as an engine', ['nats-server'], () => {
  const checks = pubsubEngineChecks(async () => {
    const server = await NatsServer.start()
    const cluster = await Cluster.create()
    const nodes = await Promise.all(['a', 'b', 'c'].map((alive) => cluster.start(alive)))
    return {
      engine: nats({ servers: server.address }),
      nodes,
      async close() {
        await cluster[Symbol.asyncDispose]()
        await server[Symbol.asyncDispose]()
      },
    }
  })

  for (const { name, run } of checks) {
    it(name, async () => {
      await expect(run()).resolves.toBeUndefined()
    })
  }
})
