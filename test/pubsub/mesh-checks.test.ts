import { describe, expect, it } from 'vitest'
import { mesh } from '../../src/pubsub/index.ts'
import { pubsubEngineChecks } from '../../src/testing/pubsub-engine-checks.ts'
import { Cluster } from '../node/cluster.ts'

describe('the mesh engine, as an engine', () => {
  const checks = pubsubEngineChecks(async () => {
    const cluster = await Cluster.create()
    const a = await cluster.start('a')
    const others = await Promise.all(['b', 'c'].map((alive) => cluster.start(alive, { connectTo: [a.name] })))
    const nodes = [a, ...others]
    await Promise.all(nodes.map((node) => node.ready({ nodes: 2, timeout: 20_000 })))
    return { engine: mesh(), nodes, close: () => cluster[Symbol.asyncDispose]() }
  })

  for (const { name, run } of checks) {
    it(name, async () => {
      await expect(run()).resolves.toBeUndefined()
    })
  }
})
