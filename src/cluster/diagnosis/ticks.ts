import type { LocalNode } from '../../node/local-node.ts'
import { atom, isTuple, type Term } from '../../term/index.ts'
import type { Checks } from './check.ts'

/** How many ticks a node sends in its tick time. */
const INTENSITY = 4

/**
 * Compares the tick times: a node that hears nothing for its own takes the other for dead, and the other sends a sign of life
 * each quarter of its own. Source: OTP's `net_ticktime`, which wants them to be the same.
 */
export async function checkTicks(node: LocalNode, name: string, checks: Checks, signal: AbortSignal): Promise<void> {
  const ours = node.discovery.netTickTime
  let theirs: number | undefined
  try {
    theirs = millisecondsIn(await node.call({ name: 'net_kernel', node: name }, atom('ticktime'), { signal }))
  } catch {
    signal.throwIfAborted()
  }
  if (theirs === undefined) {
    checks.add({ step: 'ticks', status: 'skipped', message: `${name} does not tell its tick time` })
    return
  }
  const both = `the tick time is ${ours / 1000} s here and ${theirs / 1000} s there`
  if (ours === theirs) return checks.ok('ticks', both)
  const advice = 'Set netTickTime (ms) here and net_ticktime (s) there to the same: all nodes of a cluster need it.'
  const [less, more] = [Math.min(ours, theirs), Math.max(ours, theirs)]
  if (less > more / INTENSITY) return checks.add({ step: 'ticks', status: 'warning', message: both, advice })
  const message = `${both}: idle links go down with net_tick_timeout`
  checks.add({ step: 'ticks', status: 'failed', message, advice })
}

/** The answer is a number, or tells of a change under way. Source: `net_kernel:get_net_ticktime/0`, which asks the same. */
function millisecondsIn(answer: Term): number | undefined {
  const time = isTuple(answer) ? answer[1] : answer
  return typeof time === 'number' ? time : undefined
}
