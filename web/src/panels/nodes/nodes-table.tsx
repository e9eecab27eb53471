import type { NodeView } from '../../../../src/observe/view.ts'
import { useSection } from '../../feed/use-feed.ts'
import { useParam } from '../../route/route.ts'
import { Empty, Waiting } from '../../ui/empty.tsx'
import { FilterField, matches } from '../../ui/filter-field.tsx'
import { formatBytes, formatCount, formatMs, formatShare, orUnknown, plural } from '../../ui/format.ts'
import { NodeName } from '../../ui/node-name.tsx'
import { runtimeText } from '../../ui/runtime.tsx'
import { type Column, Table } from '../../ui/table.tsx'
import { Since } from '../../ui/times.tsx'
import { NodeState } from './node-state.tsx'

const COLUMNS: readonly Column<NodeView>[] = [
  { id: 'name', label: 'Node', cell: ({ name }) => <NodeName name={name} />, value: ({ name }) => name },
  { id: 'state', label: 'State', cell: (node) => <NodeState node={node} />, value: ({ state }) => state },
  {
    id: 'runtime',
    label: 'Runtime',
    cell: (node) => {
      const [name, ...under] = runtimeText(node).split(' · ')
      return (
        <span class="stack">
          {name}
          <span class="note">{under.join(' · ')}</span>
        </span>
      )
    },
    value: runtimeText,
  },
  {
    id: 'version',
    label: 'tsunagi',
    cell: ({ versions }) => versions.tsunagi ?? '–',
    value: ({ versions }) => versions.tsunagi ?? null,
  },
  {
    id: 'visibility',
    label: 'Visibility',
    cell: ({ visibility }) => visibility ?? '–',
    value: ({ visibility }) => visibility,
  },
  {
    id: 'uptime',
    label: 'Up for',
    numeric: true,
    cell: ({ startedAt }) => (startedAt === null ? '–' : <Since at={startedAt} />),
    value: ({ startedAt }) => (startedAt === null ? null : -startedAt),
  },
  {
    id: 'loop',
    label: 'Event loop',
    hint: 'Delay of timers, 99th percentile',
    numeric: true,
    cell: ({ eventLoop }) => orUnknown(eventLoop?.p99, formatMs),
    value: ({ eventLoop }) => eventLoop?.p99 ?? null,
  },
  {
    id: 'cpu',
    label: 'CPU',
    hint: 'Of one processor',
    numeric: true,
    cell: ({ cpu }) => orUnknown(cpu, formatShare),
    value: ({ cpu }) => cpu,
  },
  {
    id: 'memory',
    label: 'Memory',
    numeric: true,
    cell: ({ memory }) => orUnknown(memory?.total, formatBytes),
    value: ({ memory }) => memory?.total ?? null,
  },
  {
    id: 'processes',
    label: 'Processes',
    numeric: true,
    cell: ({ processes }) => orUnknown(processes?.count, formatCount),
    value: ({ processes }) => processes?.count ?? null,
  },
  {
    id: 'seenBy',
    label: 'Seen by',
    hint: 'Nodes that have a link to it',
    numeric: true,
    cell: ({ seenBy }) => formatCount(seenBy.length),
    value: ({ seenBy }) => seenBy.length,
  },
]

/** All nodes that are known. */
export function NodesTable() {
  const nodes = useSection('nodes')
  const [filter] = useParam('filter')
  if (nodes === undefined) return <Waiting />
  const rows = nodes.nodes.filter((node) => matches(filter, node.name, node.state, runtimeText(node), node.visibility))
  return (
    <section class="card" aria-labelledby="nodes-title">
      <div class="panel-head">
        <h2 id="nodes-title">Nodes</h2>
        <span class="spread">
          <FilterField label="Filter nodes" />
        </span>
      </div>
      <Table
        caption="Nodes"
        columns={COLUMNS}
        rows={rows}
        keyOf={({ name }) => name}
        empty={<Empty title="No node is like that" />}
      />
      {nodes.total > nodes.nodes.length && (
        <p class="soft">
          The first {nodes.nodes.length} of {plural(nodes.total, 'node')}.
        </p>
      )}
    </section>
  )
}
