import { expectTypeOf, it } from 'vitest'
import {
  custom,
  type DiscoveryError,
  type FoundNode,
  localEpmd,
  type PullStrategy,
  type RefreshResult,
  type Strategy,
  type Topology,
  type TopologyOptions,
} from '../../src/cluster/index.ts'
import type { StartOptions, TsunagiNode } from '../../src/index.ts'

it('a strategy is an object, or just a function', () => {
  expectTypeOf(localEpmd()).toEqualTypeOf<PullStrategy>()
  expectTypeOf(custom(() => [])).toEqualTypeOf<Strategy>()
  expectTypeOf(async () => ['a@host', { name: 'b@host', port: 9100 }]).toExtend<TopologyOptions['strategy']>()
  expectTypeOf(() => ({ nodes: ['a@host'], errors: [] })).toExtend<TopologyOptions['strategy']>()
  // @ts-expect-error numbers are no nodes
  expectTypeOf(() => [1]).toExtend<TopologyOptions['strategy']>()
})

it('the events of a topology have types', () => {
  const topology = {} as Topology
  topology.on('refreshed', (result) => expectTypeOf(result).toEqualTypeOf<RefreshResult>())
  topology.on('discovery-failed', (error) => expectTypeOf(error).toEqualTypeOf<DiscoveryError>())
  topology.on('found', (node) => expectTypeOf(node).toEqualTypeOf<FoundNode>())
  topology.on('lost', (name) => expectTypeOf(name).toEqualTypeOf<string>())
  expectTypeOf(topology.refresh).returns.resolves.toEqualTypeOf<RefreshResult>()
})

it('a node starts with topologies, and opens others later', () => {
  expectTypeOf({ topologies: { app: { strategy: localEpmd() } } }).toExtend<StartOptions>()
  expectTypeOf<TsunagiNode['topology']>().returns.toEqualTypeOf<Topology>()
})
