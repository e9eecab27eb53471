import type { Topology } from '../../cluster/topology.ts'
import type { AcceptCounts } from '../../dist/listener.ts'
import type { PeerInfo } from '../../node/peer-info.ts'
import type { ProcessCounts } from '../../process/process-system.ts'
import type { PubSub } from '../../pubsub/pubsub.ts'
import type { PubSubStats } from '../../pubsub/pubsub-stats.ts'
import type { EngineStatus } from '../../store/engine.ts'
import type { StoreStats } from '../../store/store-events.ts'
import type { Overview } from '../view.ts'
import type { EventCounts } from './event-counts.ts'
import type { MeasuredLink } from './measured-links.ts'
import type { Refusals } from './refusals.ts'
import type { Viewers } from './viewers.ts'

/** Everything a scrape tells of, read at one moment. */
export interface Measurement {
  readonly overview: Overview
  readonly ready: boolean
  readonly nodes: { readonly visible: number; readonly hidden: number }
  readonly peers: readonly PeerInfo[]
  readonly links: readonly MeasuredLink[]
  readonly events: EventCounts
  readonly accepted: AcceptCounts
  readonly counts: ProcessCounts
  readonly mailboxMessages: number
  readonly topologies: readonly Topology[]
  readonly pubsubs: readonly { readonly pubsub: PubSub; readonly stats: PubSubStats }[]
  readonly stores: readonly { readonly name: string; readonly status: EngineStatus; readonly stats: StoreStats }[]
  /** `of`: `own`, or the peer that has shown it. */
  readonly certificates: readonly { readonly subject: string; readonly of: string; readonly expires: number }[]
  readonly viewers: Viewers
  readonly refusals: Refusals
  /** Milliseconds since 1970. */
  readonly now: number
}

type Labels = Readonly<Record<string, string>>
/** One value of a metric. */
export type Sample = readonly [labels: Labels, value: number]

/** A metric: how it is called, and where its values come from. */
export interface MetricRow {
  readonly name: string
  readonly type: 'gauge' | 'counter'
  readonly help: string
  readonly labels: readonly string[]
  readonly samples: (from: Measurement) => Iterable<Sample>
}

function gauge(name: string, help: string, labels: readonly string[], samples: MetricRow['samples']): MetricRow {
  return { name, type: 'gauge', help, labels, samples }
}

function counter(name: string, help: string, labels: readonly string[], samples: MetricRow['samples']): MetricRow {
  return { name, type: 'counter', help, labels, samples }
}

const one = (value: number): Sample[] => [[{}, value]]

function* byKey(label: string, counts: Iterable<readonly [string, number]>, more: Labels = {}): Iterable<Sample> {
  for (const [key, count] of counts) yield [{ ...more, [label]: key }, count]
}

type LinkCount = Exclude<keyof MeasuredLink, 'peer' | 'rtt'>
const ofLinks = (count: LinkCount) => (from: Measurement) =>
  from.links.map((link): Sample => [{ peer: link.peer }, link[count]])

type PubSubCount = Exclude<keyof PubSubStats, 'dropped' | 'retained'>
const ofPubSubs = (count: PubSubCount) => (from: Measurement) =>
  from.pubsubs.map(({ pubsub, stats }): Sample => [{ pubsub: pubsub.name }, stats[count]])

const ofStores = (count: keyof StoreStats) => (from: Measurement) =>
  from.stores.map(({ name, stats }): Sample => [{ store: name }, stats[count]])

