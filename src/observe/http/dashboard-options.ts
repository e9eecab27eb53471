import { OptionError } from '../../base/errors.ts'
import { isLoopbackHost } from '../../base/node-name.ts'
import { boolean, instance, integer, knownOnly, oneOf, port, string } from '../../base/options.ts'

/** What can be asked of a node without the token, when {@link DashboardAccess.open} names it. */
export type OpenEndpoint = 'alive' | 'ready' | 'metrics'

/** Who may see the dashboard, and how much. */
export interface DashboardAccess {
  /**
   * The secret that viewers have to show: 16 to 512 printable ASCII characters without spaces, as
   * `openssl rand -hex 16` makes them. Default: none, which a server only takes at a loopback address.
   */
  readonly token?: string | undefined
  /** Lets viewers act (disconnect, reconnect, refresh, pause). Default false: they only look. */
  readonly actions?: boolean
  /** Lets viewers read the messages of pub/sub topics as they pass. Default true. */
  readonly tail?: boolean
  /**
   * Host names it is reached by, besides those of loopback, addresses, and this machine's own name, such as
   * `'nodes.example.com'`. Requests for others are refused, against DNS rebinding. Default: none.
   */
  readonly allowedHosts?: readonly string[]
  /**
   * What is answered without the token. Default: `['alive', 'ready']`, which tell nothing but how many nodes are connected,
   * and which probes of Kubernetes ask. `/metrics` names nodes.
   */
  readonly open?: readonly OpenEndpoint[]
  /** How many other nodes have to be connected for `/ready` to say so. Default 0: the node itself is enough. */
  readonly readyNodes?: number
  /** Most viewers at once, of pages and of tails together; 1 to 10,000. Default 100. */
  readonly viewers?: number
  /** Whether `/metrics` tells of the process as well: CPU, memory, event loop, garbage collection. Default true. */
  readonly processMetrics?: boolean
}

/** Options of a dashboard with a server of its own. */
export interface DashboardOptions extends DashboardAccess {
  /** Default 0: any free port. */
  readonly port?: number
  /** Address to bind. Default `127.0.0.1`. Any that others can reach needs a `token`. */
  readonly host?: string
}

/** Options of a dashboard within somebody else's server. */
export interface MountOptions extends Omit<DashboardAccess, 'token'> {
  /** The path it is found under, such as `/cluster`. Default `/`. */
  readonly path?: string
  /**
   * As {@link DashboardAccess.token}; `false` says that the application itself lets nobody through whom it does not know. One
   * of them has to be said: nothing here can tell who reaches the application.
   */
  readonly token?: string | false | undefined
}

/** {@link DashboardAccess}, checked and completed. */
export interface ResolvedAccess {
  /** Undefined: loopback, or somebody else, guards it. */
  readonly token: string | undefined
  readonly actions: boolean
  readonly tail: boolean
  readonly allowedHosts: ReadonlySet<string>
  readonly open: ReadonlySet<OpenEndpoint>
  readonly readyNodes: number
  readonly viewers: number
  readonly processMetrics: boolean
}

/** {@link DashboardOptions}, checked and completed. */
export interface ResolvedDashboardOptions extends ResolvedAccess {
  readonly port: number
  readonly host: string
}

/** {@link MountOptions}, checked and completed. */
export interface ResolvedMountOptions extends ResolvedAccess {
  /** Without a slash at its end; empty for the root. */
  readonly path: string
}

const ACCESS: readonly (keyof DashboardAccess)[] = [
  'token',
  'actions',
  'tail',
  'allowedHosts',
  'open',
  'readyNodes',
  'viewers',
  'processMetrics',
]

