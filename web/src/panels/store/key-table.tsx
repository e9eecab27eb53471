import { useState } from 'preact/hooks'
import type { KeyView } from '../../../../src/observe/observatory.ts'
import { usePage } from '../../feed/use-page.ts'
import { useParam } from '../../route/route.ts'
import { Empty, Waiting } from '../../ui/empty.tsx'
import { FilterField } from '../../ui/filter-field.tsx'
import { formatBytes, plural } from '../../ui/format.ts'
import { type Column, Table } from '../../ui/table.tsx'
import { Relative } from '../../ui/times.tsx'

const COLUMNS: readonly Column<KeyView>[] = [
  { id: 'key', label: 'Key', cell: ({ key }) => <code class="wrap-anywhere">{key}</code>, value: ({ key }) => key },
  {
    id: 'bytes',
    label: 'Size',
    hint: 'Bytes of the value, encoded',
    numeric: true,
    cell: ({ bytes }) => formatBytes(bytes),
    value: ({ bytes }) => bytes,
  },
  { id: 'version', label: 'Version', cell: ({ version }) => <code>{version}</code>, value: ({ version }) => version },
  {
    id: 'stale',
    label: 'Stale',
    hint: 'When it is due to be computed anew',
    numeric: true,
    cell: ({ staleAt }) => (staleAt === null ? 'never' : <Relative at={staleAt} />),
    value: ({ staleAt }) => staleAt,
  },
  {
    id: 'expires',
    label: 'Gone',
    hint: 'When it expires',
    numeric: true,
    cell: ({ expiresAt }) => (expiresAt === null ? 'never' : <Relative at={expiresAt} />),
    value: ({ expiresAt }) => expiresAt,
  },
]

const PAGE = 100

/** Keys, a page at a time. */
export function KeyTable({ store }: { readonly store: string }) {
  const [filter] = useParam('filter')
  const [limit, setLimit] = useState(PAGE)
  const { page, error } = usePage({ list: 'keys', store, filter, limit })
  return (
    <section class="block" aria-labelledby="keys-title">
      <div class="panel-head">
        <h3 id="keys-title">Keys</h3>
        <span class="spread">
          <FilterField label="Filter keys" />
        </span>
      </div>
      {error !== undefined && (
        <p class="notice wrap-anywhere" data-level="bad">
          {error}
        </p>
      )}
      {page === undefined && error === undefined && <Waiting />}
      {page !== undefined && (
        <Table
          caption={`Keys of ${store}`}
          columns={COLUMNS}
          rows={page.items}
          keyOf={({ key }) => key}
          param="sortKeys"
          empty={<Empty title={filter === '' ? 'No keys' : 'No key is like that'} />}
        />
      )}
      {page?.more === true && (
        <p class="soft">
          There are more{page.total === null ? '' : `, ${plural(page.total, 'key')} in all`}.{' '}
          {limit < 500 && (
            <button type="button" class="button small" onClick={() => setLimit(500)}>
              Show up to 500
            </button>
          )}
        </p>
      )}
    </section>
  )
}
