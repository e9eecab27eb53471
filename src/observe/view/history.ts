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
