import { isDeepStrictEqual } from 'node:util'
import type { NatsConnection, NodeConnectionOptions } from '@nats-io/transport-node'
import { OptionError } from '../../base/errors.ts'
import { instance, integer, knownOnly, string } from '../../base/options.ts'
import type { EngineCapabilities, EngineFactory } from '../engine.ts'
import { NatsEngine, type NatsSetup } from './nats/nats-engine.ts'

/** What the engine decides itself: it never stops trying, and skips its own echo. */
type Decided =
  | 'ignoreAuthErrorAbort'
  | 'maxReconnectAttempts'
  | 'noEcho'
  | 'reconnect'
  | 'reconnectDelayHandler'
  | 'reconnectJitter'
  | 'reconnectJitterTLS'
  | 'reconnectTimeWait'
  | 'waitOnFirstConnect'

/**
 * Options of {@link nats}: its own, and those of `connect` of `@nats-io/transport-node`, such as `servers`, `user`, `pass`,
 * `token`, `authenticator`, `tls`, apart from those that say when to stop trying. Of these, `timeout` is 5,000 ms and
 * `pingInterval` 20,000 ms by default.
 */
export interface NatsOptions extends Omit<NodeConnectionOptions, Decided> {
  /**
   * A connection that is there, in place of one of its own; no other option of a connection may be given then. It is used as
   * long as it lasts, and not closed. Connect it with `maxReconnectAttempts: -1`, and `noEcho: true` where nobody else needs
   * the echo.
   */
  readonly connection?: NatsConnection
  /** The first tokens of all subjects. Clusters that share a server are told apart by it. Default `tsunagi`. */
  readonly prefix?: string
  /** Bytes of messages that wait while there is no connection; more are dropped and counted. 0: none. Default 8 MiB. */
  readonly buffer?: number
  /** Milliseconds between the words by which a node tells that it takes part. Default 10,000. */
  readonly heartbeatInterval?: number
  /** A node that was silent for so many heartbeats takes part no longer. Default 3. */
  readonly silentHeartbeats?: number
}

const OWN = ['connection', 'prefix', 'buffer', 'heartbeatInterval', 'silentHeartbeats'] as const
const CONNECTION = [
  'servers',
  'port',
  'name',
  'user',
  'pass',
  'token',
  'authenticator',
  'tls',
  'timeout',
  'pingInterval',
  'maxPingOut',
  'noRandomize',
  'ignoreClusterUpdates',
  'inboxPrefix',
  'noAsyncTraces',
  'resolve',
  'reconnectToServer',
  'debug',
  'pedantic',
  'verbose',
] as const satisfies readonly (keyof NatsOptions)[]
const DECIDED: readonly string[] = [
  'ignoreAuthErrorAbort',
  'maxReconnectAttempts',
  'noEcho',
  'reconnect',
  'reconnectDelayHandler',
  'reconnectJitter',
  'reconnectJitterTLS',
  'reconnectTimeWait',
  'waitOnFirstConnect',
] satisfies Decided[]

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
  instance(options, 'options', 'an object such as { servers: "127.0.0.1:4222" }', (it) => !Array.isArray(it))
  for (const name of DECIDED) {
    // Without its value: it may be anything.
    if (name in options)
      throw new OptionError(name, undefined, '', `${name}: the engine decides it, and never gives up`)
  }
  knownOnly(options, [...OWN, ...CONNECTION])
  const { connection, prefix = 'tsunagi', buffer, heartbeatInterval, silentHeartbeats, ...others } = options
  const setup: NatsSetup = {
    source: connection === undefined ? { options: checked(others) } : { connection: given(connection, others) },
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

function sameSetup(a: NatsSetup, b: NatsSetup): boolean {
  if ('connection' in a.source) {
    if (!('connection' in b.source) || a.source.connection !== b.source.connection) return false
    return isDeepStrictEqual({ ...a, source: undefined }, { ...b, source: undefined })
  }
  return isDeepStrictEqual(a, b)
}

/** Their values are in no error: there are secrets among them. */
function checked(options: NodeConnectionOptions): NodeConnectionOptions {
  const { servers, port } = options
  const all: unknown[] = servers === undefined ? [] : [servers].flat()
  if (all.some((server) => typeof server !== 'string' || server === '')) {
    throw new OptionError('servers', undefined, '', 'servers: expected "host:port", or an array of such')
  }
  if (servers !== undefined && port !== undefined) {
    throw new OptionError('port', port, '', 'port: there are servers; each may have a port of its own')
  }
  return options
}

function given(connection: NatsConnection, others: object): NatsConnection {
  instance(connection, 'connection', 'a NatsConnection', (it) => 'publish' in it && 'subscribe' in it && 'status' in it)
  const [name] = Object.keys(others)
  if (name === undefined) return connection
  throw new OptionError(name, undefined, '', `${name}: there is a connection already`)
}

function subjectPrefix(value: unknown): string {
  const prefix = string(value, 'prefix')
  if (/^[\w-]+(\.[\w-]+)*$/.test(prefix) && prefix.length <= 256) return prefix
  throw new OptionError('prefix', value, 'letters, digits, "-" and "_", in tokens between dots')
}
