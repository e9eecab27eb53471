import { destination, pino } from 'pino'
import type { Logger } from '../base/logger.ts'
import { printable, printableLines } from '../base/terminal-text.ts'
import type { LOG_LEVELS } from './commands/start.ts'
import { escapeControls, type Paint, paintFor } from './output.ts'

/** How pino numbers levels, and how a person reads them. */
const LEVELS: Readonly<Record<number, { readonly name: string; readonly colour: keyof Paint }>> = {
  20: { name: 'debug', colour: 'dim' },
  30: { name: 'info', colour: 'green' },
  40: { name: 'warn', colour: 'yellow' },
  50: { name: 'error', colour: 'red' },
}

/** Logs on stderr from a level on: for people where it is a terminal, else as lines of JSON. */
export function loggerFrom(level: (typeof LOG_LEVELS)[number]): Logger {
  const options = { level, base: null }
  if (process.stderr.isTTY !== true) {
    // Whoever shows them later may do so on a terminal.
    const lines = destination({ dest: 2, sync: true })
    return pino(options, { write: (line: string) => void lines.write(escapeControls(line)) })
  }
  const paint = paintFor(process.stderr)
  return pino(options, { write: (line: string) => void process.stderr.write(forPeople(line, paint)) })
}

/** `12:03:04.567 warn  cannot connect to b@host  code=ERR_CONNECT_COOKIE` out of a line of pino's. */
export function forPeople(line: string, paint: Paint): string {
  const { level, time, msg = '', err, ...data } = JSON.parse(line) as LogLine
  const { name, colour } = LEVELS[level] ?? { name: String(level), colour: 'dim' as const }
  const pairs = Object.entries(data).map(([key, value]) => `${key}=${inShort(value)}`)
  const why = err?.message ?? (err === undefined ? '' : inShort(err))
  const text = why === '' || msg.includes(why) ? msg : `${msg} (${why})`
  const rest = pairs.length === 0 ? '' : `  ${paint.dim(printable(pairs.join(' ')))}`
  const stack = process.env.DEBUG && err?.stack !== undefined ? `\n${paint.dim(printableLines(err.stack))}` : ''
  return `${paint.dim(timeOf(time))} ${paint[colour](name.padEnd(5))} ${printable(text)}${rest}${stack}\n`
}

interface LogLine {
  readonly level: number
  readonly time: number
  readonly msg?: string
  readonly err?: { readonly message?: string; readonly stack?: string }
  readonly [key: string]: unknown
}

/** Words as they are, numbers to a hundredth, all else as JSON. */
function inShort(value: unknown): string {
  if (typeof value === 'number') return String(Math.round(value * 100) / 100)
  return typeof value === 'string' && /^[\x21-\x7e]+$/.test(value) ? value : JSON.stringify(value)
}

/** `12:03:04.567`, by the clock of this place. */
function timeOf(ms: number): string {
  const date = new Date(ms)
  const part = (value: number, length = 2): string => String(value).padStart(length, '0')
  return `${part(date.getHours())}:${part(date.getMinutes())}:${part(date.getSeconds())}.${part(date.getMilliseconds(), 3)}`
}