/** The node and its links. */
const NODE: readonly MetricRow[] = [
  gauge('tsunagi_node_info', 'The node, always 1.', ['node', 'version'], ({ overview }) => [
    [{ node: overview.self, version: overview.versions.tsunagi }, 1],
  ]),
  gauge('tsunagi_node_ready', 'Whether /ready says so: 1 or 0.', [], ({ ready }) => one(ready ? 1 : 0)),
  gauge('tsunagi_connected_nodes', 'Nodes there is a link to.', ['type'], ({ nodes }) =>
    byKey('type', Object.entries(nodes)),
  ),
  gauge('tsunagi_missing_nodes', 'Nodes that are wanted and not connected.', [], ({ peers }) =>
    one(peers.filter(({ state, wantedBy }) => state !== 'connected' && wantedBy.length > 0).length),
  ),
  counter('tsunagi_links_established_total', 'Links that came up.', [], ({ events }) => one(events.ups)),
  counter('tsunagi_links_lost_total', 'Links that went down.', ['reason'], ({ events }) =>
    byKey('reason', events.downs),
  ),
  counter('tsunagi_dial_failures_total', 'Dials that failed.', ['code'], ({ events }) =>
    byKey('code', events.failures),
  ),
  counter('tsunagi_handshakes_total', 'Handshakes of those who connected to this node.', ['result'], ({ accepted }) => [
    [{ result: 'ok' }, accepted.established],
    [{ result: 'refused' }, accepted.refused],
    ...byKey('result', Object.entries(accepted.failed)),
  ]),
  counter('tsunagi_unsent_messages_total', 'Messages dropped since their node could not be reached.', [], (from) =>
    one(from.events.unsent),
  ),
  counter('tsunagi_link_received_bytes_total', 'Bytes that came over a link.', ['peer'], ofLinks('bytesIn')),
  counter('tsunagi_link_sent_bytes_total', 'Bytes sent over a link.', ['peer'], ofLinks('bytesOut')),
  counter('tsunagi_link_received_messages_total', 'Messages that came over a link.', ['peer'], ofLinks('messagesIn')),
  counter('tsunagi_link_sent_messages_total', 'Messages sent over a link.', ['peer'], ofLinks('messagesOut')),
  gauge('tsunagi_link_queued_bytes', 'Bytes that wait to be sent over a link.', ['peer'], ofLinks('queuedBytes')),
  gauge('tsunagi_link_round_trip_seconds', 'Of the last question over a link.', ['peer'], ({ links }) =>
    links.flatMap(({ peer, rtt }): Sample[] => (rtt === undefined ? [] : [[{ peer }, rtt]])),
  ),
  gauge(
    'tsunagi_certificate_expiry_timestamp_seconds',
    'When a certificate expires, of this node or shown by a peer.',
    ['subject', 'of'],
    ({ certificates }) => certificates.map(({ subject, of, expires }): Sample => [{ subject, of }, expires / 1000]),
  ),
]

const PROCESSES: readonly MetricRow[] = [
  gauge('tsunagi_processes', 'Processes that live.', [], ({ counts }) => one(counts.processes)),
  gauge('tsunagi_registered_names', 'Registered names.', [], ({ counts }) => one(counts.names)),
  gauge('tsunagi_mailbox_messages', 'Messages that wait in mailboxes, of the first 20,000 processes.', [], (from) =>
    one(from.mailboxMessages),
  ),
]

const DISCOVERY: readonly MetricRow[] = [
  gauge('tsunagi_discovery_found_nodes', 'Nodes a topology counts as found.', ['topology'], ({ topologies }) =>
    topologies.map((topology): Sample => [{ topology: topology.name }, topology.nodes().length]),
  ),
  gauge('tsunagi_discovery_connected_nodes', 'Those of them that are connected.', ['topology'], (from) => {
    const up = new Set(from.peers.filter(({ state }) => state === 'connected').map(({ node }) => node))
    return from.topologies.map((topology): Sample => {
      return [{ topology: topology.name }, topology.nodes().filter((node) => up.has(node)).length]
    })
  }),
  gauge('tsunagi_discovery_failing', 'Whether the last lookup failed: 1 or 0.', ['topology'], ({ topologies }) =>
    topologies.map((topology): Sample => [{ topology: topology.name }, topology.lastError === undefined ? 0 : 1]),
  ),
  gauge(
    'tsunagi_discovery_last_success_timestamp_seconds',
    'When the last lookup ended that succeeded.',
    ['topology'],
    ({ topologies, now }) =>
      topologies.flatMap((topology): Sample[] => {
        const ago = topology.schedule.refreshedAgo
        return ago === undefined ? [] : [[{ topology: topology.name }, (now - ago) / 1000]]
      }),
  ),
]

