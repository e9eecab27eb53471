import type { EventEmitter } from 'node:events'
import { isLongHost } from '../base/node-name.ts'
import type { Carrier } from '../dist/carrier.ts'
import type { ConnectError } from '../dist/connect-error.ts'
import { ourFlags } from '../dist/flags.ts'
import { Link, type LinkDownReason } from '../dist/link.ts'
import { type AcceptCounts, Listener } from '../dist/listener.ts'
import type { TlsTransport } from '../dist/tls-transport.ts'
import { ProcessSystem } from '../process/process-system.ts'
import { atom } from '../term/index.ts'
import type { Connector } from './connector.ts'
import { type Cookie, Cookies } from './cookie.ts'
import { dial } from './dial.ts'
import { DiscoveryHost } from './discovery-host.ts'
import { Drains } from './drains.ts'
import { Global } from './global/global.ts'
import { GlobalService } from './global/global-service.ts'
import { Mesh } from './mesh/mesh.ts'
import { netKernel } from './net-kernel.ts'
import type { ResolvedNodeOptions } from './node-options.ts'
import { type LocalNodeEvents, NodeReports } from './node-reports.ts'
import { Outbound } from './outbound.ts'
import { Peers, type Transport } from './peers.ts'
import { Pg } from './pg/pg.ts'
import { type Presence, randomIdentity } from './presence.ts'
import { exposeBuiltins } from './rpc/builtins.ts'
import { Exposed } from './rpc/exposed.ts'
import { Rex } from './rpc/rex.ts'
import { Rpc } from './rpc/rpc.ts'
import { Runner } from './rpc/runner.ts'
import { SpawnRequests } from './rpc/spawn-requests.ts'
import type { NodeHost, NodeService } from './service.ts'
import { ServiceHost } from './service-host.ts'

/** What a node is made of once its name is registered. */
export interface Foundation {
  readonly options: ResolvedNodeOptions
  readonly cookie: Cookie
  readonly presence: Presence
  /** Undefined: its links are without TLS. */
  readonly tls: TlsTransport | undefined
}

/** The parts of a node, put together: links below, processes upon them, and the services that follow both. */
export class NodeCore {
  readonly options: ResolvedNodeOptions
  readonly cookies: Cookies
  readonly presence: Presence
  readonly tls: TlsTransport | undefined
  readonly peers: Peers
  readonly processes: ProcessSystem
  readonly exposed = new Exposed()
  readonly rpc: Rpc
  readonly mesh: Mesh
  readonly pg: Pg
  readonly global: Global
  readonly discovery: DiscoveryHost
  readonly serviceHost: ServiceHost
  readonly reports: NodeReports
  readonly drains = new Drains()
  readonly #runner: Runner
  readonly #listener: Listener
  readonly #services: readonly NodeService[]
  readonly #madeAt: number
  #closed = false

