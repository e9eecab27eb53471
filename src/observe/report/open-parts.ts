import type { Topology } from '../../cluster/topology.ts'
import type { ProcessInfo } from '../../process/process-info.ts'
import type { PubSub } from '../../pubsub/pubsub.ts'
import type { Store } from '../../store/store.ts'
import { cut } from '../shape.ts'
import { textOf } from './chronicle.ts'
import type { ObservedNode } from './observed-node.ts'
import {
  type ProcessesReport,
  type PubSubReport,
  REPORT_LIMITS,
  type StoreReport,
  type TopologyReport,
} from './report.ts'
import type { WallTime } from './wall-time.ts'

export function topologyReport(node: ObservedNode, topology: Topology, times: WallTime): TopologyReport {
  const { lastError, lastResult, name, schedule, state } = topology
  const connected = new Set(node.nodes())
  const found = topology.nodes()
  const missing = found.filter((it) => !connected.has(it))
  const there = found.filter((it) => connected.has(it))
  const names = <T>(all: readonly T[]): T[] => all.slice(0, REPORT_LIMITS.names)
  const errors = lastError === undefined ? (lastResult?.errors ?? []) : [lastError.cause ?? lastError]
  return {
    name: cut(name, 200),
    strategy: cut(schedule.strategy, 100),
    mode: schedule.mode,
    state: state === 'paused' ? 'paused' : 'running',
    interval: Number.isFinite(schedule.interval) ? schedule.interval : null,
    refreshedAt: times.ago(schedule.refreshedAgo),
    nextAt: times.in(schedule.nextIn),
    found: names(found),
    connected: names(there),
    missing: names(missing).map((it) => {
      const error = node.lastError(it)
      return { node: it, reason: error === undefined ? null : cut(error.reason, 300) }
    }),
    counts: { found: found.length, connected: there.length, missing: missing.length },
    errors: errors.slice(0, 10).map((error) => cut(textOf(error) ?? '', 300)),
    rejected: (lastResult?.rejected ?? []).slice(0, 10).map(({ value, reason }) => ({
      value: cut(value, 200),
      reason: cut(reason, 300),
    })),
  }
}

export function processesReport(node: ObservedNode, top: readonly ProcessInfo[], times: WallTime): ProcessesReport {
  const names = node.registered().sort()
  return {
    count: node.counts.processes,
    names: names.slice(0, REPORT_LIMITS.registered),
    nameCount: names.length,
    top: top.map((info) => processView(info, times)),
  }
}

export function processView(info: ProcessInfo, times: WallTime) {
  const { pid, name, age, kind, mailboxLength, mailboxBytes, dropped, links, monitors, monitoredBy, trapExit } = info
  return {
    pid: `<0.${pid.id}.${pid.serial}>`,
    name: name ?? null,
    kind,
    mailboxLength,
    mailboxBytes,
    dropped,
    links,
    monitors,
    monitoredBy,
    // Ages are whole seconds, which do not begin when a process does.
    startedAt: Math.round((times.ago(age * 1000) ?? 0) / 1000) * 1000,
    trapExit,
  }
}

export function pubsubReport(pubsub: PubSub): PubSubReport {
  const { delivered, dropped, published, received, retained, subscriptions, topics } = pubsub.stats
  return {
    name: pubsub.name,
    engine: pubsub.engine,
    subscriptions,
    topics,
    published,
    received,
    delivered,
    droppedBy: { ...dropped },
    retained,
    top: topTopics(pubsub, REPORT_LIMITS.topics),
  }
}

/** The topics that have the most subscriptions, of those that are looked at. */
export function topTopics(pubsub: PubSub, limit: number, filter?: string) {
  const found: { topic: string; pattern: boolean; subscribers: number }[] = []
  let seen = 0
  for (const { topic, pattern, subscriptions } of pubsub.topics()) {
    if (++seen > REPORT_LIMITS.scan) break
    if (filter !== undefined && !topic.toLowerCase().includes(filter)) continue
    found.push({ topic: cut(topic, 300), pattern, subscribers: subscriptions })
  }
  found.sort((a, b) => b.subscribers - a.subscribers || (a.topic < b.topic ? -1 : 1))
  return found.slice(0, limit)
}

export function storeReport(store: Store): StoreReport {
  const { role, loader, epoch, sequence, size } = store.status
  const functions = store.functions.list()
  return {
    name: store.name,
    engine: store.engine,
    role,
    loader: loader ?? null,
    epoch,
    sequence,
    // Functions are kept as values are.
    size: Math.max(0, size - functions.length),
    members: store.members.slice(0, REPORT_LIMITS.names),
    counts: store.stats,
    functions: functions.slice(0, REPORT_LIMITS.functions).map(({ name, version, hash, state, error }) => ({
      name: cut(name, 255),
      version: version === undefined ? '' : String(version),
      hash,
      state,
      error: error === undefined ? null : cut(error.message, 300),
    })),
    functionCount: functions.length,
  }
}
