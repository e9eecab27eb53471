import { useParam } from '../route/route.ts'

interface FilterFieldProps {
  readonly label: string
  readonly param?: string
}

/** A filter that is kept in the address. The key `/` leads to the first of a panel. */
export function FilterField({ label, param = 'filter' }: FilterFieldProps) {
  const [filter, setFilter] = useParam(param)
  return (
    <input
      class="field"
      type="search"
      aria-label={label}
      placeholder={label}
      value={filter}
      autocomplete="off"
      spellcheck={false}
      onInput={(event) => setFilter(event.currentTarget.value)}
    />
  )
}

/** Whether one of `texts` holds the filter, upper and lower case alike. */
export function matches(filter: string, ...texts: readonly (string | null | undefined)[]): boolean {
  const wanted = filter.trim().toLowerCase()
  return wanted === '' || texts.some((text) => text?.toLowerCase().includes(wanted) === true)
}
