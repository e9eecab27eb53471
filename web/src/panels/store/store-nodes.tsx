import type { StoreNode, StoreView } from '../../../../src/observe/view.ts'
import { Badge, type Tone } from '../../ui/badge.tsx'
import { formatCount, formatShare } from '../../ui/format.ts'
import { NodeName } from '../../ui/node-name.tsx'
import { type Column, Table } from '../../ui/table.tsx'

const TONES: Readonly<Record<StoreNode['role'], Tone>> = {
  loader: 'indigo',
  follower: 'good',
  recovering: 'warn',
  joining: 'warn',
  alone: 'bad',
  closed: 'plain',
}

const number = (
  id: 'sequence' | 'size' | 'computed' | 'stale' | 'failed' | 'conflicts' | 'dropped',
  label: string,
  hint: string,
): Column<StoreNode> => ({
  id,
  label,
  hint,
  numeric: true,
  cell: (row) => formatCount(row[id]),
  value: (row) => row[id],
})

/** Of all reads, those that found a value; null before the first. */
function hitShare({ hits, misses }: StoreNode): number | null {
  return hits + misses === 0 ? null : hits / (hits + misses)
}

const COLUMNS: readonly Column<StoreNode>[] = [
  { id: 'node', label: 'Node', cell: ({ node }) => <NodeName name={node} short />, value: ({ node }) => node },
  {
    id: 'role',
    label: 'Role',
    cell: ({ role }) => <Badge tone={TONES[role]}>{role}</Badge>,
    value: ({ role }) => role,
  },
  number('size', 'Keys', 'Keys with a value there'),
  number('sequence', 'Last write', 'The last write applied there'),
  {
    id: 'hits',
    label: 'Hits',
    hint: 'Of all reads, those that found a value',
    numeric: true,
    cell: (row) => {
      const share = hitShare(row)
      return share === null ? '–' : formatShare(share)
    },
    value: hitShare,
  },
  number('computed', 'Computed', 'Values computed there'),
  number('stale', 'Stale', 'Reads answered with a value that was due to be computed anew'),
  number('failed', 'Failed', 'Computations that failed'),
  number('conflicts', 'Conflicts', 'Writes that lost against another'),
  number('dropped', 'Dropped', 'What was lost because too much waited'),
]

/** Where the store is, and in which role. */
export function StoreNodes({ store }: { readonly store: StoreView }) {
  return (
    <section class="block" aria-labelledby="store-nodes-title">
      <h3 id="store-nodes-title">Nodes</h3>
      <Table
        caption={`Nodes of ${store.name}`}
        columns={COLUMNS}
        rows={store.nodes}
        keyOf={({ node }) => node}
        param="sortNodes"
      />
    </section>
  )
}
