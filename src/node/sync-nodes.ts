import type { Clock } from '../base/clock.ts'
import { OptionError, TsunagiError } from '../base/errors.ts'
import { duration, instance, knownOnly } from '../base/options.ts'
import type { Connector } from './connector.ts'
import { type PeerAddress, parsePeer } from './peer-address.ts'

/** Nodes to wait for before a node counts as started. Source: kernel's `sync_nodes_mandatory` and its kin. */
export interface SyncNodesOptions {
  /** Nodes that must come; without one of them `startNode` fails. */
  readonly mandatory?: readonly string[]
  /** Nodes that are waited for as long, and may stay away. */
  readonly optional?: readonly string[]
  /** Milliseconds; `Infinity` waits for ever. */
  readonly timeout: number
}

/** {@link SyncNodesOptions}, checked. */
export interface ResolvedSyncNodes {
  readonly mandatory: readonly PeerAddress[]
  readonly optional: readonly PeerAddress[]
  readonly timeout: number
}

/** A mandatory node of `syncNodes` did not come in time. `code` is `ERR_SYNC_NODES`. */
export class SyncNodesError extends TsunagiError {
  /** The mandatory nodes that did not come. */
  readonly missing: readonly string[]

  constructor(missing: readonly string[], message: string) {
    super('ERR_SYNC_NODES', message)
    this.missing = missing
  }

  static {
    SyncNodesError.prototype.name = 'SyncNodesError'
  }
}

/** What {@link syncNodes} needs of its node. */
export interface SyncHost {
  readonly name: string
  readonly clock: Clock
  connector(name: string): Connector
  /** Calls back with the name of each node that is connected from now on, until the result is called. */
  onUp(listener: (name: string) => void): () => void
}

/** The interest of a node that waits for others. */
const SYNC = 'syncNodes'

/** @throws OptionError */
export function resolveSyncNodes(value: SyncNodesOptions): ResolvedSyncNodes {
  const given = instance<SyncNodesOptions>(
    value,
    'syncNodes',
    '{ mandatory, optional, timeout }',
    (it) => !Array.isArray(it),
  )
  knownOnly(given, ['mandatory', 'optional', 'timeout'], 'syncNodes.')
  if (given.timeout === undefined) {
    throw new OptionError('syncNodes.timeout', undefined, 'milliseconds to wait, or Infinity')
  }
  return {
    mandatory: peersOf(given.mandatory, 'syncNodes.mandatory'),
    optional: peersOf(given.optional, 'syncNodes.optional'),
    timeout: duration(given.timeout, 'syncNodes.timeout'),
  }
}

function peersOf(list: readonly string[] | undefined, option: string): PeerAddress[] {
  if (list === undefined) return []
  if (!Array.isArray(list)) throw new OptionError(option, list, 'a list of node names')
  return list.map((peer: unknown, i) => parsePeer(peer, `${option}[${i}]`))
}

/**
 * Dials the nodes listed until each was connected once, or the time is over. Afterwards nobody keeps them connected on
 * behalf of this. As OTP does, a node that lists itself has come.
 *
 * @throws SyncNodesError naming the mandatory nodes that did not come
 */
export async function syncNodes(host: SyncHost, { mandatory, optional, timeout }: ResolvedSyncNodes): Promise<void> {
  const peers = [...mandatory, ...optional].filter(({ name }) => name !== host.name)
  const missing = new Set(peers.map(({ name }) => name))
  const connectors = peers.map(({ name, port }) => {
    const connector = host.connector(name)
    if (port !== undefined) connector.port = port
    return connector
  })
  await new Promise<void>((resolve) => {
    const timer =
      timeout === Number.POSITIVE_INFINITY ? undefined : host.clock.after(timeout, () => done(), { keepAlive: true })
    const stop = host.onUp((name) => {
      if (missing.delete(name) && missing.size === 0) done()
    })
    const done = (): void => {
      timer?.cancel()
      stop()
      resolve()
    }
    for (const connector of connectors) {
      if (connector.link === undefined) connector.want(SYNC)
      else missing.delete(connector.peer.name)
    }
    if (missing.size === 0) done()
  })
  const absent = connectors.filter(
    ({ peer }, i) => missing.has(peer.name) && mandatory.includes(peers[i] as PeerAddress),
  )
  const reasons = absent.map(({ peer, lastError }) => lastError?.reason ?? `${peer.name}: no answer yet`)
  for (const connector of connectors) connector.unwant(SYNC)
  if (absent.length === 0) return
  const names = absent.map(({ peer }) => peer.name)
  const text = `mandatory nodes did not come within ${timeout} ms: ${names.join(', ')} (${reasons.join('; ')})`
  throw new SyncNodesError(names, text)
}
