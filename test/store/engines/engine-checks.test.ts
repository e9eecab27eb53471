import { describe, expect, it } from 'vitest'
import type { EngineFactory } from '../../../src/store/engine.ts'
import { mesh } from '../../../src/store/engines/mesh.ts'
import { nats } from '../../../src/store/nats/index.ts'
import { storeEngineChecks } from '../../../src/testing/store-engine-checks.ts'
import type { TsunagiNode } from '../../../src/tsunagi.ts'
import { Cluster } from '../../node/cluster.ts'
import { NatsServer } from '../../support/nats-server.ts'
import { describeTools } from '../../support/tools.ts'
import { MemoryCluster } from '../memory-engine.ts'

/** Three nodes that know of each other, and an engine. */
async function world(engine: EngineFactory, server?: NatsServer) {
  const cluster = await Cluster.create()
  const names = ['a', 'b', 'c'].map((alive) => `${alive}@127.0.0.1`)
  const nodes: TsunagiNode[] = []
  for (const alive of ['a', 'b', 'c']) nodes.push(await cluster.start(alive, { connectTo: names }))
  return {
    engine,
    nodes,
    async close() {
      await cluster[Symbol.asyncDispose]()
      await server?.[Symbol.asyncDispose]()
    },
  }
}

describe('the engine of the tests, as an engine', () => {
  for (const { name, run } of storeEngineChecks(() => world(new MemoryCluster().factory()))) {
    it(name, async () => {
      await expect(run()).resolves.toBeUndefined()
    })
  }
})

describe('the mesh engine, as an engine', () => {
  for (const { name, run } of storeEngineChecks(() => world(mesh()))) {
    it(name, { timeout: 120_000 }, async () => {
      await expect(run()).resolves.toBeUndefined()
    })
  }
})

describeTools('the NATS engine, as an engine', ['nats-server'], () => {
  const checks = storeEngineChecks(async () => {
    const server = await NatsServer.start('jetstream: { store_dir: "js" }')
    return world(nats({ servers: server.address, storage: 'memory' }), server)
  })
  for (const { name, run } of checks) {
    it(name, { timeout: 120_000 }, async () => {
      await expect(run()).resolves.toBeUndefined()
    })
  }
})
