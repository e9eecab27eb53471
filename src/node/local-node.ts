import { inspect } from 'node:util'
import { TsunagiError } from '../base/errors.ts'
import { checkNodeName } from '../base/node-name.ts'
import { duration, integer, knownOnly, oneOf } from '../base/options.ts'
import type { LinkTls } from '../dist/carrier.ts'
import { ConnectError } from '../dist/connect-error.ts'
import type { LinkStats } from '../dist/link.ts'
import type { AcceptCounts } from '../dist/listener.ts'
import type { OwnCertificate } from '../dist/tls-credentials.ts'
import type { TlsTransport } from '../dist/tls-transport.ts'
import { type Atom, atom, type Pid, type Term, tuple } from '../term/index.ts'
import { type Cookie, findCookie } from './cookie.ts'
import { depart } from './departure.ts'
import type { DiscoveryHost } from './discovery-host.ts'
import { warnOfExposure } from './exposure.ts'
import type { Global } from './global/global.ts'
import type { Foundation, NodeCore } from './node-core.ts'
import type { MonitorNodesOptions, NodeEvent } from './node-monitor.ts'
import { checkCookie, type NodeOptions, type ResolvedNodeOptions, resolveNodeOptions } from './node-options.ts'
import { parsePeer } from './peer-address.ts'
import { type PeerInfo, peerInfo } from './peer-info.ts'
import type { PgScope } from './pg/pg-scope.ts'
import { type Door, Presence } from './presence.ts'
import { coreOf, ProcessHost } from './process-host.ts'
import type { ExposedFunctions, ExposeOptions, Exposure } from './rpc/exposed.ts'
import { makeProxy, type ProxyOptions, type RemoteModule } from './rpc/proxy.ts'
import type { RpcOptions } from './rpc/rpc.ts'
import type { ServiceHost } from './service-host.ts'
import { type ResolvedSyncNodes, syncNodes } from './sync-nodes.ts'
import { WAIT_OPTIONS, type WaitOptions, withLimits } from './waiting.ts'

export type { Foundation } from './node-core.ts'
export type { LocalNodeEvents } from './node-reports.ts'

/** How one link counts and stands. */
export interface LinkInfo extends LinkStats {
  readonly node: string
  readonly nodeType: 'visible' | 'hidden'
  readonly address: string | undefined
  /** Undefined without TLS. */
  readonly tls: LinkTls | undefined
}

const CONNECT_TO = 'connectTo'

/**
 * A node of an Erlang-style cluster, in this process; made by `startNode`. It is an object: one process can hold many.
 */
export class LocalNode extends ProcessHost implements AsyncDisposable {
  #closed: Promise<void> | undefined
  #left: Promise<void> | undefined
  /** How long servers may take to end, in milliseconds. */
  #grace: number | undefined

  /** Use `startNode`. */
  static start(given: NodeOptions): Promise<LocalNode> {
    return LocalNode.startAs(given, (foundation) => new LocalNode(foundation))
  }

  /** Starts a node of a derived class. */
  protected static async startAs<N extends LocalNode>(
    given: NodeOptions,
    make: (foundation: Foundation) => N,
  ): Promise<N> {
    const options = resolveNodeOptions(given)
    const cookie = await findCookie(options.cookie)
    let node: N | undefined
    const door: Door = {
      admits: (address) => node !== undefined && coreOf(node).admits(address),
      accept: (carrier) => (node === undefined ? carrier.destroy() : coreOf(node).accept(carrier)),
    }
    const tls = await openTls(options)
    const presence = await Presence.open(options, door, tls)
    node = make({ options, cookie, presence, tls })
    const cookies = [cookie.value, ...options.cookies.values()]
    warnOfExposure(options.logger, { listening: presence.listening, tls: tls !== undefined, cookies })
    for (const peer of options.connectTo) {
      if (peer.name === node.name) continue
      const connector = coreOf(node).peers.connector(peer.name)
      connector.port = peer.port
      connector.want(CONNECT_TO)
    }
    if (options.syncNodes !== undefined) await node.#sync(options.syncNodes)
    return node
  }

