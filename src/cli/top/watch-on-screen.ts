import { systemClock } from '../../base/clock.ts'
import type { TsunagiNode } from '../../tsunagi.ts'
import { cutTo, paintFor } from '../output.ts'
import { pause } from '../pause.ts'
import type { TopOptions } from '../top.ts'
import { type Sample, summary } from './sample.ts'
import { Screen } from './screen.ts'
import { SORTS } from './sorts.ts'
import { table } from './table.ts'

/** What is watched, and how. */
export interface Watching {
  /** As the user named it, perhaps with a port. */
  readonly target: string
  readonly guest: TsunagiNode
  readonly sample: () => Sample
  readonly options: TopOptions
  readonly signal: AbortSignal
}

const HELP = 'q quit  p pause  s sort  r reverse  ↑↓ scroll'

/** Draws a table over the whole terminal until `q` or Ctrl-C. A connection that is lost is made anew. */
export async function watchOnScreen({ target, guest, sample, options, signal }: Watching): Promise<void> {
  const quit = new AbortController()
  const paint = paintFor(process.stdout)
  let { sort } = options
  let reverse = false
  let paused = false
  let seen = sample()
  const draw = (): void => {
    const { width } = screen
    const now = paused ? seen.at : Date.now()
    const [titles = '', ...rows] = table(seen.links, {
      sort,
      reverse,
      marked: true,
      from: options.all === true,
      width,
      now,
      paint,
    })
    const lost = guest.nodes().includes(seen.node) ? '' : ' – not connected, trying again'
    const title = `${summary(seen)}${lost}${paused ? ' – paused' : `, every ${options.interval / 1000} s`}`
    screen.draw({
      head: [paint.bold(cutTo(title, width)), '', paint.inverse(titles.padEnd(width))],
      body: rows.length === 0 ? [paint.dim('no links')] : rows,
      foot: ['', paint.dim(cutTo(HELP, width))],
    })
  }
  const keys: Readonly<Record<string, () => void>> = {
    q: () => quit.abort(),
    'ctrl-c': () => quit.abort(),
    p: () => {
      paused = !paused
    },
    s: () => {
      sort = SORTS[(SORTS.indexOf(sort) + 1) % SORTS.length] as typeof sort
    },
    r: () => {
      reverse = !reverse
    },
    up: () => screen.scroll(-1),
    down: () => screen.scroll(1),
  }
  using screen = new Screen((text, name) => {
    const act = keys[text] ?? keys[name ?? '']
    act?.()
    if (act !== undefined) draw()
  }, draw)
  const ended = AbortSignal.any([signal, quit.signal])
  let tried = systemClock.now()
  while (!ended.aborted) {
    if (!paused) seen = sample()
    draw()
    await pause(options.interval, ended).catch(() => {})
    if (ended.aborted || guest.nodes().includes(seen.node) || systemClock.now() - tried < 1000) continue
    tried = systemClock.now()
    guest.connect(target, { timeout: options.timeout }).catch(() => {})
  }
}
