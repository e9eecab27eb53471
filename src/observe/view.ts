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

import type { ChartsView, TimelineView } from './view/history.ts'
import type { LinksView, MatrixView, Traffic } from './view/links.ts'
import type { NodesView } from './view/nodes.ts'
import type { DiscoveryView, ProcessesView, PubSubsView, StoresView } from './view/parts.ts'

export type {
  ChartColumn,
  ChartNode,
  ChartsView,
  EventKind,
  Metric,
  TimelineEvent,
  TimelineView,
} from './view/history.ts'
export type {
  LinkError,
  LinksView,
  LinkTls,
  LinkView,
  MatrixCell,
  MatrixRow,
  MatrixView,
  OddPair,
  Rtt,
  Traffic,
} from './view/links.ts'
export type { CertificateView, EventLoop, NodeAnswer, NodeMemory, NodesView, NodeView, Runtime } from './view/nodes.ts'
export type {
  DiscoveryView,
  FunctionView,
  NodeProcesses,
  ProcessesView,
  ProcessView,
  PubSubNode,
  PubSubsView,
  PubSubView,
  StoreNode,
  StoresView,
  StoreView,
  TopicView,
  TopologyView,
} from './view/parts.ts'

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
