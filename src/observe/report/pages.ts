import { OptionError } from '../../base/errors.ts'
import type { ProcessInfo } from '../../process/process-info.ts'
import type { KeyView, Page } from '../observatory.ts'
import { cut } from '../shape.ts'
import type { ProcessView, TopicView } from '../view.ts'
import type { ObservedNode } from './observed-node.ts'
import { processView, topTopics } from './open-parts.ts'
import type { PageQuestion } from './question.ts'
import { REPORT_LIMITS } from './report.ts'
import type { WallTime } from './wall-time.ts'

/** A page of a list of this node. @throws OptionError for what is not on this node */
export function pageOf(node: ObservedNode, question: PageQuestion, times: WallTime): Page<unknown> {
  const limit = question.limit ?? 100
  const filter = question.filter?.toLowerCase()
  switch (question.list) {
    case 'processes':
      return processPage(node, times, limit, filter, question.sort ?? 'mailbox')
    case 'names':
      return namePage(node, limit, filter)
    case 'keys':
      return keyPage(node, question, limit)
    case 'topics':
      return topicPage(node, question, limit, filter)
  }
}

function processPage(
  node: ObservedNode,
  times: WallTime,
  limit: number,
  filter: string | undefined,
  sort: 'mailbox' | 'name' | 'age',
): Page<ProcessView> {
  // The longest mailboxes of all, also where only some of the processes can be shown.
  const { top, whole } = node.survey({ top: filter === undefined && sort === 'mailbox' ? limit : 5000, scan: SCAN })
  const matches = filter === undefined ? [...top] : top.filter((info) => textOf(info).includes(filter))
  if (sort === 'name') matches.sort((a, b) => compare(a.name ?? '\uffff', b.name ?? '\uffff'))
  if (sort === 'age') matches.sort((a, b) => b.age - a.age)
  const total = filter === undefined ? node.counts.processes : whole ? matches.length : null
  const items = matches.slice(0, limit).map((info) => processView(info, times))
  return { items, total, more: total === null || total > items.length }
}

const SCAN = REPORT_LIMITS.scan

function textOf({ pid, name }: ProcessInfo): string {
  return `${name ?? ''} ${pid}`.toLowerCase()
}

function namePage(node: ObservedNode, limit: number, filter: string | undefined): Page<string> {
  const all = node.registered().sort()
  const names = filter === undefined ? all : all.filter((name) => name.toLowerCase().includes(filter))
  return { items: names.slice(0, limit), total: names.length, more: names.length > limit }
}

function keyPage(node: ObservedNode, { store: name, after, filter }: PageQuestion, limit: number): Page<KeyView> {
  const store = node.stores().find((it) => it.name === name)
  if (store === undefined) throw new OptionError('store', name, `the name of a store that is open on ${node.name}`)
  const page = store.keyPage({ limit, after: after ?? undefined, filter: filter ?? undefined })
  const items = page.keys.map(({ key, bytes, version, staleAt, expiresAt }) => ({
    key,
    bytes,
    version: version.toString(),
    staleAt: staleAt ?? null,
    expiresAt: expiresAt ?? null,
  }))
  const total = page.whole && after === null ? items.length + page.more : null
  return { items, total, more: page.more > 0 || !page.whole }
}

function topicPage(
  node: ObservedNode,
  { pubsub: name }: PageQuestion,
  limit: number,
  filter: string | undefined,
): Page<TopicView> {
  const pubsub = node.pubsubs().find((it) => it.name === name)
  if (pubsub === undefined) throw new OptionError('pubsub', name, `the name of a pub/sub that is open on ${node.name}`)
  const topics = topTopics(pubsub, REPORT_LIMITS.scan, filter)
  const items = topics.slice(0, limit).map((it) => ({
    ...it,
    topic: cut(it.topic, 300),
    nodes: [{ node: node.name, subscribers: it.subscribers }],
  }))
  return { items, total: topics.length, more: topics.length > limit }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
