import type { ProcessView } from '../../../../src/observe/view.ts'
import { usePage } from '../../feed/use-page.ts'
import { Badge } from '../../ui/badge.tsx'
import { Empty } from '../../ui/empty.tsx'
import { matches } from '../../ui/filter-field.tsx'
import { formatBytes, formatCount, plural } from '../../ui/format.ts'
import { type Column, Table } from '../../ui/table.tsx'
import { Since } from '../../ui/times.tsx'

interface ProcessTableProps {
  readonly node: string
  readonly filter: string
  /** What the section holds: shown until the list is there. */
  readonly first: readonly ProcessView[]
}

const count = (id: keyof ProcessView & string, label: string, hint: string): Column<ProcessView> => ({
  id,
  label,
  hint,
  numeric: true,
  cell: (row) => formatCount(row[id] as number),
  value: (row) => row[id] as number,
})

const COLUMNS: readonly Column<ProcessView>[] = [
  { id: 'pid', label: 'Pid', cell: ({ pid }) => <code>{pid}</code>, value: ({ pid }) => pid },
  {
    id: 'name',
    label: 'Name',
    cell: ({ name }) => (name === null ? '–' : <code class="wrap-anywhere">{name}</code>),
    value: ({ name }) => name,
  },
  {
    id: 'kind',
    label: 'Kind',
    cell: ({ kind, trapExit }) => (
      <>
        <Badge tone={kind === 'service' ? 'plain' : 'indigo'}>{kind}</Badge>
        {trapExit && <Badge>traps exits</Badge>}
      </>
    ),
    value: ({ kind }) => kind,
  },
  count('mailboxLength', 'Mailbox', 'Messages that wait'),
  {
    id: 'mailboxBytes',
    label: 'Bytes',
    hint: 'Bytes that wait',
    numeric: true,
    cell: ({ mailboxBytes }) => formatBytes(mailboxBytes),
    value: ({ mailboxBytes }) => mailboxBytes,
  },
  count('dropped', 'Dropped', 'Messages lost because the mailbox was full'),
  count('links', 'Links', 'Processes it is linked with'),
  count('monitors', 'Monitors', 'Processes and nodes it monitors'),
  count('monitoredBy', 'Monitored by', 'Processes that monitor it'),
  {
    id: 'age',
    label: 'Age',
    numeric: true,
    cell: ({ startedAt }) => <Since at={startedAt} />,
    value: ({ startedAt }) => -startedAt,
  },
]

/** Processes of a TypeScript node, those with the longest mailboxes first. */
export function ProcessTable({ node, filter, first }: ProcessTableProps) {
  const { page, error } = usePage({ list: 'processes', node, filter, sort: 'mailbox', limit: 200 })
  const rows = page?.items ?? first.filter(({ pid, name }) => matches(filter, pid, name))
  return (
    <>
      {error !== undefined && (
        <p class="notice wrap-anywhere" data-level="bad">
          {error}
        </p>
      )}
      <Table
        caption={`Processes of ${node}`}
        columns={COLUMNS}
        rows={rows}
        keyOf={({ pid }) => pid}
        initialSort="-mailboxLength"
        empty={<Empty title={filter === '' ? 'No processes' : 'No process is like that'} />}
      />
      {page?.more === true && (
        <p class="soft">
          There are more{page.total === null ? '' : `: ${plural(page.total, 'process', 'processes')} in all`}. A filter
          finds them.
        </p>
      )}
    </>
  )
}
