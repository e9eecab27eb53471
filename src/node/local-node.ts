import { EventEmitter } from 'node:events'
import { inspect } from 'node:util'
import { TsunagiError } from '../base/errors.ts'
import { checkNodeName, isLongHost } from '../base/node-name.ts'
import { integer, oneOf } from '../base/options.ts'
import type { Carrier } from '../dist/carrier.ts'
import { ConnectError } from '../dist/connect-error.ts'
import { ourFlags } from '../dist/flags.ts'
import type { Link, LinkDownReason, LinkStats } from '../dist/link.ts'
import { Listener } from '../dist/listener.ts'
import type { Destination } from '../process/address.ts'
import type { CallOptions } from '../process/call.ts'
import type { ServerHandlers, ServerSource } from '../process/gen-server.ts'
import type { MultiCallResult } from '../process/multi-call.ts'
import type { ProcessBody, SpawnOptions } from '../process/process.ts'
import type { ProcessInfo } from '../process/process-info.ts'
import { type ProcessCounts, ProcessSystem } from '../process/process-system.ts'
import type { CastOf, ReplyOf, RequestOf, ServerRef } from '../process/server-ref.ts'
import type { SupervisorOptions } from '../process/supervisor/options.ts'
import type { Supervisor } from '../process/supervisor/supervisor.ts'
import { type Atom, atom, type Pid, type Term, tuple } from '../term/index.ts'
import type { Connector } from './connector.ts'
import { type Cookie, Cookies, findCookie } from './cookie.ts'
import { DiscoveryHost } from './discovery-host.ts'
import { Drains } from './drains.ts'
import { Global } from './global/global.ts'
import { GlobalService } from './global/global-service.ts'
import { Mesh } from './mesh/mesh.ts'
import { netKernel } from './net-kernel.ts'
import type { MonitorNodesOptions, NodeEvent } from './node-monitor.ts'
import { checkCookie, type NodeOptions, type ResolvedNodeOptions, resolveNodeOptions } from './node-options.ts'
import { type LocalNodeEvents, NodeReports } from './node-reports.ts'
import { Outbound } from './outbound.ts'
import { parsePeer } from './peer-address.ts'
import { Peers } from './peers.ts'
import { Pg } from './pg/pg.ts'
import type { PgScope } from './pg/pg-scope.ts'
import { Presence, randomIdentity } from './presence.ts'
import { exposeBuiltins } from './rpc/builtins.ts'
import { Exposed, type ExposedFunctions, type ExposeOptions, type Exposure } from './rpc/exposed.ts'
import { makeProxy, type ProxyOptions, type RemoteModule } from './rpc/proxy.ts'
import { Rex } from './rpc/rex.ts'
import { Rpc, type RpcOptions } from './rpc/rpc.ts'
import { Runner } from './rpc/runner.ts'
import { SpawnRequests } from './rpc/spawn-requests.ts'
import type { NodeHost, NodeService } from './service.ts'
import { type ResolvedSyncNodes, syncNodes } from './sync-nodes.ts'
import { type WaitOptions, withLimits } from './waiting.ts'

export type { LocalNodeEvents } from './node-reports.ts'

/** How one link counts and stands. */
export interface LinkInfo extends LinkStats {
  readonly node: string
  readonly nodeType: 'visible' | 'hidden'
  readonly address: string | undefined
}

const CONNECT_TO = 'connectTo'

/** What a node is made of once its name is registered. */
export interface Foundation {
  readonly options: ResolvedNodeOptions
  readonly cookie: Cookie
  readonly presence: Presence
}

/**
 * A node of an Erlang-style cluster, in this process; made by `startNode`. It is an object: one process can hold many.
 */
