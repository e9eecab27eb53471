import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import { useParam } from '../route/route.ts'
import { CopyButtons } from './copy-buttons.tsx'
import { plural } from './format.ts'

export interface Column<Row> {
  /** In the address, and the heading of exports. */
  readonly id: string
  readonly label: string
  /** What the heading means, where it is short. */
  readonly hint?: string
  readonly numeric?: boolean
  readonly cell: (row: Row) => ComponentChildren
  /** What to sort by; rows without a value come last. Absent: the column cannot be sorted by, and is not exported. */
  readonly value?: (row: Row) => string | number | null
}

interface TableProps<Row> {
  /** Read aloud, and the name of the region that scrolls. */
  readonly caption: string
  readonly columns: readonly Column<Row>[]
  readonly rows: readonly Row[]
  readonly keyOf: (row: Row) => string
  /** A column's id, with `-` before it for descending. */
  readonly initialSort?: string
  /** Name of the word in the address that holds the order. */
  readonly param?: string
  /** What stands there when there are no rows. */
  readonly empty?: ComponentChildren
}

/** Rows drawn at first: hundreds that change each second cost more than anybody reads. */
const FIRST = 100

const collator = new Intl.Collator('en', { numeric: true })

/** A table that can be sorted by its headings. The first column names the row. */
export function Table<Row>({
  caption,
  columns,
  rows,
  keyOf,
  initialSort = '',
  param = 'sort',
  empty,
}: TableProps<Row>) {
  const [sort, setSort] = useParam(param, initialSort)
  const [all, setAll] = useState(false)
  const sorted = sortRows(rows, columns, sort)
  const shown = all ? sorted : sorted.slice(0, FIRST)
  if (rows.length === 0 && empty !== undefined) return <>{empty}</>
  return (
    <div class="table-box">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reachable by keyboard */}
      <section class="table-scroll" aria-label={`${caption}, scrolls sideways`} tabIndex={0}>
        <table>
          <caption class="unseen">{caption}</caption>
          <thead>
            <tr>
              {columns.map((column) => (
                <Heading key={column.id} column={column} sort={sort} onSort={setSort} />
              ))}
            </tr>
          </thead>
          <tbody>
            {shown.map((row) => (
              <tr key={keyOf(row)}>
                {columns.map((column, index) =>
                  index === 0 ? (
                    <th key={column.id} scope="row">
                      {column.cell(row)}
                    </th>
                  ) : (
                    <td key={column.id} class={column.numeric === true ? 'number' : undefined}>
                      {column.cell(row)}
                    </td>
                  ),
                )}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      <div class="table-foot">
        <span>{plural(rows.length, 'row')}</span>
        {shown.length < sorted.length && (
          <button type="button" class="button small" onClick={() => setAll(true)}>
            Show all {sorted.length}
          </button>
        )}
        <CopyButtons columns={columns} rows={sorted} />
      </div>
    </div>
  )
}

interface HeadingProps<Row> {
  readonly column: Column<Row>
  readonly sort: string
  readonly onSort: (sort: string) => void
}

function Heading<Row>({ column, sort, onSort }: HeadingProps<Row>) {
  const { id, label, hint, numeric } = column
  const state = sort === id ? 'ascending' : sort === `-${id}` ? 'descending' : 'none'
  const className = numeric === true ? 'number' : undefined
  if (column.value === undefined) {
    return (
      <th scope="col" class={className} title={hint}>
        {label}
      </th>
    )
  }
  // What grows is looked at from its largest.
  const first = numeric === true ? `-${id}` : id
  const second = numeric === true ? id : `-${id}`
  return (
    <th scope="col" class={className} aria-sort={state}>
      <button type="button" class="sort" title={hint} onClick={() => onSort(sort === first ? second : first)}>
        {label}
        <span class="arrow" aria-hidden="true">
          {state === 'ascending' ? '↑' : state === 'descending' ? '↓' : ''}
        </span>
      </button>
    </th>
  )
}

function sortRows<Row>(rows: readonly Row[], columns: readonly Column<Row>[], sort: string): readonly Row[] {
  const value = columns.find(({ id }) => id === sort.replace(/^-/, ''))?.value
  if (value === undefined) return rows
  const direction = sort.startsWith('-') ? -1 : 1
  return [...rows].sort((left, right) => {
    const a = value(left)
    const b = value(right)
    if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1
    return direction * (typeof a === 'number' && typeof b === 'number' ? a - b : collator.compare(String(a), String(b)))
  })
}
