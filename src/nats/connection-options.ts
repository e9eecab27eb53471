import type { NatsConnection, NodeConnectionOptions } from '@nats-io/transport-node'
import { OptionError } from '../base/errors.ts'
import { instance, knownOnly } from '../base/options.ts'
import type { Source } from './session.ts'

/** What an engine decides itself: it never stops trying, and skips its own echo. */
const DECIDED = [
  'ignoreAuthErrorAbort',
  'maxReconnectAttempts',
  'noEcho',
  'reconnect',
  'reconnectDelayHandler',
  'reconnectJitter',
  'reconnectJitterTLS',
  'reconnectTimeWait',
  'waitOnFirstConnect',
] as const satisfies readonly (keyof NodeConnectionOptions)[]

/**
 * Options of `connect` of `@nats-io/transport-node`, such as `servers`, `user`, `pass`, `token`, `authenticator`, `tls`, apart
 * from those that say when to stop trying. Of these, `timeout` is 5,000 ms and `pingInterval` 20,000 ms by default.
 */
export interface NatsConnectionOptions extends Omit<NodeConnectionOptions, (typeof DECIDED)[number]> {
  /**
   * A connection that is there, in place of one of its own; no other option of a connection may be given then. It is used as
   * long as it lasts, and not closed. Connect it with `maxReconnectAttempts: -1`, and `noEcho: true` where nobody else needs
   * the echo.
   */
  readonly connection?: NatsConnection
}

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
] as const satisfies readonly (keyof NatsConnectionOptions)[]

/** Options of an engine that are its own, and where its connection comes from. */
export interface SplitOptions<Own> {
  readonly own: Own
  readonly source: Source
}

/**
 * Tells an engine's own options from those of its connection, and checks the latter. Their values are in no error: there are
 * secrets among them.
 *
 * @param names the engine's own
 * @throws OptionError
 */
export function splitOptions<Own extends object>(
  options: NatsConnectionOptions & Own,
  names: readonly (keyof Own & string)[],
): SplitOptions<Own> {
  instance(options, 'options', 'an object such as { servers: "127.0.0.1:4222" }', (it) => !Array.isArray(it))
  for (const name of DECIDED) {
    if (name in options)
      throw new OptionError(name, undefined, '', `${name}: the engine decides it, and never gives up`)
  }
  knownOnly(options, [...names, 'connection', ...CONNECTION])
  const { connection, ...others } = options
  const own: Partial<Own> = {}
  const rest: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(others)) {
    if ((names as readonly string[]).includes(name)) own[name as keyof Own] = value as Own[keyof Own]
    else rest[name] = value
  }
  return {
    own: own as Own,
    source: connection === undefined ? { options: checked(rest) } : { connection: given(connection, rest) },
  }
}

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
