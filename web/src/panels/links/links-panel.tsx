import type { LinkView } from '../../../../src/observe/view.ts'
import { useSection } from '../../feed/use-feed.ts'
import { useParam } from '../../route/route.ts'
import { Empty, Waiting } from '../../ui/empty.tsx'
import { FilterField, matches } from '../../ui/filter-field.tsx'
import { plural } from '../../ui/format.ts'
import { Segments } from '../../ui/segments.tsx'
import { Table } from '../../ui/table.tsx'
import { linkColumns } from './link-columns.tsx'

const WHOSE = [
  { value: 'here', label: 'Of this node' },
  { value: 'all', label: 'Of all nodes' },
] as const

/** Each link, as its ends have it. */
export function LinksPanel() {
  const links = useSection('links')
  const overview = useSection('overview')
  const nodes = useSection('nodes')
  const [filter] = useParam('filter')
  const [word, setWhose] = useParam('of', 'all')
  if (links === undefined || overview === undefined) return <Waiting />
  const actors = new Set(nodes?.nodes.filter(({ actions, self }) => actions || self).map(({ name }) => name))
  const rows = links.links.filter((link) => (word === 'all' || link.from === overview.self) && isLike(link, filter))
  return (
    <section class="card" aria-labelledby="links-title">
      <div class="panel-head">
        <h2 id="links-title">Links</h2>
        <Segments label="Whose links" value={word === 'here' ? 'here' : 'all'} options={WHOSE} onChange={setWhose} />
        <span class="spread">
          <FilterField label="Filter links" />
        </span>
        <p class="about">
          Each end tells its own: a connection stands here twice where both ends tell. Nodes of the BEAM do not count
          what passes.
        </p>
      </div>
      <Table
        caption="Links"
        columns={linkColumns(overview.actions, actors)}
        rows={rows}
        keyOf={({ from, to }) => `${from} ${to}`}
        empty={
          <Empty title={links.links.length === 0 ? 'No links yet' : 'No link is like that'}>
            A node has links with those of its <code>connectTo</code>, those its topologies find, and those its peers
            know.
          </Empty>
        }
      />
      {links.total > links.links.length && (
        <p class="soft">
          The first {links.links.length} of {plural(links.total, 'link')}.
        </p>
      )}
    </section>
  )
}

function isLike({ from, to, state, address, error, wantedBy }: LinkView, filter: string): boolean {
  return matches(filter, from, to, state, address, error?.code, error?.reason, ...wantedBy)
}
