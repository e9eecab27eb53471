import type { FunctionView, StoreView } from '../../../../src/observe/view.ts'
import { Empty } from '../../ui/empty.tsx'
import { plural, shortName } from '../../ui/format.ts'
import { type Column, Table } from '../../ui/table.tsx'

const COLUMNS: readonly Column<FunctionView>[] = [
  {
    id: 'name',
    label: 'Function',
    cell: ({ name }) => <code class="wrap-anywhere">{name}</code>,
    value: ({ name }) => name,
  },
  { id: 'version', label: 'Version', cell: ({ version }) => <code>{version}</code>, value: ({ version }) => version },
  {
    id: 'hash',
    label: 'Source',
    hint: 'Hash of its source',
    cell: ({ hash }) => <code title={hash}>{hash.slice(0, 10)}</code>,
    value: ({ hash }) => hash,
  },
  {
    id: 'nodes',
    label: 'Compiled on',
    cell: ({ nodes }) => nodes.map(shortName).join(', ') || 'no node',
    value: ({ nodes }) => nodes.join(' '),
  },
  {
    id: 'errors',
    label: 'Not on',
    cell: ({ errors }) =>
      errors.length === 0 ? (
        '–'
      ) : (
        <ul class="error-text">
          {errors.map(({ node, reason }) => (
            <li key={node}>
              {shortName(node)}: {reason}
            </li>
          ))}
        </ul>
      ),
    value: ({ errors }) =>
      errors.length === 0 ? null : errors.map(({ node, reason }) => `${node}: ${reason}`).join('; '),
  },
]

/** Distributed functions, and where they run. */
export function FunctionTable({ store }: { readonly store: StoreView }) {
  const more = store.functionCount - store.functions.length
  return (
    <section class="block" aria-labelledby="functions-title">
      <h3 id="functions-title">Functions</h3>
      <Table
        caption={`Functions of ${store.name}`}
        columns={COLUMNS}
        rows={store.functions}
        keyOf={({ name }) => name}
        param="sortFunctions"
        empty={<Empty title="No functions">They are off unless a node says who may submit some.</Empty>}
      />
      {more > 0 && <p class="soft">{plural(more, 'function')} more.</p>}
    </section>
  )
}
