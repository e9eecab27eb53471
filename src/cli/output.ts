import { styleText } from 'node:util'
import { printable } from '../base/terminal-text.ts'

/** Options of every command. */
export interface OutputOptions {
  readonly json?: boolean
}

/**
 * Prints a result on stdout: the text, or with `--json` the data as one line. What a terminal would obey is taken out, but for
 * line breaks and colours; text of others that could hold those goes through `printable` first.
 */
export function report({ json }: OutputOptions, data: object, text: string): void {
  process.stdout.write(`${json === true ? jsonLine(data) : harmless(text)}\n`)
}

/** Data as a line of JSON, in which also those signs are escaped that a terminal obeys and JSON allows. */
export function jsonLine(data: object): string {
  return escapeControls(JSON.stringify(data))
}

/** The same for what is JSON already. */
export function escapeControls(json: string): string {
  return json.replace(/[\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g, (sign) => {
    return `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: colours begin with one
const COLOUR_OR_BREAK = /(\u001b\[(?:[0-47]|2[2-47]|[39]\d)m|\n)/

/** Line breaks and colours stay, all else is made printable. */
export function harmless(text: string): string {
  return text
    .split(COLOUR_OR_BREAK)
    .map((part, at) => (at % 2 === 1 ? part : printable(part)))
    .join('')
}

/** Rows as columns, each as wide as its widest cell, two spaces apart. Cells may be text of others. */
export function columns(texts: readonly (readonly string[])[]): string {
  const rows = texts.map((row) => row.map(printable))
  const width = (column: number): number => Math.max(...rows.map((row) => row[column]?.length ?? 0))
  const widths = (rows[0] ?? []).map((_cell, column) => width(column))
  const line = (row: readonly string[]): string =>
    row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')
  return rows.map((row) => line(row).trimEnd()).join('\n')
}

/** With an ellipsis where something is missing. */
export function cutTo(text: string, width: number): string {
  if (text.length <= width) return text
  return width <= 0 ? '' : `${text.slice(0, width - 1)}…`
}

/** How text is coloured. */
export interface Paint {
  bold(text: string): string
  dim(text: string): string
  green(text: string): string
  yellow(text: string): string
  red(text: string): string
  cyan(text: string): string
  inverse(text: string): string
}

/** Colours where they are wanted; anything else gets the text as it is. */
export function paintFor(stream: { readonly isTTY?: boolean }): Paint {
  const coloured = wantsColours(stream)
  const style = (how: keyof Paint) => (text: string) =>
    coloured ? styleText(how, text, { validateStream: false }) : text
  return {
    bold: style('bold'),
    dim: style('dim'),
    green: style('green'),
    yellow: style('yellow'),
    red: style('red'),
    cyan: style('cyan'),
    inverse: style('inverse'),
  }
}

/**
 * Whether a stream gets colours, as Node.js decides it for its own: `FORCE_COLOR` says so whatever the stream is (`0` and
 * `false`: not), else a terminal does that is not dumb, unless `NO_COLOR` or `NODE_DISABLE_COLORS` is set.
 */
export function wantsColours(
  { isTTY }: { readonly isTTY?: boolean },
  env: Readonly<Record<string, string | undefined>> = process.env,
): boolean {
  const { FORCE_COLOR, NO_COLOR, NODE_DISABLE_COLORS, TERM } = env
  if (FORCE_COLOR !== undefined) return FORCE_COLOR !== '0' && FORCE_COLOR !== 'false'
  return isTTY === true && !NO_COLOR && !NODE_DISABLE_COLORS && TERM !== 'dumb'
}
