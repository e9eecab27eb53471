import { systemClock } from '../base/clock.ts'
import { TsunagiError } from '../base/errors.ts'
import { openObservatory } from '../observe/index.ts'
import type { Observatory } from '../observe/observatory.ts'
import type { TsunagiNode } from '../tsunagi.ts'
import { type GuestOptions, withGuest } from './guest.ts'
import { onInterrupt } from './interrupt.ts'
import { paintFor, report } from './output.ts'
import { pause } from './pause.ts'
import { type Sample, summary, takeSample } from './top/sample.ts'
import type { SortColumn } from './top/sorts.ts'
import { table } from './top/table.ts'

/** Options of `tsunagi top`. */
export interface TopOptions extends GuestOptions {
  readonly all?: boolean
  readonly interval: number
  readonly sort: SortColumn
  readonly once?: boolean
}

/** Shows the links of a node again and again: on a terminal in its place, else below each other. */
export async function top(target: string, options: TopOptions): Promise<void> {
  const interrupt = onInterrupt()
  const look = async (guest: TsunagiNode, node: string): Promise<void> => {
    await using observatory = openObservatory(guest)
    const sample = (): Sample => takeSample(observatory, node, guest.name, options.all === true, Date.now())
    await firstAnswer(observatory, node, options, interrupt.signal)
    if (process.stdout.isTTY === true && options.json !== true && options.once !== true) {
      const { watchOnScreen } = await import('./top/watch-on-screen.ts')
      await watchOnScreen({ target, guest, sample, options, signal: interrupt.signal })
    } else {
      await print(guest, node, sample, options, interrupt.signal)
    }
  }
  try {
    await withGuest(target, options, look, { mesh: options.all === true })
  } catch (error) {
    if (!interrupt.signal.aborted) throw error
  } finally {
    interrupt.release()
  }
}

/**
 * Resolves when the node has answered twice, so that there are rates, or does not tell, or time is up; what there is then is
 * shown with what it says of itself. The rounds go on as long as the observatory is open.
 */
function firstAnswer(observatory: Observatory, node: string, { timeout }: TopOptions, signal: AbortSignal) {
  return new Promise<void>((resolve, reject) => {
    const settle = (): void => {
      timer.cancel()
      signal.removeEventListener('abort', abort)
    }
    const abort = (): void => {
      settle()
      reject(signal.reason)
    }
    const done = (): void => {
      settle()
      resolve()
    }
    const timer = systemClock.after(timeout, done, { keepAlive: true })
    signal.addEventListener('abort', abort, { once: true })
    const check = (): void => {
      const seen = observatory.section('nodes').nodes.find(({ name }) => name === node)
      const links = observatory.section('links').links.filter(({ from }) => from === node)
      // BEAM nodes do not count.
      const counted =
        seen?.runtime !== 'typescript' || links.every(({ state, traffic }) => state !== 'connected' || traffic !== null)
      const state = seen?.answer.state
      if (state === 'refused' || state === 'invalid' || (state === 'answers' && counted)) done()
    }
    // Followed to the end: who follows has the nodes asked each second.
    observatory.follow(check, ['overview', 'nodes', 'links'])
    check()
  })
}

/** Tables below each other, or lines of JSON, until the node is gone. */
async function print(
  guest: TsunagiNode,
  node: string,
  sample: () => Sample,
  options: TopOptions,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    const seen = sample()
    if (!guest.nodes().includes(node)) {
      throw new TsunagiError('ERR_NOCONNECTION', `${node}: the connection to it was lost`)
    }
    report(options, seen, asText(seen, options))
    if (options.once === true) return
    await pause(options.interval, signal)
  }
}

/** What a look has seen, as lines. */
function asText(seen: Sample, { sort, all = false }: TopOptions): string {
  const paint = paintFor(process.stdout)
  const width = process.stdout.isTTY === true ? process.stdout.columns : Number.POSITIVE_INFINITY
  const lines = table(seen.links, { sort, reverse: false, marked: false, from: all, width, now: seen.at, paint })
  return [`${new Date(seen.at).toISOString()}  ${summary(seen)}`, ...lines, ''].join('\n')
}
