import { withDeadline } from '../base/deadline.ts'
import { TsunagiError } from '../base/errors.ts'
import { instance, knownOnly } from '../base/options.ts'
import { LocalNode } from '../node/local-node.ts'
import { parsePeer } from '../node/peer-address.ts'
import type { WaitOptions } from '../node/waiting.ts'
import { type Check, Checks } from './diagnosis/check.ts'
import { checkConnect } from './diagnosis/connect.ts'
import { checkExposure } from './diagnosis/exposure.ts'
import { checkHost, checkNames, checkPort, findPort } from './diagnosis/find.ts'
import { checkMesh } from './diagnosis/mesh.ts'
import { checkTicks } from './diagnosis/ticks.ts'

/** What {@link diagnose} found. */
export interface Diagnosis {
  /** The name of the node that was looked at. */
  readonly node: string
  /** Nothing has failed; there may be warnings. */
  readonly healthy: boolean
  /** Every step, in order. */
  readonly checks: readonly Check[]
}

/**
 * Finds out why a node cannot connect to another, or whether it can: names, host, EPMD, port, protocol (and TLS), allow lists,
 * name, flags, cookie, whether it answers, tick times, what others can see, and for a visible node whether it reaches all of the cluster. The node
 * dials as it does by itself, once; a link that comes about stays, as with `ping`.
 *
 * @param name `'b@host'`, or `'b@host:9100'` to do without EPMD.
 * @param options `timeout`: milliseconds in all, default 30000; `signal`.
 * @throws OptionError; TsunagiError `ERR_TIMEOUT`, `ERR_CLOSED`; the signal's reason. What is wrong with the peer is an answer.
 *
 * @example
 * const { healthy, checks } = await diagnose(node, 'b@host')
 * for (const { step, status, message, advice } of checks) console.log(status, step, message, advice ?? '')
 */
export async function diagnose(node: LocalNode, name: string, options: WaitOptions = {}): Promise<Diagnosis> {
  instance(node, 'node', 'a node', (it) => it instanceof LocalNode)
  knownOnly(options, ['timeout', 'signal'])
  const peer = parsePeer(name, 'name')
  const { timeout = 30_000, signal } = options
  const { clock } = node.discovery
  if (node.closed) throw new TsunagiError('ERR_CLOSED', `the node ${node.name} is closed`)
  const checks = new Checks()
  const late = (): TsunagiError => {
    const last = checks.list.at(-1)?.step ?? 'nothing'
    return new TsunagiError(
      'ERR_TIMEOUT',
      `the diagnosis of ${name} did not end within ${timeout} ms; it got to: ${last}`,
    )
  }
  await withDeadline({ timeout, clock, signal }, late, (limit) => examine(node, name, peer, checks, limit))
  return { node: peer.name, healthy: !checks.failed, checks: checks.complete() }
}

async function examine(
  node: LocalNode,
  address: string,
  peer: ReturnType<typeof parsePeer>,
  checks: Checks,
  signal: AbortSignal,
): Promise<void> {
  const { clock } = node.discovery
  const parts = { full: peer.name, alive: peer.name.slice(0, peer.name.indexOf('@')), host: peer.host }
  if (!checkNames(node, parts, checks)) return
  if (!(await checkHost(parts, checks, signal))) return
  const port = peer.port ?? (await findPort(node, parts, checks, signal))
  if (port === undefined) return
  const place = { host: peer.host, port }
  if (!(await checkPort(place, checks, clock, signal))) return
  if (!(await checkConnect(node, address, peer.name, place, checks, signal))) return
  await checkTicks(node, peer.name, checks, signal)
  if (!checks.failed) await checkExposure(node, peer, checks, signal)
  await checkMesh(node, peer.name, checks, signal)
}
