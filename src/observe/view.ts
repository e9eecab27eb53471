/**
 * What an observatory shows, as it is sent to a page or printed by a command: types only, and plain JSON.
 *
 * Times (`at`, `since`, `…At`) are milliseconds since 1970 by the clock of the node that shows; times that other nodes told
 * are set right by what their clocks differ. Durations are milliseconds, sizes bytes, rates per second, shares 0 to 1. What
 * is not known is null. Nothing in here changes only because time passes, but for {@link Overview.at}.
 *
 * **All text that comes from the cluster (names, terms, topics, keys, errors) is data of strangers.** It is cut to
 * a length, but may hold any character: show it as text, never as HTML.
 */

/** All sections, by name: `GET /api/<name>`, and the events of `GET /api/events`. */
export interface View {
  readonly overview: Overview
  readonly nodes: NodesView
  readonly links: LinksView
  readonly matrix: MatrixView
  readonly discovery: DiscoveryView
  readonly processes: ProcessesView
  readonly pubsub: PubSubsView
  readonly store: StoresView
  readonly charts: ChartsView
  readonly timeline: TimelineView
}

export type SectionName = keyof View

// ---------------------------------------------------------------------------------------------------------- overview

/** `good`: as it should be. `warning`: something is on its way, or not as it should be. `alarm`: nodes do not see each other. */
export type Level = 'good' | 'warning' | 'alarm'

/** How the whole cluster stands, in words. */
export interface Verdict {
  readonly level: Level
  /** The whole sentence: `5 nodes, fully connected, stable for 3 h`; `c@host does not see b@host since 12:03:10`. */
  readonly sentence: string
  /** The sentence without its times: `5 nodes, fully connected`. */
  readonly text: string
  /** Since when it is so. */
  readonly since: number
  /** What is wrong, the worst first; at most 20, the first of them in the sentence. */
  readonly problems: readonly Problem[]
}

/** One thing that is not as it should be. */
export interface Problem {
  readonly level: 'warning' | 'alarm'
  /** `c@host does not see b@host`. */
  readonly text: string
  readonly since: number
  /** Whom it is about. */
  readonly nodes: readonly string[]
}

export interface Overview {
  /** When this was made. It changes with each reading and counts for no change of the section. */
  readonly at: number
  /** Another one after each start of the observatory. */
  readonly instance: string
  /** The node that shows. */
  readonly self: string
  readonly verdict: Verdict
  readonly versions: { readonly tsunagi: string; readonly node: string }
  /** When the node that shows was started. */
  readonly startedAt: number
  /** Whether viewers may act: `Observatory.act`. */
  readonly actions: boolean
  /** Whether viewers may read messages: `Observatory.tail`. */
  readonly tail: boolean
  readonly counts: {
    /** Nodes known to be up, this one included. */
    readonly nodes: number
    readonly typescript: number
    readonly beam: number
    /** Names that are wanted and not up. */
    readonly missing: number
    /** Links that are up, each counted once. */
    readonly links: number
  }
  /** Of this node, all links together. */
  readonly traffic: Traffic
  /** Milliseconds between two questions to each node, as it is now. */
  readonly interval: number
}

/** Rates, per second; `in` is towards the node that is spoken of. */
export interface Traffic {
  readonly bytesIn: number
  readonly bytesOut: number
  readonly messagesIn: number
  readonly messagesOut: number
}

// ------------------------------------------------------------------------------------------------------------- nodes

export type Runtime = 'typescript' | 'erlang' | 'elixir' | 'gleam' | 'unknown'

export interface NodesView {
  /** This node first, then by name. At most 500. */
  readonly nodes: readonly NodeView[]
  /** How many there are in all. */
  readonly total: number
}

