import type { ClusterModel } from '../cluster-model.ts'
import type { KnownNode } from '../known-node.ts'
import type { DiscoveryView, NodeProcesses, ProcessesView, TopologyView } from '../view.ts'

const MAX_TOPOLOGIES = 200
const MAX_NODES = 100

export function discoveryView(model: ClusterModel, actions: boolean): DiscoveryView {
  const all = telling(model).flatMap((node) => topologiesOf(node, actions))
  return { topologies: all.slice(0, MAX_TOPOLOGIES), total: all.length }
}

function topologiesOf(node: KnownNode, actions: boolean): TopologyView[] {
  const topologies = (node.parts.topologies ?? []).map((topology) => ({
    ...topology,
    node: node.name,
    refreshedAt: node.time(topology.refreshedAt),
    nextAt: node.time(topology.nextAt),
    actions: actions && (node.isSelf || node.report?.node.actions === true),
  }))
  return topologies.sort((a, b) => (a.name < b.name ? -1 : 1))
}

export function processesView(model: ClusterModel): ProcessesView {
  const all = telling(model).flatMap((node): NodeProcesses[] => {
    const { beam, parts } = node
    if (node.kind === 'beam' && beam !== undefined) {
      return [{ node: node.name, count: beam.processes, names: beam.names, nameCount: beam.nameCount, top: [] }]
    }
    if (parts.processes === null) return []
    const { count, nameCount, names, top } = parts.processes
    const shown = top.map((process) => ({ ...process, startedAt: node.time(process.startedAt) }))
    return [{ node: node.name, count, names, nameCount, top: shown }]
  })
  return { nodes: all.slice(0, MAX_NODES), total: all.length }
}

/** Nodes whose word is of now. */
export function telling(model: ClusterModel): KnownNode[] {
  return model.sorted().filter((node) => node.sees !== undefined)
}
