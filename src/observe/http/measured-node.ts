import type { Topology } from '../../cluster/topology.ts'
import type { LocalNode } from '../../node/local-node.ts'
import type { PubSub } from '../../pubsub/pubsub.ts'
import type { Store } from '../../store/store.ts'

/** The node that a dashboard belongs to, as far as it is measured here. */
export type DashboardNode = Pick<
  LocalNode,
  | 'acceptCounts'
  | 'certificates'
  | 'closed'
  | 'counts'
  | 'isReady'
  | 'links'
  | 'name'
  | 'nodes'
  | 'off'
  | 'on'
  | 'peers'
  | 'serviceHost'
  | 'survey'
> & {
  topologies(): readonly Topology[]
  pubsubs(): readonly PubSub[]
  stores(): readonly Store[]
}
