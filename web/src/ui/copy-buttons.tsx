import { useState } from 'preact/hooks'
import type { Column } from './table.tsx'

interface CopyButtonsProps<Row> {
  readonly columns: readonly Column<Row>[]
  readonly rows: readonly Row[]
}

/** Copies a table as it is sorted and filtered, with plain numbers in place of what is shown. */
export function CopyButtons<Row>({ columns, rows }: CopyButtonsProps<Row>) {
  const [told, setTold] = useState('')
  const copy = async (text: string) => {
    try {
      await navigator.clipboard.writeText(text)
      setTold('Copied')
    } catch {
      setTold('The browser does not allow it')
    }
    setTimeout(() => setTold(''), 2_000)
  }
  return (
    <span class="copy">
      <span role="status">{told}</span>
      <button type="button" class="button small" onClick={() => void copy(toCsv(columns, rows))}>
        Copy CSV
      </button>
      <button type="button" class="button small" onClick={() => void copy(toJson(columns, rows))}>
        Copy JSON
      </button>
    </span>
  )
}

function toCsv<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const exported = columns.filter(({ value }) => value !== undefined)
  const lines = rows.map((row) => exported.map(({ value }) => csvField(value?.(row) ?? '')).join(','))
  return `${[exported.map(({ id }) => id).join(','), ...lines].join('\r\n')}\r\n`
}

/** As RFC 4180 has it; and what a spreadsheet would take for a formula is text. */
function csvField(value: string | number): string {
  if (typeof value === 'number') return String(value)
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

function toJson<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const objects = rows.map((row) =>
    Object.fromEntries(columns.flatMap(({ id, value }) => (value === undefined ? [] : [[id, value(row)]]))),
  )
  return JSON.stringify(objects, null, 2)
}
