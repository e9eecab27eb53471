import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import { type Clock, systemClock } from '../base/clock.ts'
import { OptionError } from '../base/errors.ts'
import { defaultLimits, type Limits } from '../base/limits.ts'
import { type Logger, stderrLogger } from '../base/logger.ts'
import { checkNodeName, isLongHost, isLoopbackHost, type NodeName } from '../base/node-name.ts'
import { boolean, duration, fn, instance, integer, knownOnly, oneOf, port, string } from '../base/options.ts'
import { checkTlsSource, type TlsSource } from '../dist/tls-options.ts'
import { type EpmdOptions, type ResolvedEpmdOptions, resolveEpmdOptions } from '../epmd/epmd-options.ts'
import type { TermOptions } from '../term/index.ts'
import { resolveTermOptions } from '../term/term-options.ts'
import { checkNodeNames } from './allow-list.ts'
import { type PeerAddress, parsePeer } from './peer-address.ts'
import { type ResolvedSyncNodes, resolveSyncNodes, type SyncNodesOptions } from './sync-nodes.ts'

/** Where a node listens for its peers. */
export interface ListenOptions {
  /** Address to bind. Default: loopback when the node's host is loopback, else the host's own address. */
  readonly host?: string
  /** Default: `any free port` (0). Two numbers: the first port between them that is free. */
  readonly port?: number | readonly [first: number, last: number]
}

/** Options of {@link startNode}. Times in milliseconds. Unknown ones are refused by name. */
export interface NodeOptions extends TermOptions {
  /** Whole name, `alive@host`, with a long host (`app@127.0.0.1`, `app@host.example.com`). Default: a random `sname`. */
  readonly name?: string
  /** Short name: `alive` or `alive@host`, where the host has no dot. Only nodes with short names can connect to it. */
  readonly sname?: string
  /**
   * The shared secret of the cluster. Default: `TSUNAGI_COOKIE`, then `~/.erlang.cookie`, then a random one (with which
   * nobody can connect but those who read `node.cookie`).
   */
  readonly cookie?: string
  /** Cookies of single peers, as `erlang:set_cookie/2`: `{ 'b@host': 'secret' }`. */
  readonly cookies?: Readonly<Record<string, string>>
  /** Peers to stay connected to for ever: `'b@host'`, or `'b@host:9100'` to dial a port without asking EPMD. */
  readonly connectTo?: string | readonly string[]
  /** Take part in the cluster as a visible node. Default false; see `docs/nodes.md`. */
  readonly visible?: boolean
  /** Learn of other nodes from those it is connected to, and dial them; a visible node never does. Default true. */
  readonly mesh?: boolean
  /** How often BEAM nodes are asked whom they know. Default 5000; `Infinity`: only when a node comes. */
  readonly meshRefresh?: number
  /**
   * Connect to all nodes of the cluster (kernel's `connect_all`). Default true. False: a visible node takes no part in
   * `global`, and a hidden one learns of nobody, as with `mesh: false`.
   */
  readonly connectAll?: boolean
  /** Whether sending to a node without a link dials it: `'always'` (default), `'once'`, `'never'` (kernel's dist_auto_connect). */
  readonly distAutoConnect?: 'always' | 'once' | 'never'
  /** Which nodes may be connected, whichever side dials; the cookie is asked for besides. Default: everybody. */
  readonly allow?: readonly string[] | ((name: string) => boolean)
  /** Nodes to wait for: `startNode` resolves when they are connected. Default: none. */
  readonly syncNodes?: SyncNodesOptions
  /** Where to listen; false: dial only. Default: a free port. */
  readonly listen?: ListenOptions | false
  /** The port mapper; false: do not use any (peers need ports, `'b@host:9100'`). */
  readonly epmd?: EpmdOptions | false
  /**
   * Links over TLS, as those of BEAM nodes with `-proto_dist inet_tls`: all nodes of a cluster have it, or none. An object, or
   * a function that returns it. Default: none, and whoever can listen in on the network can read all and take links over.
   * See `docs/tls.md`.
   */
  readonly tls?: TlsSource
  /** A peer that is silent for this long is down. Default 60000, as OTP's `net_ticktime`. `Infinity`: never. */
  readonly netTickTime?: number
  /** How long a peer may take for a step of the handshake. Default 7000, as OTP's `net_setuptime`. */
  readonly setupTimeout?: number
  /** Bounds; see `docs/limits.md`. */
  readonly limits?: Partial<Limits>
  /** Default: warnings and errors on stderr. pino and its like fit. */
  readonly logger?: Logger
  /** Where time comes from. Default: the system. */
  readonly clock?: Clock
}