/** @throws OptionError naming the option and, unless it is secret, the value at fault */
export function resolveDashboardOptions(options: DashboardOptions, path = 'dashboard.'): ResolvedDashboardOptions {
  checkShape(options, ['port', 'host', ...ACCESS], path)
  const host = options.host === undefined ? '127.0.0.1' : string(options.host, `${path}host`)
  const access = resolveAccess(options, path)
  if (access.token === undefined && !isLoopbackHost(host)) {
    const text = `${path}token: expected a token, since others can reach ${host} (or bind it to 127.0.0.1, the default)`
    throw new OptionError(`${path}token`, undefined, 'a token', text)
  }
  return { ...access, host, port: options.port === undefined ? 0 : port(options.port, `${path}port`) }
}

/** @throws OptionError naming the option and, unless it is secret, the value at fault */
export function resolveMountOptions(given: MountOptions, path = ''): ResolvedMountOptions {
  checkShape(given, ['path', ...ACCESS], path)
  const { token, ...options } = given
  if (token === undefined) {
    const text = `${path}token: expected a token, or false where the application lets nobody through whom it does not know`
    throw new OptionError(`${path}token`, undefined, 'a token, or false', text)
  }
  const access = resolveAccess(token === false ? options : { ...options, token }, path)
  return { ...access, path: prefixOf(options.path, `${path}path`) }
}

function checkShape(options: object, known: readonly string[], path: string): void {
  instance(options, path.slice(0, -1) || 'options', 'an object of dashboard options', (it) => !Array.isArray(it))
  knownOnly(options, known, path)
}

function resolveAccess(options: DashboardAccess, path: string): ResolvedAccess {
  const { actions, open, processMetrics, readyNodes, tail, viewers } = options
  const count = integer(0, 1_000_000)
  return {
    token: options.token === undefined ? undefined : checkToken(options.token, `${path}token`),
    actions: actions === undefined ? false : boolean(actions, `${path}actions`),
    tail: tail === undefined ? true : boolean(tail, `${path}tail`),
    allowedHosts: new Set(list(options.allowedHosts ?? [], `${path}allowedHosts`, hostName)),
    open: new Set(list(open ?? ['alive', 'ready'], `${path}open`, oneOf('alive', 'ready', 'metrics'))),
    readyNodes: readyNodes === undefined ? 0 : count(readyNodes, `${path}readyNodes`),
    viewers: viewers === undefined ? 100 : integer(1, 10_000)(viewers, `${path}viewers`),
    processMetrics: processMetrics === undefined ? true : boolean(processMetrics, `${path}processMetrics`),
  }
}

/** Long enough that ten guesses a minute lead nowhere. Never part of an error message. */
function checkToken(value: unknown, option: string): string {
  if (typeof value === 'string' && /^[\x21-\x7e]{16,512}$/.test(value)) return value
  const expected = '16 to 512 printable ASCII characters without spaces, such as `openssl rand -hex 16` makes'
  const got = typeof value === 'string' ? `one of ${value.length} characters` : `a ${typeof value}`
  throw new OptionError(option, undefined, expected, `${option}: expected ${expected}, got ${got} (it is not shown)`)
}

function list<T>(value: unknown, option: string, check: (value: unknown, option: string) => T): T[] {
  if (!Array.isArray(value)) throw new OptionError(option, value, 'a list')
  return value.map((it: unknown, i) => check(it, `${option}[${i}]`))
}

function hostName(value: unknown, option: string): string {
  const name = string(value, option).toLowerCase()
  if (!/^[a-z0-9]([a-z0-9._-]*[a-z0-9])?$/.test(name)) {
    throw new OptionError(option, value, 'a host name without a port, such as "nodes.example.com"')
  }
  return name
}

function prefixOf(value: unknown, option: string): string {
  if (value === undefined) return ''
  const prefix = string(value, option).replace(/\/$/, '')
  if (!/^(\/[\w~-][\w.~-]*)*$/.test(prefix)) {
    throw new OptionError(option, value, 'a path such as "/cluster" (letters, digits, `-`, `.`, `_`, `~`)')
  }
  return prefix
}
