import { lookup as resolve } from 'node:dns/promises'
import { networkInterfaces } from 'node:os'
import type { Clock } from '../base/clock.ts'
import { isLoopbackHost, splitNodeName } from '../base/node-name.ts'
import { askName } from './ask-name.ts'
import { listensBeyondLoopback } from './listening-sockets.ts'
import { decodeMark } from './mark.ts'
import type { NodeEntry } from './wire.ts'

/**
 * How far a registered name has to be seen: on this machine only, wherever `host` is, or (when nobody says where the
 * node is) everywhere.
 */
export type Reach = 'loopback' | 'everywhere' | { readonly host: string }

const hostReach = (host: string): Reach => (isLoopbackHost(host) ? 'loopback' : { host })

/** Node types of Erlang's own nodes, which are not put out by a caller that hangs up. */
const erlangTypes: readonly number[] = [77, 72]

/**
 * Finds out under which host a node wants to be found. ALIVE2_REQ has only the part of its name before the `@` and
 * always comes over loopback; what it listens on says little either, as `erl` listens on every address whatever its
 * name. So, from the cheapest and surest on:
 *
 * 1. A node of this package has written its host into `extra`.
 * 2. A node whose listener is bound to loopback addresses cannot be reached from elsewhere, whatever it is called.
 * 3. An Erlang node is asked ({@link askName}). Others are not: a C node may end when a caller hangs up in the handshake.
 * 4. A node that does not say (a C node, TLS, an allow list) might be called from elsewhere. Being found without
 *    need shows its name and port; not being found fails without an error anywhere. So: everywhere.
 *
 * @param address where the node registered from, a local address
 */
export async function reachOf(entry: NodeEntry, address: string, clock: Clock, signal: AbortSignal): Promise<Reach> {
  const mark = decodeMark(entry.extra)
  if (mark !== undefined) return hostReach(mark.host)
  if ((await listensBeyondLoopback(entry.port)) === false) return 'loopback'
  if (!erlangTypes.includes(entry.nodeType)) return 'everywhere'
  const name = await askName(address, entry.port, clock, signal).catch(() => undefined)
  const host = name === undefined ? undefined : splitNodeName(name)?.host
  return host === undefined ? 'everywhere' : hostReach(host)
}

/**
 * The addresses of this machine beside loopback at which a name has to be found: those its host stands for, or all when
 * none of these is ours, as behind address translation, or with a host name that `/etc/hosts` maps to 127.0.1.1 here
 * while other machines see its real address.
 */
export async function addressesFor(reach: Reach): Promise<string[]> {
  if (reach === 'loopback') return []
  const own = ownAddresses()
  if (reach === 'everywhere') return own
  const found = await resolve(reach.host, { all: true }).catch(() => [])
  const meant = own.filter((address) => found.some((it) => it.address === address))
  return meant.length > 0 ? meant : own
}

/** Every address of this machine but loopback ones and link-local IPv6 ones, which mean nothing without an interface. */
function ownAddresses(): string[] {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? [])
  return all.map((it) => it.address).filter((it) => !isLoopbackHost(it) && !it.toLowerCase().startsWith('fe80:'))
}
