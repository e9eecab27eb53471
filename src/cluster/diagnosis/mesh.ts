import type { LocalNode } from '../../node/local-node.ts'
import { isAtom } from '../../term/index.ts'
import { isList } from '../../term/tuple.ts'
import type { Checks } from './check.ts'
import { dialOnce } from './dial.ts'

/** Of how many nodes it is found out why they are not connected. */
const MOST = 20

/**
 * Looks whether a visible node reaches all of the cluster that it joins. One that does not is cut off again as soon as any
 * node loses it: `global` of OTP 25 and newer prevents partitions that overlap.
 */
export async function checkMesh(node: LocalNode, name: string, checks: Checks, signal: AbortSignal): Promise<void> {
  const skip = (message: string): void => checks.add({ step: 'mesh', status: 'skipped', message })
  if (!node.discovery.visible) return skip('this node is hidden, so that `global` has nothing to do with it')
  if (!node.nodes('visible').includes(name))
    return skip(`${name} is hidden, so that \`global\` has nothing to do with it`)
  let theirs: string[]
  try {
    const answer = await node.rpc(name, 'erlang', 'nodes', [], { signal })
    theirs = isList(answer) ? answer.flatMap((each) => (isAtom(each) ? [each.name] : [])) : []
  } catch {
    signal.throwIfAborted()
    return skip(`${name} does not tell its neighbours`)
  }
  const others = theirs.filter((other) => other !== node.name)
  const apart = others.filter((other) => !node.nodes().includes(other))
  const outcomes = await Promise.all(
    apart.slice(0, MOST).map(async (other) => ({ other, outcome: await dialOnce(node, { name: other }, signal) })),
  )
  const unreached = outcomes.flatMap(({ other, outcome }) => {
    if (outcome.is === 'connected') return []
    return [`${other} (${outcome.is === 'failed' ? outcome.error.message : outcome.is})`]
  })
  if (unreached.length === 0) return checks.ok('mesh', `all of its ${others.length} neighbours are connected here, too`)
  const message = `it is connected to nodes that this one cannot reach: ${unreached.join('; ')}`
  const advice =
    'Make all of them reachable from here, or run this node hidden (the default). Else `global` cuts its links when one of them ' +
    'goes down, and logs "requested disconnect from node … in order to prevent overlapping partitions".'
  checks.add({ step: 'mesh', status: 'warning', message, advice })
}