  /** Global names and locks, for visible nodes; see {@link Global}. */
  get global(): Global {
    return this.#core.global
  }

  /** For topologies: keeps nodes connected that were found. */
  get discovery(): DiscoveryHost {
    return this.#core.discovery
  }

  /** For what is built upon the node: processes of its own, and news of its links. */
  get serviceHost(): ServiceHost {
    return this.#core.serviceHost
  }

  /** The cookie peers need; secret. */
  get cookie(): string {
    return this.#core.cookies.own
  }

  /** Where the cookie came from. */
  get cookieSource(): Cookie['source'] {
    return this.#core.cookies.source
  }

  /** This incarnation of the node, u32. */
  get creation(): number {
    return this.#core.presence.creation
  }

  /** The address and port peers connect to; undefined for a node that does not listen. */
  get listening(): { readonly host: string; readonly port: number } | undefined {
    return this.#core.presence.listening
  }

  /** Whether this process serves the EPMD; otherwise another one does, or there is none. */
  get servesEpmd(): boolean {
    return this.#core.presence.servesEpmd
  }

  /** Whether it takes part in the cluster as a visible node. */
  get visible(): boolean {
    return this.#core.options.visible
  }

  /** Whether its links are over TLS. */
  get secure(): boolean {
    return this.#core.tls !== undefined
  }

  /** The node's certificates and those of the authorities they come from; none without TLS. */
  certificates(): readonly OwnCertificate[] {
    return this.#core.tls?.credentials.settings.certificates ?? []
  }