const PUBSUB: readonly MetricRow[] = [
  gauge('tsunagi_pubsub_subscriptions', 'Subscriptions on this node.', ['pubsub'], ofPubSubs('subscriptions')),
  gauge('tsunagi_pubsub_topics', 'Topics that have any.', ['pubsub'], ofPubSubs('topics')),
  counter('tsunagi_pubsub_published_total', 'Messages broadcast by this node.', ['pubsub'], ofPubSubs('published')),
  counter('tsunagi_pubsub_received_total', 'Messages from other nodes.', ['pubsub'], ofPubSubs('received')),
  counter('tsunagi_pubsub_delivered_total', 'Messages handed to subscriptions.', ['pubsub'], ofPubSubs('delivered')),
  counter('tsunagi_pubsub_dropped_total', 'Messages that were lost.', ['pubsub', 'cause'], function* ({ pubsubs }) {
    for (const { pubsub, stats } of pubsubs) {
      yield* byKey('cause', Object.entries(stats.dropped), { pubsub: pubsub.name })
    }
  }),
  gauge('tsunagi_pubsub_retained_topics', 'Topics with a retained value.', ['pubsub'], ({ pubsubs }) =>
    pubsubs.map(({ pubsub, stats }): Sample => [{ pubsub: pubsub.name }, stats.retained.topics]),
  ),
  gauge('tsunagi_pubsub_retained_bytes', 'Bytes of retained values.', ['pubsub'], ({ pubsubs }) =>
    pubsubs.map(({ pubsub, stats }): Sample => [{ pubsub: pubsub.name }, stats.retained.bytes]),
  ),
]

const STORE: readonly MetricRow[] = [
  gauge('tsunagi_store_keys', 'Keys with a value.', ['store'], ({ stores }) =>
    stores.map(({ name, status }): Sample => [{ store: name }, status.size]),
  ),
  gauge('tsunagi_store_nodes', 'Nodes that take part, this one included.', ['store'], ({ stores }) =>
    stores.map(({ name, status }): Sample => [{ store: name }, status.nodes.length]),
  ),
  gauge('tsunagi_store_role', 'The role of this node, which is 1.', ['store', 'role'], ({ stores }) =>
    stores.map(({ name, status }): Sample => [{ store: name, role: status.role }, 1]),
  ),
  gauge('tsunagi_store_has_loader', 'Whether a loader is known: 1 or 0.', ['store'], ({ stores }) =>
    stores.map(({ name, status }): Sample => [{ store: name }, status.loader === undefined ? 0 : 1]),
  ),
  gauge('tsunagi_store_sequence', 'The last write applied here.', ['store'], ({ stores }) =>
    stores.map(({ name, status }): Sample => [{ store: name }, status.sequence]),
  ),
  counter('tsunagi_store_hits_total', 'Reads by get that found a value.', ['store'], ofStores('hits')),
  counter('tsunagi_store_misses_total', 'Reads by get that found none.', ['store'], ofStores('misses')),
  counter('tsunagi_store_stale_hits_total', 'Hits whose value was stale.', ['store'], ofStores('stale')),
  counter('tsunagi_store_computations_total', 'Computations on this node.', ['store'], ofStores('computed')),
  counter('tsunagi_store_failed_computations_total', 'Those of them that failed.', ['store'], ofStores('failed')),
  counter(
    'tsunagi_store_conflicts_total',
    'Values discarded when partitions healed.',
    ['store'],
    ofStores('conflicts'),
  ),
  counter('tsunagi_store_dropped_total', 'What others wrote that is no value.', ['store'], ofStores('dropped')),
]

const DASHBOARD: readonly MetricRow[] = [
  gauge('tsunagi_dashboard_viewers', 'Streams that are open.', [], ({ viewers }) => one(viewers.size)),
  counter('tsunagi_dashboard_stalled_viewers_total', 'Viewers ended since they read nothing.', [], ({ viewers }) =>
    one(viewers.stalled),
  ),
  counter('tsunagi_dashboard_refusals_total', 'Requests that were refused.', ['reason'], ({ refusals }) =>
    byKey('reason', refusals.counts),
  ),
]

/** All metrics of a node, as `docs/metrics.md` lists them. */
export const METRIC_ROWS: readonly MetricRow[] = [
  ...NODE,
  ...PROCESSES,
  ...DISCOVERY,
  ...PUBSUB,
  ...STORE,
  ...DASHBOARD,
]
