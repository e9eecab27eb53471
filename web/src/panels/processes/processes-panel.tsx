import type { NodeProcesses } from '../../../../src/observe/view.ts'
import { useSection } from '../../feed/use-feed.ts'
import { useParam } from '../../route/route.ts'
import { Empty, Waiting } from '../../ui/empty.tsx'
import { FilterField } from '../../ui/filter-field.tsx'
import { plural, shortName } from '../../ui/format.ts'
import { familyOf } from '../../ui/runtime.tsx'
import { Tabs } from '../../ui/tabs.tsx'
import { NameList } from './name-list.tsx'
import { ProcessTable } from './process-table.tsx'

/** Processes and registered names, a node at a time. */
export function ProcessesPanel() {
  const processes = useSection('processes')
  const nodes = useSection('nodes')
  const [chosen, setChosen] = useParam('node')
  const [filter] = useParam('filter')
  if (processes === undefined || nodes === undefined) return <Waiting />
  const [first] = processes.nodes
  if (first === undefined) return <Empty title="No node tells of its processes" />
  const current = processes.nodes.find(({ node }) => node === chosen) ?? first
  const runtime = nodes.nodes.find(({ name }) => name === current.node)?.runtime ?? 'unknown'
  return (
    <section class="card" aria-labelledby="processes-title">
      <div class="panel-head">
        <h2 id="processes-title">Processes and registered names</h2>
        <span class="spread">
          <FilterField label="Filter by name or pid" />
        </span>
      </div>
      <Tabs
        label="Nodes"
        value={current.node}
        tabs={processes.nodes.map(({ node, count }) => ({ value: node, label: shortName(node), count }))}
        onChange={(node) => setChosen(node === first.node ? '' : node)}
      >
        <Of current={current} filter={filter} typescript={familyOf(runtime) === 'typescript'} />
      </Tabs>
    </section>
  )
}

interface OfProps {
  readonly current: NodeProcesses
  readonly filter: string
  readonly typescript: boolean
}

function Of({ current, filter, typescript }: OfProps) {
  return (
    <>
      <p class="soft">
        {plural(current.count, 'process', 'processes')} and {plural(current.nameCount, 'registered name')} on{' '}
        {current.node}.{!typescript && ' Nodes of the BEAM are asked for their names only.'}
      </p>
      {typescript && <ProcessTable node={current.node} filter={filter} first={current.top} />}
      <NameList node={current.node} filter={filter} first={current.names} total={current.nameCount} />
    </>
  )
}