/** {@link NodeOptions}, checked and completed. */
export interface ResolvedNodeOptions {
  readonly name: NodeName
  readonly cookie: string | undefined
  readonly cookies: ReadonlyMap<string, string>
  readonly connectTo: readonly PeerAddress[]
  readonly visible: boolean
  readonly mesh: boolean
  readonly meshRefresh: number
  readonly connectAll: boolean
  readonly distAutoConnect: 'always' | 'once' | 'never'
  /** Undefined: everybody. */
  readonly allow: readonly string[] | ((name: string) => boolean) | undefined
  readonly syncNodes: ResolvedSyncNodes | undefined
  readonly listen: { readonly host: string | undefined; readonly ports: readonly [first: number, last: number] } | false
  readonly epmd: EpmdOptions | false
  readonly resolvedEpmd: ResolvedEpmdOptions | undefined
  readonly tls: TlsSource | undefined
  readonly netTickTime: number
  readonly setupTimeout: number
  readonly limits: Limits
  readonly logger: Logger
  readonly clock: Clock
  readonly terms: TermOptions
}

/** The names of all options of a node. */
export const NODE_OPTIONS: readonly (keyof NodeOptions)[] = [
  'name',
  'sname',
  'cookie',
  'cookies',
  'connectTo',
  'visible',
  'mesh',
  'meshRefresh',
  'connectAll',
  'distAutoConnect',
  'allow',
  'syncNodes',
  'listen',
  'epmd',
  'tls',
  'netTickTime',
  'setupTimeout',
  'limits',
  'logger',
  'clock',
  'binaries',
  'maps',
  'floats',
  'keys',
]

/** @throws OptionError naming the option and the value at fault */
export function resolveNodeOptions(options: NodeOptions): ResolvedNodeOptions {
  instance(options, 'options', 'an object of node options', (it) => !Array.isArray(it))
  knownOnly(options, NODE_OPTIONS)
  const name = ownName(options)
  const epmd = or(options.epmd, {})
  if (epmd !== false) instance(epmd, 'epmd', 'an object of EPMD options, or false', (it) => !Array.isArray(it))
  return {
    name,
    cookie: options.cookie === undefined ? undefined : checkCookie(options.cookie, 'cookie'),
    cookies: cookiesOf(options.cookies),
    connectTo: peersOf(options.connectTo),
    visible: boolean(or(options.visible, false), 'visible'),
    mesh: boolean(or(options.mesh, true), 'mesh'),
    meshRefresh: options.meshRefresh === undefined ? 5_000 : atLeast(options.meshRefresh, 'meshRefresh', 100),
    connectAll: boolean(or(options.connectAll, true), 'connectAll'),
    distAutoConnect: oneOf('always', 'once', 'never')(or(options.distAutoConnect, 'always'), 'distAutoConnect'),
    allow: allowOf(options.allow),
    syncNodes: options.syncNodes === undefined ? undefined : resolveSyncNodes(options.syncNodes),
    listen: listenOf(options.listen, name),
    epmd,
    resolvedEpmd: epmd === false ? undefined : resolveEpmdOptions(epmd),
    tls: options.tls === undefined ? undefined : checkTlsSource(options.tls, options.listen !== false),
    netTickTime: options.netTickTime === undefined ? 60_000 : atLeast(options.netTickTime, 'netTickTime', 40),
    setupTimeout: integer(1, 120_000, 'milliseconds')(or(options.setupTimeout, 7000), 'setupTimeout'),
    limits: limitsOf(options.limits),
    logger: loggerOf(options.logger),
    clock: clockOf(options.clock),
    terms: resolveTermOptions(options),
  }
}

function ownName({ name, sname }: NodeOptions): NodeName {
  if (name !== undefined && sname !== undefined) {
    throw new OptionError('sname', sname, `no short name beside the long one (name is ${JSON.stringify(name)})`)
  }
  if (name !== undefined) {
    const whole = checkNodeName(name, 'name')
    if (!isLongHost(whole.host)) {
      throw new OptionError('name', name, 'a host with a dot or a colon after the @ (use `sname` for short names)')
    }
    return whole
  }
  const short = sname === undefined ? `n_${randomBytes(5).toString('hex')}` : string(sname, 'sname')
  const whole = checkNodeName(short.includes('@') ? short : `${short}@${shortHost()}`, 'sname')
  if (isLongHost(whole.host)) {
    throw new OptionError('sname', sname, 'a host without dots or colons after the @ (use `name` for long names)')
  }
  return whole
}

