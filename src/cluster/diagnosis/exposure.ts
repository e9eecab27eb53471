import { isLoopbackHost } from '../../base/node-name.ts'
import { epmdDirectory, isOpenToOthers } from '../../node/epmd-directory.ts'
import type { LocalNode } from '../../node/local-node.ts'
import type { Checks } from './check.ts'

/** Names that are listed. */
const MOST = 20

/**
 * Looks what others than the two can see: whether the link leaves the machine in clear text, and to whom the EPMD of this
 * machine tells its names.
 */
export async function checkExposure(
  node: LocalNode,
  peer: { readonly name: string; readonly host: string },
  checks: Checks,
  signal: AbortSignal,
): Promise<void> {
  const epmd = await ownEpmd(node, signal)
  const tls = node.links().some((link) => link.node === peer.name && link.tls !== undefined)
  const isLocal = isLoopbackHost(peer.host)
  const link = tls
    ? 'the link is encrypted'
    : isLocal
      ? 'the link does not leave this machine'
      : 'the link is in clear text'
  const message = [link, epmd.message].filter((part) => part !== undefined).join('; ')
  const advice = [
    ...(tls || isLocal
      ? []
      : ['Who can see the traffic can read and change it: keep it to a network you trust, or use TLS on all nodes.']),
    ...(epmd.open && isLocal
      ? [
          'Nodes that only this machine dials need no EPMD that others reach: ERL_EPMD_ADDRESS=127.0.0.1, or a firewall.',
        ]
      : []),
  ]
  if (advice.length === 0) checks.ok('exposure', message)
  else checks.add({ step: 'exposure', status: 'warning', message, advice: advice.join(' ') })
}

/** What the EPMD of this machine tells, and to whom. */
async function ownEpmd(
  { discovery: { epmd, clock } }: LocalNode,
  signal: AbortSignal,
): Promise<{ readonly open: boolean; readonly message?: string }> {
  if (epmd === undefined) return { open: false }
  const names = await epmdDirectory(epmd, clock, signal)
    .names()
    .catch(() => undefined)
  signal.throwIfAborted()
  if (names === undefined) return { open: false, message: 'this machine has no EPMD' }
  const open = await isOpenToOthers(epmd.port)
  const whom = open === undefined ? 'whoever reaches it' : open ? 'other machines, too' : 'this machine only'
  const list = names.map(({ name }) => name).sort()
  const told = list.length === 0 ? 'no names' : list.slice(0, MOST).join(', ')
  return { open: open === true, message: `the EPMD here (port ${epmd.port}) tells ${whom}: ${told}` }
}
