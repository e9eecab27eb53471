import { usePage } from '../../feed/use-page.ts'
import { Empty } from '../../ui/empty.tsx'
import { matches } from '../../ui/filter-field.tsx'
import { plural } from '../../ui/format.ts'

interface NameListProps {
  readonly node: string
  readonly filter: string
  readonly first: readonly string[]
  readonly total: number
}

/** Registered names of a node. */
export function NameList({ node, filter, first, total }: NameListProps) {
  const { page } = usePage({ list: 'names', node, filter, limit: 200 })
  const names = page?.items ?? first.filter((name) => matches(filter, name))
  const all = page?.total ?? (filter === '' ? total : null)
  return (
    <section aria-labelledby="names-title" class="block">
      <h3 id="names-title">Registered names</h3>
      {names.length === 0 ? (
        <Empty title={filter === '' ? 'No names' : 'No name is like that'} />
      ) : (
        <ul class="names mono">
          {names.map((name) => (
            <li key={name} class="wrap-anywhere">
              {name}
            </li>
          ))}
        </ul>
      )}
      {all !== null && all > names.length && (
        <p class="soft">{plural(all - names.length, 'name')} more. A filter finds them.</p>
      )}
    </section>
  )
}