/** What is known of a node. */
export interface NodeView {
  readonly name: string
  /** It is the one that shows. */
  readonly self: boolean
  /**
   * `connected`: there is a link from here. `remote`: up, as others say, without a link from here. `connecting`: wanted, and
   * being dialled or waiting for the next dial. `down`: nobody has a link to it. `barred`: disconnected by hand.
   */
  readonly state: 'self' | 'connected' | 'remote' | 'connecting' | 'barred' | 'down'
  /** Since when it has been in this state. */
  readonly since: number
  readonly runtime: Runtime
  /** Of the runtime: `0.1.0` of this package, `1.17.3` of Elixir, `27` of OTP. */
  readonly version: string | null
  /** All versions that are known, by name: `tsunagi`, `node`, `v8`, `openssl`, `otp`, `erts`, `elixir`. */
  readonly versions: Readonly<Record<string, string>>
  readonly visibility: 'visible' | 'hidden' | null
  readonly answer: NodeAnswer
  /** When it was started. */
  readonly startedAt: number | null
  /** Tells two incarnations of one name apart. */
  readonly creation: number | null
  /** The event loop of a TypeScript node. */
  readonly eventLoop: EventLoop | null
  readonly memory: NodeMemory | null
  /** Processor time used, of one processor: 1.5 is one and a half. */
  readonly cpu: number | null
  readonly processes: {
    /** Processes that live. */
    readonly count: number
    /** Registered names. */
    readonly names: number
    /** Messages in all mailboxes; null on BEAM nodes. */
    readonly mailbox: number | null
    /** BEAM: processes that are ready to run. */
    readonly runQueue: number | null
  } | null
  readonly os: {
    readonly host: string
    readonly platform: string
    readonly release: string
    readonly arch: string
    readonly cpus: number
    readonly pid: number
  } | null
  /** Where it listens; empty for a node that only dials, null where it is not known. */
  readonly listening: readonly { readonly host: string; readonly port: number; readonly tls: boolean }[] | null
  /** Whether it serves the EPMD of its host. */
  readonly servesEpmd: boolean | null
  /** Certificates it uses for links, its own and those its peers have shown. */
  readonly certificates: readonly CertificateView[]
  /** Nodes that have a link to it. */
  readonly seenBy: readonly string[]
  /** Of all its links together, by its own count; null where it does not tell. */
  readonly traffic: Traffic | null
  /** Whether it lets this node act upon it: topologies, connect and disconnect. */
  readonly actions: boolean
}

/** How it answers what this node asks it. */
export interface NodeAnswer {
  /**
   * `answers`. `waiting`: not asked yet, or no answer yet. `late`: the last answers did not come in time. `refused`: it does
   * not tell (`observable: false`), or does not let itself be asked. `invalid`: what it answered is no report. `none`: there
   * is no link to ask it by.
   */
  readonly state: 'answers' | 'waiting' | 'late' | 'refused' | 'invalid' | 'none'
  /** When it last answered. */
  readonly at: number | null
  /** Why not, in words. */
  readonly reason: string | null
}

export interface EventLoop {
  /** Delay of its timers, in milliseconds, over the last seconds. */
  readonly p50: number
  readonly p99: number
  readonly max: number
  /** Share of the time it was busy. */
  readonly utilisation: number
}

/** Bytes. */
export interface NodeMemory {
  /** What the system counts for the process (TypeScript), or what the emulator has allocated in all (BEAM). */
  readonly total: number
  /** TypeScript: the heap of V8, and what is outside of it. */
  readonly heapUsed: number | null
  readonly heapTotal: number | null
  readonly external: number | null
  /** BEAM: `erlang:memory/0`. */
  readonly processes: number | null
  readonly binary: number | null
  readonly ets: number | null
  readonly atom: number | null
  readonly code: number | null
}

export interface CertificateView {
  readonly subject: string
  readonly expires: number
  /** `own`, or the node that has shown it. */
  readonly of: string
}

// ------------------------------------------------------------------------------------------------------------- links

export interface LinksView {
  /** By `from`, then `to`. At most 2,000; those of this node first. */
  readonly links: readonly LinkView[]
  readonly total: number
}

/** A link as one of its two ends has it. There are two of a connection, where both ends tell. */
export interface LinkView {
  /** The end that tells. */
  readonly from: string
  readonly to: string
  /**
   * `connected`. `connecting`: a dial is under way. `waiting`: for the next dial. `barred`: disconnected by hand. `idle`:
   * known, and nobody wants it dialled.
   */
  readonly state: 'connected' | 'connecting' | 'waiting' | 'barred' | 'idle'
  /** Since when it is up; null when it is not. */
  readonly upSince: number | null
  readonly nodeType: 'visible' | 'hidden' | null
  /** Who dialled; null where it is not known. */
  readonly dialledBy: string | null
  readonly address: string | null
  /** On whose behalf it is kept: `connectTo`, `mesh`, `topology:app`. At most 20. */
  readonly wantedBy: readonly string[]
  /** Per second, over the last interval; null where the end does not count, as BEAM nodes. */
  readonly traffic: Traffic | null
  /** Since it is up. */
  readonly totals: Traffic | null
  /** Bytes that wait to be sent. */
  readonly queuedBytes: number | null
  /** Over its high-water mark: `send` answers false. */
  readonly full: boolean
  /** Of the last questions over this link, seen from `from`. */
  readonly rtt: Rtt | null
  /** How often it came up again after the first time. */
  readonly reconnects: number
  /** When the next dial is due. */
  readonly retryAt: number | null
  /** Why the last dial failed, or the last link was lost; null while nothing is wrong. */
  readonly error: LinkError | null
  readonly tls: LinkTls | null
}

