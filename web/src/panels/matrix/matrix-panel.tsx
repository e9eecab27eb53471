import type { MatrixView } from '../../../../src/observe/view.ts'
import { useSection } from '../../feed/use-feed.ts'
import { useParam } from '../../route/route.ts'
import { Empty, Waiting } from '../../ui/empty.tsx'
import { plural } from '../../ui/format.ts'
import { NodeName } from '../../ui/node-name.tsx'
import { Segments } from '../../ui/segments.tsx'
import { Since } from '../../ui/times.tsx'
import { MatrixTable, type Shown } from './matrix-table.tsx'

const SHOWN = [
  { value: 'sees', label: 'Who sees whom' },
  { value: 'rtt', label: 'Round trip' },
] as const

const SAY: Readonly<Record<Shown, string>> = {
  sees: 'Each row is what a node itself says. A row and a column that do not agree are half a link: the beginning of a split.',
  rtt: 'Milliseconds for a question and its answer, the median of the last ones, as the node of the row measures them. A node whose row is empty measures none.',
}

/** Each node's own view of the cluster, side by side. */
export function MatrixPanel() {
  const matrix = useSection('matrix')
  const [word, setShown] = useParam('show', 'sees')
  const shown: Shown = word === 'rtt' ? 'rtt' : 'sees'
  if (matrix === undefined) return <Waiting />
  return (
    <section class="card" aria-labelledby="matrix-title">
      <div class="panel-head">
        <h2 id="matrix-title">Who sees whom</h2>
        <span class="spread">
          <Segments label="What cells show" value={shown} options={SHOWN} onChange={setShown} />
        </span>
        <p class="about">{SAY[shown]}</p>
      </div>
      <Odd matrix={matrix} />
      {matrix.nodes.length < 2 ? (
        <Empty title="This node is alone">As soon as it has a link, its peers stand here.</Empty>
      ) : (
        <MatrixTable matrix={matrix} shown={shown} />
      )}
      {matrix.total > matrix.nodes.length && (
        <p class="soft">
          The first {matrix.nodes.length} of {plural(matrix.total, 'node')}.
        </p>
      )}
    </section>
  )
}

/** Pairs that are not what they should be, in words. */
function Odd({ matrix }: { readonly matrix: MatrixView }) {
  if (matrix.nodes.length < 2) return null
  if (matrix.odd.length === 0) {
    return (
      <p class="notice" data-level="good">
        All that tell agree on who sees whom.
      </p>
    )
  }
  return (
    <ul class="odd-pairs">
      {matrix.odd.map(({ kind, from, to, since }) => (
        <li key={`${from} ${to}`} class="notice" data-level="bad">
          <NodeName name={from} short /> does not see <NodeName name={to} short />
          {kind === 'asymmetric' ? ', which says that it has a link' : ''}, for <Since at={since} />
        </li>
      ))}
    </ul>
  )
}
