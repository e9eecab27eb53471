const clockTime = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
})
const dayTime = new Intl.DateTimeFormat(undefined, {
  month: 'short',
  day: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
})

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** What stands where nothing is known. */
export const UNKNOWN = '–'

/** `12:03:10`, with the day when it was not within the last twelve hours. */
export function formatTime(at: number, now: number): string {
  return Math.abs(now - at) < 12 * HOUR ? clockTime.format(at) : dayTime.format(at)
}

/** `3 h 20 min`: two units at most. */
export function formatDuration(milliseconds: number): string {
  const ms = Math.max(0, milliseconds)
  if (ms < MINUTE) return `${Math.floor(ms / SECOND)} s`
  if (ms < HOUR) return join(ms, MINUTE, 'min', SECOND, 's', 10)
  if (ms < DAY) return join(ms, HOUR, 'h', MINUTE, 'min', 10)
  return join(ms, DAY, 'd', HOUR, 'h', 10)
}

/** The smaller unit is left out when the larger one is at least `coarse`. */
function join(ms: number, large: number, largeName: string, small: number, smallName: string, coarse: number): string {
  const count = Math.floor(ms / large)
  const rest = Math.floor((ms % large) / small)
  return count >= coarse || rest === 0 ? `${count} ${largeName}` : `${count} ${largeName} ${rest} ${smallName}`
}

/** `3 min ago`, `in 2 s`. */
export function formatRelative(at: number, now: number): string {
  const difference = at - now
  if (Math.abs(difference) < SECOND) return 'now'
  return difference > 0 ? `in ${formatDuration(difference + SECOND - 1)}` : `${formatDuration(-difference)} ago`
}

const BYTES = ['B', 'kB', 'MB', 'GB', 'TB']

/** `1.4 MB`, in steps of 1,000. */
export function formatBytes(bytes: number): string {
  let value = bytes
  let unit = 0
  while (value >= 999.5 && unit < BYTES.length - 1) {
    value /= 1000
    unit++
  }
  return `${unit === 0 ? Math.round(value) : three(value)} ${BYTES[unit]}`
}

/** `1.4 kB/s`. */
export function formatByteRate(rate: number): string {
  return `${formatBytes(rate)}/s`
}

/** `1,204`, `3.2`. */
export function formatCount(count: number): string {
  return count.toLocaleString('en', { maximumFractionDigits: count < 10 ? 1 : 0 })
}

/** `0.42 ms`, `1.3 s`. */
export function formatMs(ms: number): string {
  return ms >= 1000 ? `${three(ms / 1000)} s` : `${three(ms)} ms`
}

/** `12 %`. */
export function formatShare(share: number): string {
  return `${three(share * 100)} %`
}

/** Three digits that count. */
function three(value: number): string {
  if (value >= 100) return String(Math.round(value))
  return value >= 10 ? value.toFixed(1) : value.toFixed(2)
}

/** What `format` makes of a value, or a dash. */
export function orUnknown<T>(value: T | null | undefined, format: (value: T) => string): string {
  return value === null || value === undefined ? UNKNOWN : format(value)
}

/** `haru` of `haru@127.0.0.1`. */
export function shortName(node: string): string {
  const at = node.indexOf('@')
  return at > 0 ? node.slice(0, at) : node
}

export function hostOf(node: string): string {
  const at = node.indexOf('@')
  return at > 0 ? node.slice(at + 1) : ''
}

/** `1 node`, `2 nodes`. */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`
}
