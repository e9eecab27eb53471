import type { PubSubNode, PubSubView } from '../../../../src/observe/view.ts'
import { formatCount } from '../../ui/format.ts'
import { NodeName } from '../../ui/node-name.tsx'
import { type Column, Table } from '../../ui/table.tsx'

const number = (
  id: 'subscriptions' | 'topics' | 'published' | 'received' | 'delivered',
  label: string,
  hint: string,
  unit = '',
): Column<PubSubNode> => ({
  id,
  label,
  hint,
  numeric: true,
  cell: (row) => `${formatCount(row[id])}${unit}`,
  value: (row) => row[id],
})

const COLUMNS: readonly Column<PubSubNode>[] = [
  { id: 'node', label: 'Node', cell: ({ node }) => <NodeName name={node} short />, value: ({ node }) => node },
  number('subscriptions', 'Subscriptions', 'Subscriptions on this node'),
  number('topics', 'Topics', 'Topics with a subscription on this node'),
  number('published', 'Published', 'Broadcasts per second', '/s'),
  number('received', 'Received', 'Messages per second from other nodes', '/s'),
  number('delivered', 'Delivered', 'Messages per second to subscribers here', '/s'),
  {
    id: 'dropped',
    label: 'Dropped',
    hint: 'Lost since it was opened',
    numeric: true,
    cell: ({ dropped, droppedBy }) => (
      <span
        title={Object.entries(droppedBy)
          .map(([cause, count]) => `${cause}: ${formatCount(count)}`)
          .join(', ')}
        class={dropped > 0 ? 'error-text' : undefined}
      >
        {formatCount(dropped)}
      </span>
    ),
    value: ({ dropped }) => dropped,
  },
]

/** Who takes part, and what passes there. */
export function PubSubNodes({ pubsub }: { readonly pubsub: PubSubView }) {
  return (
    <section class="block" aria-labelledby="pubsub-nodes-title">
      <h3 id="pubsub-nodes-title">Nodes</h3>
      <Table
        caption={`Nodes of ${pubsub.name}`}
        columns={COLUMNS}
        rows={pubsub.nodes}
        keyOf={({ node }) => node}
        param="sortNodes"
      />
    </section>
  )
}
