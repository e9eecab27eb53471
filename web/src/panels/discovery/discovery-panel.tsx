import type { TopologyView } from '../../../../src/observe/view.ts'
import { useSection } from '../../feed/use-feed.ts'
import { useParam } from '../../route/route.ts'
import { Empty, Waiting } from '../../ui/empty.tsx'
import { FilterField, matches } from '../../ui/filter-field.tsx'
import { TopologyCard } from './topology-card.tsx'

/** Topologies: what each found, and what became of it. */
export function DiscoveryPanel() {
  const discovery = useSection('discovery')
  const [filter] = useParam('filter')
  if (discovery === undefined) return <Waiting />
  const shown = discovery.topologies.filter((topology) => isLike(topology, filter))
  return (
    <>
      <div class="panel-head">
        <h2>Discovery</h2>
        <span class="spread">
          <FilterField label="Filter topologies" />
        </span>
        <p class="about">Each node has topologies of its own. A lookup that fails keeps the last good answer.</p>
      </div>
      {shown.length === 0 ? (
        <div class="card">
          <Empty title={discovery.topologies.length === 0 ? 'No node has a topology' : 'No topology is like that'}>
            A topology finds nodes: <code>{'topologies: { app: { strategy: localEpmd() } }'}</code>
          </Empty>
        </div>
      ) : (
        <ul class="cards">
          {shown.map((topology) => (
            <TopologyCard key={`${topology.node} ${topology.name}`} topology={topology} />
          ))}
        </ul>
      )}
    </>
  )
}

function isLike({ node, name, strategy, found }: TopologyView, filter: string): boolean {
  return matches(filter, node, name, strategy, ...found)
}