/** This machine's name without its domain, as `erl -sname` takes it. */
function shortHost(): string {
  return hostname().split('.')[0] || 'localhost'
}

/** What OTP can use: characters of ISO 8859-1, at most 255. Never part of an error message. */
export function checkCookie(value: unknown, option: string): string {
  if (typeof value !== 'string' || value === '' || value.length > 255 || /[^\x20-\x7e\xa0-\xff]/.test(value)) {
    const got = typeof value === 'string' ? (value === '' ? 'an empty one' : 'another one') : `a ${typeof value}`
    const expected = 'a text of 1 to 255 printable characters of ISO 8859-1'
    throw new OptionError(option, undefined, expected, `${option}: expected ${expected}, got ${got} (it is not shown)`)
  }
  return value
}

function cookiesOf(cookies: NodeOptions['cookies']): Map<string, string> {
  const map = new Map<string, string>()
  if (cookies === undefined) return map
  if (typeof cookies !== 'object' || cookies === null || Array.isArray(cookies)) {
    const expected = "an object such as { 'b@host': 'secret' }"
    throw new OptionError('cookies', undefined, expected, `cookies: expected ${expected}, got another type of value`)
  }
  for (const [peer, cookie] of Object.entries(cookies)) {
    map.set(checkNodeName(peer, 'cookies').full, checkCookie(cookie, `cookies[${JSON.stringify(peer)}]`))
  }
  return map
}

function peersOf(connectTo: NodeOptions['connectTo']): PeerAddress[] {
  if (connectTo === undefined) return []
  const list = Array.isArray(connectTo) ? connectTo : [connectTo]
  return list.map((peer: unknown, i) => parsePeer(peer, Array.isArray(connectTo) ? `connectTo[${i}]` : 'connectTo'))
}

function allowOf(allow: NodeOptions['allow']): ResolvedNodeOptions['allow'] {
  if (allow === undefined || typeof allow === 'function') return allow
  if (!Array.isArray(allow)) throw new OptionError('allow', allow, 'a list of node names, or a function')
  return checkNodeNames(allow, 'allow')
}

function listenOf(listen: NodeOptions['listen'], name: NodeName): ResolvedNodeOptions['listen'] {
  if (listen === false) return false
  const options = instance<ListenOptions>(
    or(listen, {}),
    'listen',
    '{ host, port }, or false',
    (it) => !Array.isArray(it),
  )
  knownOnly(options, ['host', 'port'], 'listen.')
  const host = options.host === undefined ? undefined : string(options.host, 'listen.host')
  const bind = host ?? (isLoopbackHost(name.host) ? name.host : undefined)
  return { host: bind, ports: portsOf(or(options.port, 0)) }
}

function portsOf(given: unknown): readonly [first: number, last: number] {
  if (!Array.isArray(given)) {
    const only = port(given, 'listen.port')
    return [only, only]
  }
  const [first, last] = given.map((end: unknown) => integer(1, 65535, 'a port')(end, 'listen.port'))
  if (given.length !== 2 || first === undefined || last === undefined || first > last) {
    throw new OptionError('listen.port', given, 'a port, or the first and the last of some')
  }
  return [first, last]
}

function atLeast(value: unknown, option: string, min: number): number {
  const ms = duration(value, option)
  if (ms < min) throw new OptionError(option, value, `at least ${min} milliseconds`)
  return ms
}

function limitsOf(limits: NodeOptions['limits']): Limits {
  if (limits === undefined) return defaultLimits
  instance(limits, 'limits', 'an object of limits', (it) => !Array.isArray(it))
  knownOnly(limits, Object.keys(defaultLimits), 'limits.')
  for (const [key, value] of Object.entries(limits)) integer(1, Number.MAX_SAFE_INTEGER)(value, `limits.${key}`)
  return { ...defaultLimits, ...limits }
}

function loggerOf(logger: NodeOptions['logger']): Logger {
  if (logger === undefined) return stderrLogger
  instance(logger, 'logger', 'an object with the methods debug, info, warn and error', () => true)
  for (const level of ['debug', 'info', 'warn', 'error'] as const) fn(logger[level], `logger.${level}`)
  return logger
}

function clockOf(clock: NodeOptions['clock']): Clock {
  if (clock === undefined) return systemClock
  instance(clock, 'clock', 'an object with the methods now and after', () => true)
  for (const method of ['now', 'after'] as const) fn(clock[method], `clock.${method}`)
  return clock
}

/** Only what is absent takes the default: null is no value of any option. */
function or<T>(value: T | undefined, fallback: T): T {
  return value === undefined ? fallback : value
}
