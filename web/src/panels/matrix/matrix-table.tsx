import type { MatrixCell, MatrixRow, MatrixView } from '../../../../src/observe/view.ts'
import { formatMs, shortName } from '../../ui/format.ts'
import { NodeName } from '../../ui/node-name.tsx'

export type Shown = 'sees' | 'rtt'

interface MatrixTableProps {
  readonly matrix: MatrixView
  readonly shown: Shown
}

/** Rows see columns. */
export function MatrixTable({ matrix, shown }: MatrixTableProps) {
  const slowest = Math.max(0.001, ...matrix.rows.flatMap(({ cells }) => cells.map((cell) => cell?.rtt?.p50 ?? 0)))

  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reachable by keyboard
    <section class="table-scroll matrix-scroll" aria-label={`${CAPTIONS[shown]}, scrolls sideways`} tabIndex={0}>
      <table class="matrix" data-shown={shown}>
        <caption class="unseen">{CAPTIONS[shown]}</caption>
        <thead>
          <tr>
            <td />
            {matrix.nodes.map((name) => (
              <th key={name} scope="col" title={name}>
                <span>{shortName(name)}</span>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {matrix.rows.map((row) => (
            <tr key={row.node}>
              <th scope="row">
                <NodeName name={row.node} short />
                {!row.tells && <span class="silent">does not tell</span>}
              </th>
              {row.cells.map((cell, column) => (
                <td
                  key={matrix.nodes[column]}
                  class={classOf(cell)}
                  data-heat={shown === 'rtt' ? heatOf(cell, slowest) : undefined}
                  title={describe(row, matrix.nodes[column] ?? '', cell)}
                >
                  <Cell cell={cell} shown={shown} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}

const CAPTIONS: Readonly<Record<Shown, string>> = {
  sees: 'Who sees whom: rows see columns',
  rtt: 'Round trips from rows to columns',
}

function classOf(cell: MatrixCell | null): string {
  if (cell === null) return 'self'
  if (cell.odd) return 'odd'
  return cell.sees === null ? 'unknown' : cell.sees ? 'yes' : 'no'
}

/** 1 to 4, by how near it is to the slowest. */
function heatOf(cell: MatrixCell | null, slowest: number): number | undefined {
  if (cell === null || cell.rtt === null) return undefined
  return Math.min(4, 1 + Math.floor((cell.rtt.p50 / slowest) * 4))
}

function Cell({ cell, shown }: { readonly cell: MatrixCell | null; readonly shown: Shown }) {
  if (cell === null) return <span class="unseen">itself</span>
  if (shown === 'rtt') return <>{cell.rtt === null ? <Dash /> : formatMs(cell.rtt.p50)}</>
  if (cell.sees === null) return <Dash />
  return (
    <>
      <svg viewBox="0 0 16 16" aria-hidden="true">
        {cell.sees ? <path d="m3.5 8.5 3 3 6-7" /> : <path d="m4 4 8 8m0-8-8 8" />}
      </svg>
      <span class={cell.odd ? 'word' : 'unseen'}>{cell.sees ? (cell.odd ? 'one side' : 'yes') : 'no'}</span>
    </>
  )
}

function Dash() {
  return (
    <>
      <span aria-hidden="true">·</span>
      <span class="unseen">not known</span>
    </>
  )
}

function describe({ node, tells }: MatrixRow, to: string, cell: MatrixCell | null): string {
  if (cell === null) return node
  const sees = cell.sees === null ? 'may see' : cell.sees ? 'sees' : 'does not see'
  const source = tells ? '' : ', as others say'
  const trip =
    cell.rtt === null
      ? ''
      : `; round trip ${formatMs(cell.rtt.last)}, median ${formatMs(cell.rtt.p50)}, p99 ${formatMs(cell.rtt.p99)}`
  return `${node} ${sees} ${to}${source}${trip}`
}