export class LocalNode extends EventEmitter<LocalNodeEvents> implements AsyncDisposable {
  /** The node's whole name, `alive@host`. */
  readonly name: string
  /** Global names and locks, for visible nodes; see {@link Global}. */
  readonly global: Global
  /** For topologies: keeps nodes connected that were found. */
  readonly discovery: DiscoveryHost
  readonly #options: ResolvedNodeOptions
  readonly #cookies: Cookies
  readonly #presence: Presence
  readonly #peers: Peers
  readonly #processes: ProcessSystem
  readonly #mesh: Mesh
  readonly #exposed = new Exposed()
  readonly #rpc: Rpc
  readonly #pg: Pg
  readonly #spawnRequests: SpawnRequests
  readonly #services: readonly NodeService[]
  readonly #listener: Listener
  readonly #reports: NodeReports
  readonly #drains = new Drains()
  #closed: Promise<void> | undefined

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
    const accept = (carrier: Carrier): void => {
      if (node === undefined) carrier.destroy()
      else node.#listener.accept(carrier)
    }
    const presence = await Presence.open(options, accept)
    node = make({ options, cookie, presence })
    for (const peer of options.connectTo) {
      if (peer.name === node.name) continue
      const connector = node.#peers.connector(peer.name)
      connector.port = peer.port
      connector.want(CONNECT_TO)
    }
    if (options.syncNodes !== undefined) await node.#sync(options.syncNodes)
    return node
  }

  protected constructor({ options, cookie, presence }: Foundation) {
    super()
    this.#options = options
    this.name = options.name.full
    this.#cookies = new Cookies(this.name, cookie, options.cookies)
    this.#presence = presence
    const { creation } = presence
    const { clock, logger, limits, setupTimeout } = options
    this.#reports = new NodeReports(this, logger)
    const own = { name: this.name, creation }
    const flags = ourFlags({ hidden: !options.visible })
    const cookieFor = (peer: string): string => this.#cookies.for(peer)
    const dialOptions = {
      own,
      flags,
      cookieFor,
      clock,
      setupTimeout,
      handshakeBytes: limits.handshakeBytes,
      epmdPort: options.resolvedEpmd?.port,
    }
    this.#peers = new Peers(options, dialOptions, {
      onUp: (connector, link) => this.#onUp(connector, link),
      onDown: (connector, link, reason, error) => this.#onDown(connector, link, reason, error),
      onFailed: (connector, error, dropped) => this.#onFailed(connector, error, dropped),
      onUnsent: (peer, error) => this.#reports.unsent(peer, 1, error),
      onDrained: (peer) => this.#drains.drained(peer),
      onSpawn: (peer, request) => this.#spawnRequests.handle(peer, request),
    })
    const router = new Outbound(atom(this.name), creation, this.#peers)
    this.#processes = new ProcessSystem(router, { clock, logger, limits })
    this.#peers.processes = this.#processes.inbound
    this.#listener = new Listener({
      handshake: {
        role: 'acceptor',
        own,
        flags,
        cookieFor,
        decide: (peer) => this.#peers.decide(peer),
        nameFor: randomIdentity,
      },
      clock,
      logger,
      setupTimeout,
      limits,
      onEstablished: (established) => this.#peers.accepted(established),
      onReplace: (peer) => this.#peers.replaced(peer),
    })
    this.#serve('net_kernel', netKernel(isLongHost(options.name.host)))
    const host: NodeHost = {
      self: router.nodeAtom,
      creation,
      options,
      peers: this.#peers,
      processes: this.#processes,
    }
    const runner = new Runner(host, this.#exposed)
    exposeBuiltins(this.#exposed, (kind) => this.nodes(kind))
    this.#rpc = new Rpc(host, runner)
    this.#spawnRequests = new SpawnRequests(host, runner)
    new Rex(host, runner)
    this.#mesh = new Mesh(host, (peer, name, args, timeout) =>
      this.#rpc.call(peer.name, 'erlang', name, args, { timeout }),
    )
    this.discovery = new DiscoveryHost(
      host,
      () => this.cookie,
      (peer) => this.#mesh.leave(peer),
    )
    const globalService = options.visible
      ? new GlobalService(host, { exposed: this.#exposed, rpc: this.#rpc })
      : undefined
    this.global = new Global(globalService)
    this.#pg = new Pg(host)
    this.#services = [
      this.#mesh,
      this.discovery,
      this.#rpc,
      this.#pg,
      ...(globalService === undefined ? [] : [globalService]),
    ]
  }

  /** The cookie peers need; secret. */
  get cookie(): string {
    return this.#cookies.own
  }

  /** Where the cookie came from. */
  get cookieSource(): Cookie['source'] {
    return this.#cookies.source
  }

  /** This incarnation of the node, u32. */
  get creation(): number {
    return this.#presence.creation
  }

  /** The address and port peers connect to; undefined for a node that does not listen. */
  get listening(): { readonly host: string; readonly port: number } | undefined {
    return this.#presence.listening
  }

  /** Whether this process serves the EPMD; otherwise another one does, or there is none. */
  get servesEpmd(): boolean {
    return this.#presence.servesEpmd
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
    if (kind === 'known') return Array.from(this.#peers.connectors, (connector) => connector.peer.name)
    const links = [...this.#peers.links].filter((link) => kind === 'connected' || link.hidden === (kind === 'hidden'))
    return links.map((link) => link.peer.name)
  }

  /** What the processes of this node hold, for metrics and for tests that look for leaks. */
  get counts(): ProcessCounts {
    return this.#processes.counts
  }

  /** The links with their counters. */
  links(): LinkInfo[] {
    return Array.from(this.#peers.links, (link) => ({
      node: link.peer.name,
      nodeType: link.hidden ? 'hidden' : 'visible',
      address: link.remoteAddress,
      ...link.stats,
    }))
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
    const peer = parsePeer(name, 'name')
    options.signal?.throwIfAborted()
    if (peer.name === this.name) throw new ConnectError('ERR_CONNECT_SELF', name, `${name} is this node itself`)
    const connector = this.#peers.connector(peer.name)
    if (peer.port !== undefined) connector.port = peer.port
    const connected = connector.connect()
    connector.want(CONNECT_TO)
    await withLimits(connected, this.#options.clock, { timeout: 10_000, ...options }, `${name} did not connect`)
  }

  /** Cuts the link and dials no more, until `connect(name)`, or until the peer dials. Does nothing for strangers. */
  async disconnect(name: string): Promise<void> {
    const peer = atom(parsePeer(name, 'name').name)
    const connector = this.#peers.find(peer)
    this.#mesh.leave(peer)
    connector?.disconnect()
    connector?.unwant(CONNECT_TO)
  }

  /** Whether a node can be reached and accepts us: `'pong'` or `'pang'`, as `net_adm:ping/1`. Connects for it, once. */
  async ping(name: string, options: WaitOptions = {}): Promise<'pong' | 'pang'> {
    this.#assertOpen()
    const peer = parsePeer(name, 'name')
    options.signal?.throwIfAborted()
    if (peer.name === this.name) return 'pong'
    const connector = this.#peers.connector(peer.name)
    if (peer.port !== undefined) connector.port = peer.port
    try {
      await withLimits(connector.connect(), this.#options.clock, options, `${name} did not connect`)
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
    this.#peers.allowed.add(names)
  }

  /**
   * Sets the cookie of one peer from the next handshake on, as `erlang:set_cookie/2`. With this node's own name: the cookie
   * of all that have none of their own.
   *
   * @throws OptionError
   */
  setCookie(name: string, cookie: string): void {
    this.#cookies.set(checkNodeName(name, 'name').full, checkCookie(cookie, 'cookie'))
  }

  /** Why the last dial to a node failed; undefined when it did not, or for a stranger. */
  lastError(name: string): ConnectError | undefined {
    return this.#peers.find(atom(name))?.lastError
  }

  /**
   * Resolves when at least so many nodes are connected.
   *
   * @throws TsunagiError `ERR_TIMEOUT`
   */
  async ready(options: WaitOptions & { readonly nodes?: number } = {}): Promise<void> {
    const { nodes = 1 } = options
    integer(0, Number.MAX_SAFE_INTEGER)(nodes, 'nodes')
    let check = (): void => {}
    const enough = new Promise<void>((resolve) => {
      check = () => {
        if (this.nodes().length >= nodes || this.closed) resolve()
      }
    })
    this.on('nodeup', check).on('close', check)
    check()
    try {
      const { clock } = this.#options
      await withLimits(enough, clock, options, `fewer than ${nodes} other nodes were connected`)
    } finally {
      this.off('nodeup', check).off('close', check)
    }
    this.#assertOpen()
  }

  /** Comings and goings from now on, as an async iterator that holds up to 1,000 events for a slow reader. */
  monitorNodes(options?: MonitorNodesOptions): AsyncIterableIterator<NodeEvent> & AsyncDisposable {
    this.#assertOpen()
    return this.#reports.monitors.open(options)
  }

  /** Runs a function as a process; see `Process`. */
  spawn(body: ProcessBody, options?: SpawnOptions): Pid {
    return this.#processes.spawn(body, options)
  }

  /**
   * Starts a GenServer: a class, a function that makes an instance, an object of handlers, or an instance. Resolves when
   * its `init` is done.
   */
  start<Request extends Term = Term, Reply extends Term = Term, Cast extends Term = Term>(
    source: ServerSource<Request, Reply, Cast>,
    options?: SpawnOptions,
  ): Promise<ServerRef<Request, Reply, Cast>> {
    return this.#processes.start(source, options)
  }

  /**
   * Starts a supervisor and its children, in order; resolves when all have started. They are ended, in the reverse order,
   * by its `close` and when the node closes.
   *
   * @throws ExitError with reason `{shutdown, {failed_to_start_child, Id, Reason}}` and a `cause`; TsunagiError
   *   `ERR_NAME_TAKEN`; OptionError
   */
  supervise(options?: SupervisorOptions): Promise<Supervisor> {
    return this.#processes.supervise(options)
  }

  /** The supervisor that runs on this node under a name or a pid. @throws TsunagiError `ERR_NOPROC` */
  supervisor(of: string | Pid): Supervisor {
    return this.#processes.supervisor(of)
  }

  /** Registers a process of this node under a name. @throws TsunagiError `ERR_NAME_TAKEN`, `ERR_NOPROC` */
  register(name: string, pid: Pid | ServerRef): void {
    this.#processes.register(name, pid)
  }

  unregister(name: string): void {
    this.#processes.unregister(name)
  }

  whereis(name: string): Pid | undefined {
    return this.#processes.whereis(name)
  }

  /** The pids of all processes of this node, those of its own servers among them. */
  processes(): Pid[] {
    return this.#processes.list()
  }

  /** What can be seen of a process of this node, such as the length of its mailbox; undefined when it is gone. */
  processInfo(pid: Pid): ProcessInfo | undefined {
    return this.#processes.info(pid)
  }

  /** All names registered on this node. */
  registered(): string[] {
    return this.#processes.registered()
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
    return this.#pg.scope(scope)
  }

  /**
   * Sends a message: to a pid, an alias, a registered name, or `{ name, node }`. To a node without a link it dials first.
   * True, or false when the link is over its high-water mark: then wait for {@link LocalNode.drained}.
   *
   * @throws TsunagiError `ERR_LINK_FULL`, `ERR_ENCODE` or `ERR_NOPROC` (a bare name nobody has); nothing was sent then
   */
  send(to: Destination, message: Term): boolean {
    return this.#processes.send(to, message)
  }

  /** Calls a GenServer anywhere. @throws CallError `ERR_TIMEOUT`, `ERR_NOPROC`, `ERR_NOCONNECTION`, `ERR_CALL_EXIT` */
  call<To extends Destination>(to: To, request: RequestOf<To>, options?: CallOptions): Promise<ReplyOf<To>> {
    return this.#processes.call(to, request, options)
  }

  /** Casts to a GenServer anywhere. */
  cast<To extends Destination>(to: To, message: CastOf<To>): boolean {
    return this.#processes.cast(to, message)
  }

  /**
   * Calls the GenServers of one name on many nodes at once: OTP's `gen_server:multi_call/4`. Resolves when each node has
   * replied or is known not to; late replies vanish.
   *
   * @param nodes default: this node and all that are connected.
   * @param options `timeout` (ms, default 5000) is that of the whole call.
   * @throws OptionError; EncodeError for a request that is no term; the signal's reason
   */
  multiCall(name: string, request: Term, options?: CallOptions): Promise<MultiCallResult>
  multiCall(nodes: readonly string[], name: string, request: Term, options?: CallOptions): Promise<MultiCallResult>
  multiCall(
    ...args: [string, Term, (CallOptions | undefined)?] | [readonly string[], string, Term, (CallOptions | undefined)?]
  ): Promise<MultiCallResult> {
    return this.#processes.multiCall(...this.#onNodes(args))
  }

  /**
   * Casts to the GenServers of one name on many nodes: OTP's `gen_server:abcast/3`. False when the link to one of them is
   * over its high-water mark; where it is full the message is lost.
   *
   * @param nodes default: this node and all that are connected.
   */
  abcast(name: string, message: Term): boolean
  abcast(nodes: readonly string[], name: string, message: Term): boolean
  abcast(...args: [string, Term] | [readonly string[], string, Term]): boolean {
    return this.#processes.abcast(...this.#onNodes(args))
  }

  /**
   * Lets peers call these functions under a module's name (`'Elixir.Math'` for an Elixir one), until what it returns is
   * closed. Nothing that is not exposed can be called. A function's arity is its `length`; see {@link ExposedWithArity}
   * where that does not tell.
   *
   * @throws TsunagiError `ERR_NAME_TAKEN` when one of them is exposed already; OptionError
   * @example
   * node.expose('Elixir.Math', { add: (a, b) => a + b })
   */
  expose(module: string, functions: ExposedFunctions, options?: ExposeOptions): Exposure {
    return this.#exposed.expose(module, functions, options)
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
    return this.#rpc.call(name, module, fn, args, options)
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
    return this.#rpc.multicall(names, module, fn, args, options)
  }

  /**
   * Has a function run on a node, as `erpc:cast`: nobody hears what comes of it. False when the link is over its
   * high-water mark.
   *
   * @throws TsunagiError `ERR_LINK_FULL`, `ERR_ENCODE`; OptionError
   */
  rpcCast(name: string, module: string, fn: string, args?: readonly Term[]): boolean {
    return this.#rpc.cast(name, module, fn, args)
  }

  /**
   * Spawns a process on a node that runs a function, as `erlang:spawn/4`, and resolves to its pid, which can be linked,
   * monitored and sent to like any other.
   *
   * @throws RpcError `ERR_RPC_REFUSED`, `ERR_NOCONNECTION`, `ERR_TIMEOUT`; TsunagiError `ERR_LINK_FULL`, `ERR_ENCODE`
   */
  spawnAt(name: string, module: string, fn: string, args?: readonly Term[], options?: WaitOptions): Promise<Pid> {
    return this.#rpc.spawn(name, module, fn, args, options)
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
    return makeProxy(this.#rpc, name, module, options)
  }

  /** Sends an exit signal, as Erlang's `exit/2`. */
  exit(pid: Pid | ServerRef, reason: Term): void {
    this.#processes.exit(pid, reason)
  }

  /** Resolves when the link to a node is below its high-water mark. @throws TsunagiError `ERR_NOCONNECTION` on nodedown */
  async drained(name: string, options: WaitOptions = {}): Promise<void> {
    const peer = atom(name)
    const link = this.#peers.linkTo(peer)
    if (link === undefined && name !== this.name) {
      throw new TsunagiError('ERR_NOCONNECTION', `there is no connection to ${name}`)
    }
    if (link === undefined || !link.send.full) return
    const { clock } = this.#options
    const unlimited = { timeout: Number.POSITIVE_INFINITY, ...options }
    await withLimits(this.#drains.wait(peer), clock, unlimited, `the link to ${name} did not drain`)
  }

  /** Disconnects from everybody, ends all processes, frees name and port. Idempotent. */
  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  [inspect.custom](): string {
    return `LocalNode<${this.name}, ${this.closed ? 'closed' : `${this.nodes().length} connected`}>`
  }

  async #close(): Promise<void> {
    this.#listener.close()
    await Promise.all(this.#services.map((service) => service.close?.()))
    await this.#processes.close()
    this.#peers.close()
    this.#reports.monitors.close()
    await this.#presence.close()
    this.#reports.closed()
  }

  /** One of the servers every node has. They have no `init` that could fail. */
  #serve(name: string, handlers: ServerHandlers): void {
    void this.#processes.start(handlers, { name })
  }

  async #sync(wanted: ResolvedSyncNodes): Promise<void> {
    try {
      await syncNodes(
        {
          name: this.name,
          clock: this.#options.clock,
          connector: (name) => this.#peers.connector(name),
          onUp: (listener) => {
            this.on('nodeup', listener)
            return () => this.off('nodeup', listener)
          },
        },
        wanted,
      )
    } catch (error) {
      await this.close()
      throw error
    }
  }

  /** The arguments of a call to many nodes, with the default for those that were left out. */
  #onNodes<A extends unknown[]>(
    args: [string, ...A] | [readonly string[], string, ...A],
  ): [readonly string[], string, ...A] {
    if (Array.isArray(args[0])) return args as [readonly string[], string, ...A]
    return [[this.name, ...this.nodes()], ...(args as [string, ...A])]
  }

  #assertOpen(): void {
    if (this.closed) throw new TsunagiError('ERR_CLOSED', `the node ${this.name} is closed`)
  }

  /** Whatever listeners do, the services and those who wait come first. */
  #onUp(connector: Connector, link: Link): void {
    if (!this.closed) for (const service of this.#services) service.up?.(connector, link)
    this.#reports.up(connector, link)
  }

  #onDown(connector: Connector, link: Link, reason: LinkDownReason, error: Error | undefined): void {
    this.#drains.down(connector.peer)
    if (!this.closed) for (const service of this.#services) service.down?.(connector.peer, link, reason, error)
    this.#reports.down(connector, link, reason, error)
  }

  #onFailed(connector: Connector, error: ConnectError, dropped: number): void {
    this.#drains.down(connector.peer)
    for (const service of this.#services) service.failed?.(connector, error)
    this.#reports.failed(connector, error, dropped)
  }
}
