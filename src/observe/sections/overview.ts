import type { ClusterModel } from '../cluster-model.ts'
import { version } from '../version.ts'
import type { Overview, Verdict } from '../view.ts'

/** What the overview says that no node tells. */
export interface OverviewFacts {
  readonly at: number
  readonly instance: string
  readonly actions: boolean
  readonly tail: boolean
  readonly interval: number
  readonly verdict: Verdict
}

export function overviewOf(
  model: ClusterModel,
  { actions, at, instance, interval, tail, verdict }: OverviewFacts,
): Overview {
  const up = [...model.nodes].filter((node) => model.isUp(node.name))
  const links = new Set<string>()
  for (const node of up) for (const other of node.sees ?? []) links.add([node.name, other].sort().join(' '))
  return {
    at,
    instance,
    self: model.self.name,
    verdict,
    versions: { tsunagi: version, node: process.versions.node },
    startedAt: model.self.report?.node.startedAt ?? at,
    actions,
    tail,
    counts: {
      nodes: up.length,
      typescript: up.filter((node) => node.kind === 'tsunagi').length,
      beam: up.filter((node) => node.kind === 'beam').length,
      missing: [...model.nodes].filter((node) => node.state === 'connecting').length,
      links: links.size,
    },
    traffic: model.self.rates ?? { bytesIn: 0, bytesOut: 0, messagesIn: 0, messagesOut: 0 },
    interval,
  }
}