  /** @param events what the node's listeners hear by */
  constructor({ options, cookie, presence, tls }: Foundation, events: EventEmitter<LocalNodeEvents>) {
    const { clock, limits, logger, name, setupTimeout, visible } = options
    const { creation } = presence
    this.options = options
    this.#madeAt = clock.now()
    this.presence = presence
    this.tls = tls
    this.cookies = new Cookies(name.full, cookie, options.cookies)
    this.reports = new NodeReports(name.full, events, logger)
    const handshake = {
      own: { name: name.full, creation },
      flags: ourFlags({ hidden: !visible }),
      cookieFor: (peer: string) => this.cookies.for(peer),
    }
    const epmdPort = options.resolvedEpmd?.port
    const dialOptions = { ...handshake, clock, setupTimeout, handshakeBytes: limits.handshakeBytes, epmdPort, tls }
    const transport: Transport = {
      dial: (peer, port, signal) => dial(dialOptions, peer, port, signal),
      link: (settings) => new Link(settings),
    }
    this.peers = new Peers(options, transport, {
      onUp: (connector, link) => this.#onUp(connector, link),
      onDown: (connector, link, reason, error) => this.#onDown(connector, link, reason, error),
      onFailed: (connector, error, dropped) => this.#onFailed(connector, error, dropped),
      onUnsent: (peer, error) => this.reports.unsent(peer, 1, error),
      onDrained: (peer) => this.drains.drained(peer),
      onSpawn: (peer, request) => spawnRequests.handle(peer, request),
    })
    const router = new Outbound(atom(name.full), creation, this.peers)
    this.processes = new ProcessSystem(router, { clock, logger, limits })
    this.peers.processes = this.processes.inbound
    this.#listener = new Listener({
      handshake: {
        role: 'acceptor',
        ...handshake,
        decide: (peer) => this.peers.decide(peer),
        nameFor: randomIdentity,
      },
      clock,
      logger,
      setupTimeout,
      limits,
      onEstablished: (established) => this.peers.accepted(established),
      onReplace: (peer) => this.peers.replaced(peer),
      onFailed: ({ address, error, harmless }) => {
        if (!harmless) this.reports.notAccepted(address, error)
      },
    })
    tls?.credentials.watch((certificate, daysLeft) => this.reports.expiring(certificate, daysLeft))
    const { peers, processes } = this
    const host: NodeHost = { self: router.nodeAtom, creation, options, peers, processes }
    // It has no `init` that could fail.
    void processes.start(netKernel(isLongHost(name.host), options.netTickTime), { name: 'net_kernel' })
    const runner = new Runner(host, this.exposed)
    this.#runner = runner
    const spawnRequests = new SpawnRequests(host, runner)
    exposeBuiltins(this.exposed, options.netTickTime, (kind) => this.nodes(kind))
    new Rex(host, runner)
    this.rpc = new Rpc(host, runner)
    this.mesh = new Mesh(host, (peer, fn, args, timeout) => this.rpc.call(peer.name, 'erlang', fn, args, { timeout }))
    this.discovery = new DiscoveryHost(
      host,
      () => this.cookies.own,
      (peer) => this.mesh.forgo(peer),
    )
    const globalService = visible ? new GlobalService(host, { exposed: this.exposed, rpc: this.rpc }) : undefined
    this.global = new Global(globalService)
    this.pg = new Pg(host)
    this.serviceHost = new ServiceHost(host)
    this.#services = [
      this.mesh,
      this.discovery,
      this.rpc,
      this.pg,
      this.serviceHost,
      ...(globalService ? [globalService] : []),
    ]
  }

  /** Milliseconds since it was made. */
  get age(): number {
    return this.options.clock.now() - this.#madeAt
  }

  /** What became of those who connected. */
  get acceptCounts(): AcceptCounts {
    return this.#listener.counts
  }

  /** Whether somebody at this address may connect to the port we listen on. */
  admits(address: string): boolean {
    return this.#listener.admits(address)
  }

  /** Somebody connected to the port we listen on. */
  accept(carrier: Carrier): void {
    this.#listener.accept(carrier)
  }

  nodes(kind: 'connected' | 'visible' | 'hidden' | 'known'): string[] {
    if (kind === 'known') return Array.from(this.peers.connectors, (connector) => connector.peer.name)
    const links = [...this.peers.links].filter((link) => kind === 'connected' || link.hidden === (kind === 'hidden'))
    return links.map((link) => link.peer.name)
  }

  /** Calls are served or made, or bytes are still to leave. */
  get busy(): boolean {
    if (this.processes.serving || this.#runner.calls > 0) return true
    for (const link of this.peers.links) if (link.stats.queuedBytes > 0) return true
    return false
  }

  /** Frees name and port, and seeks nobody any more. Links that are up stay. */
  async leave(): Promise<void> {
    this.mesh.close()
    this.peers.leave()
    this.#listener.close()
    await this.presence.close()
  }

  /** @param grace how long servers may take to end, in milliseconds; default 5000 */
  async close(grace?: number): Promise<void> {
    this.#listener.close()
    if (this.serviceHost.hasToFinish) await this.serviceHost.finish()
    this.#closed = true
    await Promise.all(this.#services.map((service) => service.close?.()))
    await this.processes.close(grace === undefined ? {} : { grace })
    this.peers.close()
    this.reports.monitors.close()
    await this.presence.close()
    this.tls?.[Symbol.dispose]()
    this.reports.closed()
  }

  /** Whatever listeners do, the services and those who wait come first. */
  #onUp(connector: Connector, link: Link): void {
    if (!this.#closed) for (const service of this.#services) service.up?.(connector, link)
    this.reports.up(connector, link)
  }

  #onDown(connector: Connector, link: Link, reason: LinkDownReason, error: Error | undefined): void {
    this.drains.down(connector.peer)
    if (!this.#closed) for (const service of this.#services) service.down?.(connector.peer, link, reason, error)
    this.reports.down(connector, link, reason, error)
  }

  #onFailed(connector: Connector, error: ConnectError, dropped: number): void {
    this.drains.down(connector.peer)
    for (const service of this.#services) service.failed?.(connector, error)
    this.reports.failed(connector, error, dropped)
  }
}
