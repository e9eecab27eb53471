import { useMemo } from 'preact/hooks'
import { useSection } from '../../feed/use-feed.ts'
import { useParam } from '../../route/route.ts'
import { edgesOf } from '../../topology/graph.ts'
import { TopologyMap } from '../../topology/topology-map.tsx'
import { Waiting } from '../../ui/empty.tsx'
import { Segments } from '../../ui/segments.tsx'
import { Latest } from './latest.tsx'
import { Legend } from './legend.tsx'
import { Problems } from './problems.tsx'
import { Selected } from './selected.tsx'
import { TopologyList } from './topology-list.tsx'
import { Vitals } from './vitals.tsx'

const VIEWS = [
  { value: 'map', label: 'Map' },
  { value: 'list', label: 'List' },
] as const

/** The cluster at a glance: numbers, who is linked with whom, what happened last. */
export function OverviewPanel() {
  const overview = useSection('overview')
  const nodes = useSection('nodes')
  const links = useSection('links')
  const matrix = useSection('matrix')
  const [view, setView] = useParam('view', 'map')
  const [selected, setSelected] = useParam('node')
  const edges = useMemo(
    () => edgesOf(nodes?.nodes ?? [], links?.links ?? [], matrix?.odd ?? []),
    [nodes, links, matrix],
  )
  if (nodes === undefined || links === undefined) return <Waiting />
  const node = nodes.nodes.find(({ name }) => name === selected)
  return (
    <>
      <Vitals nodes={nodes.nodes} links={links.links} />
      <div class="overview">
        <section class="card topology-card" aria-labelledby="topology-title">
          <div class="panel-head">
            <h2 id="topology-title">Topology</h2>
            <span class="spread">
              <Segments label="Show as" value={view === 'list' ? 'list' : 'map'} options={VIEWS} onChange={setView} />
            </span>
          </div>
          {view === 'list' ? (
            <TopologyList nodes={nodes.nodes} edges={edges} />
          ) : (
            <>
              <div class="topology-frame">
                <TopologyMap
                  nodes={nodes.nodes}
                  edges={edges}
                  selected={node?.name}
                  onSelect={(name) => setSelected(name ?? '')}
                />
              </div>
              <Legend />
            </>
          )}
        </section>
        <div class="overview-side">
          {node !== undefined && <Selected node={node} edges={edges} onClose={() => setSelected('')} />}
          <Problems problems={overview?.verdict.problems ?? []} />
          <Latest />
        </div>
      </div>
    </>
  )
}
