import type { NodeView } from '../../../../src/observe/view.ts'
import { type Edge, neighboursOf } from '../../topology/graph.ts'
import { stateText } from '../../topology/map-node.tsx'
import { shortName } from '../../ui/format.ts'
import { NodeName } from '../../ui/node-name.tsx'
import { runtimeText } from '../../ui/runtime.tsx'
import { type Column, Table } from '../../ui/table.tsx'

interface TopologyListProps {
  readonly nodes: readonly NodeView[]
  readonly edges: readonly Edge[]
}

/** The map in words. */
export function TopologyList({ nodes, edges }: TopologyListProps) {
  const linked = (node: NodeView) => neighboursOf(node.name, edges).map(shortName)
  const columns: readonly Column<NodeView>[] = [
    { id: 'node', label: 'Node', cell: ({ name }) => <NodeName name={name} />, value: ({ name }) => name },
    { id: 'state', label: 'State', cell: stateText, value: stateText },
    { id: 'runtime', label: 'Runtime', cell: runtimeText, value: runtimeText },
    { id: 'visibility', label: 'Visible', cell: (node) => node.visibility ?? '–', value: (node) => node.visibility },
    {
      id: 'links',
      label: 'Linked with',
      cell: (node) => linked(node).join(', ') || 'nobody',
      value: (node) => linked(node).join(' '),
    },
  ]
  return (
    <Table caption="Nodes and whom they are linked with" columns={columns} rows={nodes} keyOf={({ name }) => name} />
  )
}