  /**
   * Reads certificates again at once, instead of at the next `tls.reloadInterval`. Links that are up stay as they are.
   *
   * @returns whether new links have other ones than before; what is wrong with them is logged, and the old ones stay
   */
  async reloadTls(): Promise<boolean> {
    return (await this.#core.tls?.credentials.reload()) ?? false
  }

  /** Milliseconds since it was started. */
  get age(): number {
    return this.#core.age
  }

  get closed(): boolean {
    return this.#closed !== undefined
  }

  /**
   * Names of other nodes: those connected (default), only the visible or hidden ones of them, or all `known`: connected,
   * being dialled, or wanted.
   */
  nodes(kind: 'connected' | 'visible' | 'hidden' | 'known' = 'connected'): string[] {
    oneOf('connected', 'visible', 'hidden', 'known')(kind, 'kind')
    return this.#core.nodes(kind)
  }

  /** What became of those who connected to this node, since it was started: for metrics. */
  get acceptCounts(): AcceptCounts {
    return this.#core.acceptCounts
  }

  /** The links with their counters. */
  links(): LinkInfo[] {
    return Array.from(this.#core.peers.links, (link) => ({
      node: link.peer.name,
      nodeType: link.hidden ? 'hidden' : 'visible',
      address: link.remoteAddress,
      tls: link.tls,
      ...link.stats,
    }))
  }

  /** How it stands with every node it knows: connected, being dialled, wanted, or disconnected by hand. */
  peers(): PeerInfo[] {
    const now = this.#core.options.clock.now()
    return Array.from(this.#core.peers.connectors, (connector) => peerInfo(connector, now))
  }

  /**
   * Connects to a node and, unless `disconnect` is called, stays connected for ever. Resolves at once when there is a
   * link. `name` may carry a port: `'b@host:9100'`.
   *
   * @throws ConnectError whose `code`, `reason` and `node` say why the first dial failed; later ones go on.
   * @throws TsunagiError `ERR_TIMEOUT` after `timeout` ms (default 10000)
   */
  async connect(name: string, options: WaitOptions = {}): Promise<void> {
    this.#assertOpen()
    knownOnly(options, WAIT_OPTIONS)
    if (this.#left !== undefined) throw new TsunagiError('ERR_CLOSED', `the node ${this.name} is leaving`)
    const peer = parsePeer(name, 'name')
    options.signal?.throwIfAborted()
    if (peer.name === this.name) throw new ConnectError('ERR_CONNECT_SELF', name, `${name} is this node itself`)
    const connector = this.#core.peers.connector(peer.name)
    if (peer.port !== undefined) connector.port = peer.port
    const connected = connector.connect()
    connector.want(CONNECT_TO)
    await withLimits(connected, this.#core.options.clock, { timeout: 10_000, ...options }, `${name} did not connect`)
  }

  /** Cuts the link and dials no more, until `connect(name)`, or until the peer dials. Does nothing for strangers. */
  async disconnect(name: string): Promise<void> {
    const peer = atom(parsePeer(name, 'name').name)
    const connector = this.#core.peers.find(peer)
    this.#core.mesh.leave(peer)
    connector?.disconnect()
    connector?.unwant(CONNECT_TO)
  }

  /** Whether a node can be reached and accepts us: `'pong'` or `'pang'`, as `net_adm:ping/1`. Connects for it, once. */
  async ping(name: string, options: WaitOptions = {}): Promise<'pong' | 'pang'> {
    this.#assertOpen()
    knownOnly(options, WAIT_OPTIONS)
    const peer = parsePeer(name, 'name')
    options.signal?.throwIfAborted()
    if (peer.name === this.name) return 'pong'
    const connector = this.#core.peers.connector(peer.name)
    if (peer.port !== undefined) connector.port = peer.port
    try {
      await withLimits(connector.connect(), this.#core.options.clock, options, `${name} did not connect`)
      const request = tuple(atom('is_auth'), atom(this.name))
      const answer = await this.call({ name: 'net_kernel', node: peer.name }, request, options)
      return answer === atom('yes') ? 'pong' : 'pang'
    } catch (error) {
      if (options.signal?.aborted === true) throw error
      return 'pang'
    }
  }

  /**
   * Allows these nodes to be connected; the first call forbids all others, unless the option `allow` did. As
   * `net_kernel:allow/1`: links that are up stay.
   *
   * @throws OptionError
   */
  allow(names: readonly string[]): void {
    this.#core.peers.allowed.add(names)
  }

  /**
   * Sets the cookie of one peer from the next handshake on, as `erlang:set_cookie/2`. With this node's own name: the cookie
   * of all that have none of their own.
   *
   * @throws OptionError
   */
  setCookie(name: string, cookie: string): void {
    this.#core.cookies.set(checkNodeName(name, 'name').full, checkCookie(cookie, 'cookie'))
  }

  /** Why the last dial to a node failed; undefined when it did not, or for a stranger. */
  lastError(name: string): ConnectError | undefined {
    return this.#core.peers.find(atom(name))?.lastError
  }

  /**
   * Resolves when at least so many nodes are connected.
   *
   * @throws TsunagiError `ERR_TIMEOUT`
   */
  async ready(options: WaitOptions & { readonly nodes?: number } = {}): Promise<void> {
    knownOnly(options, ['nodes', ...WAIT_OPTIONS])
    const { nodes = 1 } = options
    integer(0, Number.MAX_SAFE_INTEGER)(nodes, 'nodes')
    const { options: own, reports } = this.#core
    let unfollow = (): void => {}
    const enough = new Promise<void>((resolve) => {
      const check = (): void => {
        if (this.nodes().length >= nodes || this.closed) resolve()
      }
      unfollow = reports.follow(check)
      check()
    })
    try {
      await withLimits(enough, own.clock, options, `fewer than ${nodes} other nodes were connected`)
    } finally {
      unfollow()
    }
    this.#assertOpen()
  }

  /** Comings and goings from now on, as an async iterator that holds up to 1,000 events for a slow reader. */
  monitorNodes(options?: MonitorNodesOptions): AsyncIterableIterator<NodeEvent> & AsyncDisposable {
    this.#assertOpen()
    return this.#core.reports.monitors.open(options)
  }

  /**
   * The process groups of a scope, shared with all nodes that have one of this name, `pg` of OTP included; the same object
   * each time. See {@link PgScope}.
   *
   * @param scope default `pg`, as OTP's.
   * @throws TsunagiError `ERR_NAME_TAKEN` when a process of this node has the name, `ERR_CLOSED`.
   */
  pg(scope: string | Atom = 'pg'): PgScope {
    this.#assertOpen()
    return this.#core.pg.scope(scope)
  }

  /**
   * Lets peers call these functions under a module's name (`'Elixir.Math'` for an Elixir one), until what it returns is
   * closed. Nothing that is not exposed can be called. A function's arity is its `length`; see {@link ExposedWithArity}
   * where that does not tell.
   *
   * @throws TsunagiError `ERR_NAME_TAKEN` when one of them is exposed already, `ERR_CLOSED`; OptionError
   * @example
   * node.expose('Elixir.Math', { add: (a, b) => a + b })
   */
  expose(module: string, functions: ExposedFunctions, options?: ExposeOptions): Exposure {
    this.#assertOpen()
    return this.#core.exposed.expose(module, functions, options)
  }

  /**
   * Calls a function on a node as `erpc:call` does, and resolves to what it returns. On this node itself, one that is
   * exposed.
   *
   * @throws RpcError `ERR_RPC_EXCEPTION`, `ERR_RPC_UNDEF`, `ERR_RPC_REFUSED`, `ERR_CALL_EXIT`, `ERR_NOCONNECTION`,
   *   `ERR_TIMEOUT`; TsunagiError `ERR_LINK_FULL`, `ERR_ENCODE`, `ERR_CLOSED`; OptionError
   * @example
   * await node.rpc('b@host', 'lists', 'sum', [[1, 2, 3]]) // 6
   */
  rpc(name: string, module: string, fn: string, args?: readonly Term[], options?: RpcOptions): Promise<Term> {
    return this.#core.rpc.call(name, module, fn, args, options)
  }

  /**
   * Calls a function on many nodes at once, as `erpc:multicall`; the results are in the order of the nodes, those that
   * failed as in `Promise.allSettled`.
   */
  rpcMulticall(
    names: readonly string[],
    module: string,
    fn: string,
    args?: readonly Term[],
    options?: RpcOptions,
  ): Promise<PromiseSettledResult<Term>[]> {
    return this.#core.rpc.multicall(names, module, fn, args, options)
  }

  /**
   * Has a function run on a node, as `erpc:cast`: nobody hears what comes of it. False when the link is over its
   * high-water mark.
   *
   * @throws TsunagiError `ERR_LINK_FULL`, `ERR_ENCODE`; OptionError
   */
  rpcCast(name: string, module: string, fn: string, args?: readonly Term[]): boolean {
    return this.#core.rpc.cast(name, module, fn, args)
  }

  /**
   * Spawns a process on a node that runs a function, as `erlang:spawn/4`, and resolves to its pid, which can be linked,
   * monitored and sent to like any other.
   *
   * @throws RpcError `ERR_RPC_REFUSED`, `ERR_NOCONNECTION`, `ERR_TIMEOUT`; TsunagiError `ERR_LINK_FULL`, `ERR_ENCODE`
   */
  spawnAt(name: string, module: string, fn: string, args?: readonly Term[], options?: WaitOptions): Promise<Pid> {
    return this.#core.rpc.spawn(name, module, fn, args, options)
  }

  /**
   * A module of a node as an object of functions: `await math.add(1, 2)`. `Api` says which there are; names are taken as
   * they are. With `schemas` arguments and results are checked, too.
   *
   * @throws OptionError; calls reject as those of {@link LocalNode.rpc}, or with SchemaError `ERR_SCHEMA`
   * @example
   * const math = node.proxy<{ add(a: number, b: number): number }>('b@host', 'Elixir.Math')
   * await math.add(1, 2) // 3
   */
  // biome-ignore lint/suspicious/noExplicitAny: without a type, any function can be called.
  proxy<Api extends object = Record<string, (...args: any[]) => any>>(
    name: string,
    module: string,
    options?: ProxyOptions<Api>,
  ): RemoteModule<Api> {
    return makeProxy(this.#core.rpc, name, module, options)
  }

  /** Resolves when the link to a node is below its high-water mark. @throws TsunagiError `ERR_NOCONNECTION` on nodedown */
  async drained(name: string, options: WaitOptions = {}): Promise<void> {
    knownOnly(options, WAIT_OPTIONS)
    const peer = atom(name)
    const link = this.#core.peers.linkTo(peer)
    if (link === undefined && name !== this.name) {
      throw new TsunagiError('ERR_NOCONNECTION', `there is no connection to ${name}`)
    }
    if (link === undefined || !link.send.full) return
    const { clock } = this.#core.options
    const unlimited = { timeout: Number.POSITIVE_INFINITY, ...options }
    await withLimits(this.#core.drains.wait(peer), clock, unlimited, `the link to ${name} did not drain`)
  }

  /** Whether `ready` would resolve at once, for a probe: false as well while the node leaves, and when it is closed. */
  isReady(options: { readonly nodes?: number } = {}): boolean {
    knownOnly(options, ['nodes'])
    const { nodes = 1 } = options
    integer(0, Number.MAX_SAFE_INTEGER)(nodes, 'nodes')
    return this.#left === undefined && !this.closed && this.nodes().length >= nodes
  }

  /**
   * Closes in good order: gives its name and port up, so that nobody finds it any more, dials nobody, and tells the nodes of
   * this package not to dial it. Then calls that others made have until the `deadline` to end: functions that run for
   * `rpc`, and GenServers that handle messages or owe an answer. Links stay up so long. Then it closes. Idempotent.
   *
   * @param options `deadline`: milliseconds in all, default 5000. `Infinity`: as long as the calls take.
   * @throws OptionError
   */
  async leave(options: { readonly deadline?: number } = {}): Promise<void> {
    knownOnly(options, ['deadline'])
    const deadline = duration(options.deadline ?? 5000, 'deadline')
    this.#left ??= this.#depart(deadline)
    await this.#left
  }

  /** What is built upon the node seeks nobody any more: it leaves. */
  protected withdraw(): void {}

  /** Disconnects from everybody, ends all processes, frees name and port. Idempotent. */
  close(): Promise<void> {
    this.#closed ??= this.#core.close(this.#grace)
    return this.#closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  [inspect.custom](): string {
    return `LocalNode<${this.name}, ${this.closed ? 'closed' : `${this.nodes().length} connected`}>`
  }

  #depart(deadline: number): Promise<void> {
    if (this.closed) return this.close()
    this.withdraw()
    return depart(this.#core, deadline, {
      isClosed: () => this.closed,
      close: (grace) => {
        this.#grace = grace
        return this.close()
      },
    })
  }

  async #sync(wanted: ResolvedSyncNodes): Promise<void> {
    try {
      await syncNodes(
        {
          name: this.name,
          clock: this.#core.options.clock,
          connector: (name) => this.#core.peers.connector(name),
          onUp: (listener) => this.#core.reports.follow((name) => name !== undefined && listener(name)),
        },
        wanted,
      )
    } catch (error) {
      await this.close()
      throw error
    }
  }

  get #core(): NodeCore {
    return coreOf(this)
  }

  #assertOpen(): void {
    if (this.closed) throw new TsunagiError('ERR_CLOSED', `the node ${this.name} is closed`)
  }
}

/** Loads what TLS takes only where it is asked for. */
async function openTls({ tls, listen, clock, logger }: ResolvedNodeOptions): Promise<TlsTransport | undefined> {
  if (tls === undefined) return undefined
  const { TlsTransport } = await import('../dist/tls-transport.ts')
  return await TlsTransport.open({ source: tls, listens: listen !== false, clock, logger })
}
