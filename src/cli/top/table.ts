import { printable } from '../../base/terminal-text.ts'
import type { LinkView } from '../../observe/view.ts'
import { cutTo, type Paint } from '../output.ts'
import type { SortColumn } from './sorts.ts'

/** How the table is laid out. */
export interface TableOptions {
  readonly sort: SortColumn
  /** The other way round. */
  readonly reverse: boolean
  /** The column that says the order is marked. */
  readonly marked: boolean
  /** With a column for the end that tells. */
  readonly from: boolean
  /** Columns of the terminal; longer lines are cut. */
  readonly width: number
  /** Milliseconds since 1970: what is due is told from there. */
  readonly now: number
  readonly paint: Paint
}

interface Column {
  readonly title: string
  readonly cell: (link: LinkView, now: number) => string
  /** Numbers are at the right. */
  readonly right?: boolean
  readonly sort?: SortColumn
}

const COLUMNS: readonly Column[] = [
  { title: 'NODE', cell: ({ to }) => to, sort: 'node' },
  { title: 'STATE', cell: ({ state }) => state, sort: 'state' },
  { title: 'RTT', cell: ({ rtt }) => (rtt === null ? '–' : `${rtt.last.toFixed(2)} ms`), right: true, sort: 'rtt' },
  { title: 'IN', cell: ({ traffic }) => bytes(traffic?.bytesIn), right: true, sort: 'in' },
  { title: 'OUT', cell: ({ traffic }) => bytes(traffic?.bytesOut), right: true, sort: 'out' },
  { title: 'MSG IN', cell: ({ traffic }) => count(traffic?.messagesIn), right: true },
  { title: 'MSG OUT', cell: ({ traffic }) => count(traffic?.messagesOut), right: true },
  {
    title: 'QUEUE',
    cell: ({ queuedBytes, full }) => `${bytes(queuedBytes, '')}${full ? '!' : ''}`,
    right: true,
    sort: 'queue',
  },
  { title: 'RECONN', cell: ({ reconnects }) => String(reconnects), right: true, sort: 'reconnects' },
  { title: 'RETRY', cell: ({ retryAt }, now) => (retryAt === null ? '' : until(retryAt - now)), right: true },
  { title: 'ERROR', cell: whatIsWrong },
]
const FROM: Column = { title: 'FROM', cell: ({ from }) => from }

/** By what links are in order; what is not known comes last. Most of a number first. */
const KEYS: { readonly [column in SortColumn]: (link: LinkView) => string | number } = {
  node: ({ from, to }) => `${from} ${to}`,
  state: ({ state, to }) => `${state} ${to}`,
  rtt: ({ rtt }) => -(rtt?.last ?? -1),
  in: ({ traffic }) => -(traffic?.bytesIn ?? -1),
  out: ({ traffic }) => -(traffic?.bytesOut ?? -1),
  queue: ({ queuedBytes }) => -(queuedBytes ?? -1),
  reconnects: ({ reconnects }) => -reconnects,
}

const COLOURS: { readonly [state in LinkView['state']]: keyof Paint } = {
  connected: 'green',
  connecting: 'yellow',
  waiting: 'yellow',
  barred: 'red',
  idle: 'dim',
}

/** Links as lines: a heading, then one for each. */
export function table(links: readonly LinkView[], options: TableOptions): readonly string[] {
  const columns = options.from ? [FROM, ...COLUMNS] : COLUMNS
  const sorted = inOrder(links, options)
  const rows = sorted.map((link) => columns.map(({ cell }) => printable(cell(link, options.now))))
  const titles = columns.map(
    ({ title, sort }) => `${title}${options.marked && sort === options.sort ? (options.reverse ? '↑' : '↓') : ''}`,
  )
  const widths = titles.map((title, at) => Math.max(title.length, ...rows.map((row) => (row[at] as string).length)))
  const line = (row: readonly string[], style: (cell: string, at: number) => string = (cell) => cell): string => {
    let left = options.width
    const cells: string[] = []
    for (const [at, text] of row.entries()) {
      const width = widths[at] as number
      const padded = columns[at]?.right ? text.padStart(width) : text.padEnd(at === row.length - 1 ? 0 : width)
      const shown = cutTo(padded, left)
      if (shown !== '') cells.push(style(shown, at))
      left -= shown.length + 2
      if (left <= 0) break
    }
    return cells.join('  ').trimEnd()
  }
  const stateAt = columns.findIndex(({ title }) => title === 'STATE')
  return [
    line(titles),
    ...rows.map((row, at) => {
      const colour = COLOURS[(sorted[at] as LinkView).state] ?? 'dim'
      return line(row, (cell, column) => (column === stateAt ? options.paint[colour](cell) : cell))
    }),
  ]
}

function inOrder(links: readonly LinkView[], { sort, reverse }: TableOptions): readonly LinkView[] {
  const key = KEYS[sort]
  const compare = (a: LinkView, b: LinkView): number => {
    const [x, y] = [key(a), key(b)]
    return x < y ? -1 : x > y ? 1 : KEYS.node(a) < KEYS.node(b) ? -1 : 1
  }
  const sorted = links.toSorted(compare)
  return reverse ? sorted.reverse() : sorted
}

/** `1.2 kB/s`, or an en dash where nobody counts. */
export function bytes(value: number | null | undefined, per = '/s'): string {
  if (value === null || value === undefined) return '–'
  return `${scaled(value, ['B', 'kB', 'MB', 'GB'])}${per}`
}

function count(value: number | undefined): string {
  return value === undefined ? '–' : `${scaled(value, ['', 'k', 'M', 'G']).trimEnd()}/s`
}

function scaled(value: number, units: readonly string[]): string {
  let step = 0
  while (value >= 999.5 && step < units.length - 1) {
    value /= 1000
    step++
  }
  const digits = step > 0 && value < 9.95 ? 1 : 0
  return `${value.toFixed(value > 0 && value < 1 ? 1 : digits)} ${units[step]}`
}

/** `2.1 s`; what is overdue is `now`. */
function until(ms: number): string {
  return ms <= 0 ? 'now' : `${(ms / 1000).toFixed(1)} s`
}

/** Why it is down, without the name, which has a column. */
function whatIsWrong({ error, to }: LinkView): string {
  if (error === null) return ''
  const text = error.reason || error.code
  return text.startsWith(`${to}: `) ? text.slice(to.length + 2) : text
}
