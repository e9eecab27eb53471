import type { ClusterModel } from '../cluster-model.ts'
import type { KnownNode } from '../known-node.ts'
import type { PubSubReport } from '../report/report.ts'
import type { PubSubNode, PubSubsView, PubSubView, TopicView } from '../view.ts'
import { telling } from './open-parts.ts'

const MAX_PUBSUBS = 50
const MAX_TOPICS = 100

/** What a pub/sub had counted on a node, and when, so that there are rates. */
interface Counted {
  readonly at: number
  readonly published: number
  readonly received: number
  readonly delivered: number
}

/** Puts together what nodes tell of their pub/subs. */
export class PubSubSection {
  /** By node and name. */
  readonly #counted = new Map<string, { readonly last: Counted; readonly rates: Rates }>()

  view(model: ClusterModel): PubSubsView {
    const parts = new Map<string, { readonly node: KnownNode; readonly report: PubSubReport }[]>()
    const live = new Set<string>()
    for (const node of telling(model)) {
      for (const report of node.parts.pubsubs ?? []) {
        const same = parts.get(report.name)
        if (same === undefined) parts.set(report.name, [{ node, report }])
        else same.push({ node, report })
        live.add(keyOf(node, report))
      }
    }
    for (const key of this.#counted.keys()) if (!live.has(key)) this.#counted.delete(key)
    const names = [...parts.keys()].sort()
    const pubsubs = names.slice(0, MAX_PUBSUBS).map((name): PubSubView => {
      const those = parts.get(name) ?? []
      const topics = topicsOf(those)
      return {
        name,
        engine: those[0]?.report.engine ?? '',
        here: those.some(({ node }) => node.isSelf),
        nodes: those.map(({ node, report }) => this.#node(node, report)),
        topics: topics.slice(0, MAX_TOPICS),
        topicCount: Math.max(topics.length, ...those.map(({ report }) => report.topics)),
      }
    })
    return { pubsubs, total: names.length }
  }

  #node(node: KnownNode, report: PubSubReport): PubSubNode {
    const { droppedBy, retained, subscriptions, topics } = report
    return {
      node: node.name,
      subscriptions,
      topics,
      ...this.#rates(node, report),
      dropped: Object.values(droppedBy).reduce((sum, count) => sum + count, 0),
      droppedBy,
      retained,
    }
  }

  #rates(node: KnownNode, report: PubSubReport): Rates {
    const { published, received, delivered } = report
    const at = node.pubsubsAt
    const key = keyOf(node, report)
    const known = this.#counted.get(key)
    if (known?.last.at === at) return known.rates
    const seconds = known === undefined ? 0 : (at - known.last.at) / 1000
    const rate = (now: number, before: number | undefined): number => {
      return seconds <= 0 ? 0 : Math.round((Math.max(0, now - (before ?? 0)) / seconds) * 10) / 10
    }
    const rates = {
      published: rate(published, known?.last.published),
      received: rate(received, known?.last.received),
      delivered: rate(delivered, known?.last.delivered),
    }
    this.#counted.set(key, { last: { at, published, received, delivered }, rates })
    return rates
  }
}

type Rates = Pick<PubSubNode, 'published' | 'received' | 'delivered'>

function keyOf(node: KnownNode, report: PubSubReport): string {
  return `${node.name}\n${report.name}`
}

function topicsOf(parts: readonly { readonly node: KnownNode; readonly report: PubSubReport }[]): TopicView[] {
  const topics = new Map<string, { topic: string; pattern: boolean; nodes: { node: string; subscribers: number }[] }>()
  for (const { node, report } of parts) {
    for (const { pattern, subscribers, topic } of report.top) {
      const key = `${pattern} ${topic}`
      const known = topics.get(key) ?? { topic, pattern, nodes: [] }
      topics.set(key, known)
      known.nodes.push({ node: node.name, subscribers })
    }
  }
  const views = Array.from(topics.values(), ({ nodes, pattern, topic }): TopicView => {
    nodes.sort((a, b) => b.subscribers - a.subscribers)
    return { topic, pattern, subscribers: nodes.reduce((sum, it) => sum + it.subscribers, 0), nodes }
  })
  return views.sort((a, b) => b.subscribers - a.subscribers || (a.topic < b.topic ? -1 : 1))
}
