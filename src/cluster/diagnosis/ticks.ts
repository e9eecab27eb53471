import type { LocalNode } from '../../node/local-node.ts'
import { isTuple, type Term } from '../../term/index.ts'
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
    theirs = secondsIn(await node.rpc(name, 'net_kernel', 'get_net_ticktime', [], { signal }))
  } catch {
    signal.throwIfAborted()
  }
  if (theirs === undefined) {
    checks.add({ step: 'ticks', status: 'skipped', message: `${name} does not tell its tick time` })
    return
  }
  const both = `the tick time is ${ours / 1000} s here and ${theirs} s there`
  if (ours === theirs * 1000) return checks.ok('ticks', both)
  const advice = 'Set netTickTime (ms) here and net_ticktime (s) there to the same: all nodes of a cluster need it.'
  const [less, more] = [Math.min(ours, theirs * 1000), Math.max(ours, theirs * 1000)]
  if (less > more / INTENSITY) return checks.add({ step: 'ticks', status: 'warning', message: both, advice })
  const message = `${both}: idle links go down with net_tick_timeout`
  checks.add({ step: 'ticks', status: 'failed', message, advice })
}

/** The answer is a number, or tells of a change under way. */
function secondsIn(answer: Term): number | undefined {
  const seconds = isTuple(answer) ? answer[1] : answer
  return typeof seconds === 'number' ? seconds : undefined
}
