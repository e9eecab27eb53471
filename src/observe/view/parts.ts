export interface DiscoveryView {
  /** Of all nodes that tell; by node, then name. At most 200. */
  readonly topologies: readonly TopologyView[]
  readonly total: number
}

export interface TopologyView {
  readonly node: string
  readonly name: string
  /** The strategy's name: `dns`. */
  readonly strategy: string
  /** `pull`: asked each interval. `push`: tells by itself. */
  readonly mode: 'pull' | 'push'
  readonly state: 'running' | 'paused'
  /** Milliseconds; null: only when asked. */
  readonly interval: number | null
  /** When the last lookup that succeeded ended. */
  readonly refreshedAt: number | null
  /** When the next one is due; null when it is paused or tells by itself. */
  readonly nextAt: number | null
  /** At most 100 names of each of the following; the counts are whole. */
  readonly found: readonly string[]
  readonly connected: readonly string[]
  /** Found, and not connected. */
  readonly missing: readonly { readonly node: string; readonly reason: string | null }[]
  readonly counts: { readonly found: number; readonly connected: number; readonly missing: number }
  /** Why the last lookup failed, or what parts of it are missing; at most 10. */
  readonly errors: readonly string[]
  /** What was found that is no node name; at most 10. */
  readonly rejected: readonly { readonly value: string; readonly reason: string }[]
  /** Whether this observatory may refresh, pause and resume it. */
  readonly actions: boolean
}

export interface ProcessesView {
  /** This node first, then by name; at most 100. `Observatory.page` has more of each. */
  readonly nodes: readonly NodeProcesses[]
  readonly total: number
}

export interface NodeProcesses {
  readonly node: string
  readonly count: number
  /** Registered names, in order; at most 50. */
  readonly names: readonly string[]
  readonly nameCount: number
  /** The longest mailboxes first, then those that have a name; at most 20. Empty for BEAM nodes. */
  readonly top: readonly ProcessView[]
}

export interface ProcessView {
  /** `<0.12.0>`, as its node prints it. */
  readonly pid: string
  readonly name: string | null
  /** `service`: belongs to its node. */
  readonly kind: 'process' | 'server' | 'supervisor' | 'service'
  readonly mailboxLength: number
  readonly mailboxBytes: number
  /** Messages lost because the mailbox was full. */
  readonly dropped: number
  /** How many processes it is linked with. */
  readonly links: number
  /** How many it monitors, and how many monitor it. */
  readonly monitors: number
  readonly monitoredBy: number
  readonly startedAt: number
  readonly trapExit: boolean
}

export interface PubSubsView {
  /** By name; at most 50. */
  readonly pubsubs: readonly PubSubView[]
  readonly total: number
}

export interface PubSubView {
  readonly name: string
  /** `mesh`, `nats`; of this node's own, else of the first that tells. */
  readonly engine: string
  /** Whether this node takes part: only then messages can be tailed. */
  readonly here: boolean
  readonly nodes: readonly PubSubNode[]
  /** The most subscribed first; at most 100. `Observatory.page` has more. */
  readonly topics: readonly TopicView[]
  /** How many topics there are, as far as nodes tell; those of many nodes are counted once if they are in `topics`. */
  readonly topicCount: number
}

export interface PubSubNode {
  readonly node: string
  readonly subscriptions: number
  readonly topics: number
  /** Rates, per second. */
  readonly published: number
  readonly received: number
  readonly delivered: number
  /** Lost since it was opened, in all and by cause. */
  readonly dropped: number
  readonly droppedBy: Readonly<Record<string, number>>
  /** Values kept for late subscribers. */
  readonly retained: { readonly topics: number; readonly bytes: number }
}

export interface TopicView {
  readonly topic: string
  /** It is a pattern, such as `sensor:*`. */
  readonly pattern: boolean
  readonly subscribers: number
  /** By node, the most first. */
  readonly nodes: readonly { readonly node: string; readonly subscribers: number }[]
}

export interface StoresView {
  /** By name; at most 50. */
  readonly stores: readonly StoreView[]
  readonly total: number
}

export interface StoreView {
  readonly name: string
  readonly engine: string
  /** Whether this node takes part. */
  readonly here: boolean
  /** Who orders writes, by most nodes' word; null: nobody known. */
  readonly loader: string | null
  /** The nodes do not agree on the loader. */
  readonly split: boolean
  readonly epoch: number
  /** Fixed voters; empty: none are named. */
  readonly members: readonly string[]
  /** Keys with a value. `Observatory.page` tells which; values are never shown. */
  readonly size: number
  readonly nodes: readonly StoreNode[]
  /** By name; at most 100. */
  readonly functions: readonly FunctionView[]
  readonly functionCount: number
}

export interface StoreNode {
  readonly node: string
  readonly role: 'loader' | 'follower' | 'recovering' | 'joining' | 'alone' | 'closed'
  readonly loader: string | null
  readonly epoch: number
  /** The last write applied there. */
  readonly sequence: number
  readonly size: number
  /** Since it was opened there. */
  readonly hits: number
  readonly misses: number
  readonly stale: number
  readonly computed: number
  readonly failed: number
  readonly conflicts: number
  readonly dropped: number
}

export interface FunctionView {
  readonly name: string
  readonly version: string
  /** Of its source. */
  readonly hash: string
  /** Where it is compiled. */
  readonly nodes: readonly string[]
  /** Nodes that could not compile or do not allow it, with the reason. */
  readonly errors: readonly { readonly node: string; readonly reason: string }[]
}
