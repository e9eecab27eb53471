import type { Topology } from '../../cluster/topology.ts'
import type { LocalNode } from '../../node/local-node.ts'
import type { PubSub } from '../../pubsub/pubsub.ts'
import type { Store } from '../../store/store.ts'

/** A node that can be looked at: what `startNode` gives. */
export type ObservedNode = LocalNode & {
  topologies(): Topology[]
  pubsubs(): PubSub[]
  stores(): Store[]
}
