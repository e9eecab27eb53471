import { isDeepStrictEqual } from 'node:util'
import { OptionError } from '../../base/errors.ts'
import { integer, string } from '../../base/options.ts'
import { type NatsConnectionOptions, splitOptions } from '../../nats/connection-options.ts'
import { sameSource } from '../../nats/session.ts'
import type { EngineCapabilities, EngineFactory } from '../engine.ts'
import { NatsEngine, type NatsSetup } from './nats/nats-engine.ts'

interface OwnOptions {
  /** The first tokens of all subjects. Clusters that share a server are told apart by it. Default `tsunagi`. */
  readonly prefix?: string
  /** Bytes of messages that wait while there is no connection; more are dropped and counted. 0: none. Default 8 MiB. */
  readonly buffer?: number
  /** Milliseconds between the words by which a node tells that it takes part. Default 10,000. */
  readonly heartbeatInterval?: number
  /** A node that was silent for so many heartbeats takes part no longer. Default 3. */
  readonly silentHeartbeats?: number
}

/** Options of {@link nats}: its own, and those of the connection. */
export interface NatsOptions extends NatsConnectionOptions, OwnOptions {}

const DAY = 24 * 60 * 60 * 1000

const capabilities: EngineCapabilities = Object.freeze({
  dispatchers: false,
  directBroadcast: true,
  counts: true,
  retained: false,
  presence: true,
})

/**
 * Messages go by way of NATS, for clusters past one mesh, or whose nodes cannot reach each other. Every node may be connected
 * with every server of a NATS cluster; links between the nodes are not needed. Only Tsunagi nodes take part.
 *
 * The connection is made anew for ever: after a failed start as well, of which `pubsub.ready()` tells. Delivery is at most
 * once, and in order for each publisher and node.
 *
 * Needs the package `@nats-io/transport-node`, version 3, and a NATS server from 2.9 on.
 *
 * @throws OptionError; a missing package is `ERR_PACKAGE_MISSING` of `pubsub.ready()`
 *
 * @example
 * const pubsub = node.pubsub('MyApp.PubSub', { engine: nats({ servers: 'nats.internal:4222', token }) })
 * await pubsub.ready()
 */
export function nats(options: NatsOptions = {}): EngineFactory {
  const { own, source } = splitOptions<OwnOptions>(options, [
    'prefix',
    'buffer',
    'heartbeatInterval',
    'silentHeartbeats',
  ])
  const { prefix = 'tsunagi', buffer, heartbeatInterval, silentHeartbeats } = own
  const setup: NatsSetup = {
    source,
    prefix: subjectPrefix(prefix),
    buffer: integer(0, 2 ** 31)(buffer ?? 8 * 1024 * 1024, 'buffer'),
    heartbeatInterval: integer(10, DAY, 'milliseconds')(heartbeatInterval ?? 10_000, 'heartbeatInterval'),
    silentHeartbeats: integer(2, 1000)(silentHeartbeats ?? 3, 'silentHeartbeats'),
  }
  const factory: NatsFactory = {
    name: 'nats',
    capabilities,
    setup,
    open: (context) => new NatsEngine(context, setup),
    same: (other) => other.name === 'nats' && 'setup' in other && sameSetup(setup, (other as NatsFactory).setup),
  }
  return factory
}

interface NatsFactory extends EngineFactory {
  readonly setup: NatsSetup
}

function sameSetup({ source: a, ...restOfA }: NatsSetup, { source: b, ...restOfB }: NatsSetup): boolean {
  return sameSource(a, b) && isDeepStrictEqual(restOfA, restOfB)
}

function subjectPrefix(value: unknown): string {
  const prefix = string(value, 'prefix')
  if (/^[\w-]+(\.[\w-]+)*$/.test(prefix) && prefix.length <= 256) return prefix
  throw new OptionError('prefix', value, 'letters, digits, "-" and "_", in tokens between dots')
}