export interface LinkError {
  /** `ERR_CONNECT_…`, or why a link was lost: `net_tick_timeout`. */
  readonly code: string
  readonly reason: string
  readonly at: number | null
}

/** What TLS says of a link. */
export interface LinkTls {
  readonly protocol: string
  readonly cipher: string | null
  /** The names in the peer's certificate; empty when it has shown none. */
  readonly names: readonly string[]
  readonly expires: number | null
}

/** Milliseconds for a question and its answer. */
export interface Rtt {
  readonly last: number
  readonly p50: number
  readonly p99: number
}

/** Who sees whom, by each node's own report. */
export interface MatrixView {
  /** Rows and columns; at most 100. */
  readonly nodes: readonly string[]
  /** One for each of `nodes`, in that order. */
  readonly rows: readonly MatrixRow[]
  /** Pairs of nodes, both of them up, that are not what they should be; at most 100. */
  readonly odd: readonly OddPair[]
  readonly total: number
}

export interface MatrixRow {
  readonly node: string
  /** Whether the node tells whom it sees. If not, its cells hold what others say of it. */
  readonly tells: boolean
  /** One for each of `nodes`; null on the diagonal. */
  readonly cells: readonly (MatrixCell | null)[]
}

export interface MatrixCell {
  /** Whether the node of the row has a link to that of the column; null: not known. */
  readonly sees: boolean | null
  /** It belongs to an {@link OddPair}. */
  readonly odd: boolean
  readonly rtt: Rtt | null
}

/** `asymmetric`: one says that there is a link, the other that there is none. `missing`: a mesh of which this link is missing. */
export interface OddPair {
  readonly kind: 'asymmetric' | 'missing'
  /** The one that does not see the other. */
  readonly from: string
  readonly to: string
  readonly since: number
}

// --------------------------------------------------------------------------------------------------------- discovery

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

// --------------------------------------------------------------------------------------------------------- processes

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

// ------------------------------------------------------------------------------------------------------------ pubsub

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

// ------------------------------------------------------------------------------------------------------------- store

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

// ------------------------------------------------------------------------------------------------------------ charts

/** `rtt`: from this node, in milliseconds. `loopDelay`: its 99th percentile, in milliseconds. `mailbox`: messages in all. */
export type Metric =
  | 'bytesIn'
  | 'bytesOut'
  | 'messagesIn'
  | 'messagesOut'
  | 'loopDelay'
  | 'utilisation'
  | 'cpu'
  | 'memory'
  | 'heap'
  | 'processes'
  | 'mailbox'
  | 'queued'
  | 'rtt'

/** The last ten minutes, already filled when somebody looks for the first time. */
export interface ChartsView {
  /** Milliseconds from one column to the next. */
  readonly step: number
  /** When each column ends; at most 120, the oldest first. */
  readonly times: readonly number[]
  /** One for each node that was seen in that time; at most 100. */
  readonly nodes: readonly ChartNode[]
}

export interface ChartNode {
  readonly node: string
  /** As long as `times`; null where nothing is known. Metrics of which nothing is known are absent. */
  readonly series: Readonly<Partial<Record<Metric, readonly (number | null)[]>>>
}

/** What has come to the charts: a column for all nodes. Told instead of a change of the whole section. */
export interface ChartColumn {
  readonly at: number
  readonly nodes: Readonly<Record<string, Readonly<Partial<Record<Metric, number>>>>>
}

// ---------------------------------------------------------------------------------------------------------- timeline

export type EventKind =
  | 'node-up'
  | 'node-down'
  | 'dial-failed'
  | 'accept-failed'
  | 'send-failed'
  | 'topology'
  | 'discovery-failed'
  | 'pubsub'
  | 'store'
  | 'certificate'
  | 'standstill'
  | 'action'
  | 'observe'

export interface TimelineView {
  /** The oldest first; at most 1,000. */
  readonly events: readonly TimelineEvent[]
}

/** Something that happened. What is the same within a short time is one event, which then comes again with the same `id`. */
export interface TimelineEvent {
  /** Which event it is. */
  readonly id: number
  /** Where it is in what was told: grows with each event and each change of one, also over restarts of the node. */
  readonly cursor: number
  /** When it happened, the first time. */
  readonly at: number
  /** When it happened last. */
  readonly lastAt: number
  /** How often. */
  readonly count: number
  /** Who tells it: one or more; at most 20. */
  readonly nodes: readonly string[]
  /** Whom it is about, where it is about a node. */
  readonly peer: string | null
  readonly kind: EventKind
  readonly severity: 'info' | 'good' | 'warning' | 'error'
  /** In a sentence: `b@host is down`. */
  readonly text: string
  /** Why: `net_tick_timeout`; the text of an error. */
  readonly reason: string | null
}
