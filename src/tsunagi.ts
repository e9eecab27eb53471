import { instance, knownOnly } from './base/options.ts'
import { checkTopologies, Topologies } from './cluster/topologies.ts'
import type { Topology } from './cluster/topology.ts'
import type { TopologyOptions } from './cluster/topology-options.ts'
import { type Foundation, LocalNode } from './node/local-node.ts'
import { NODE_OPTIONS, type NodeOptions, resolveNodeOptions } from './node/node-options.ts'
import type { Dashboard } from './observe/http/dashboard.ts'
import { type DashboardOptions, resolveDashboardOptions } from './observe/http/dashboard-options.ts'
import type { Tracing } from './observe/open-telemetry.ts'
import { checkObservable, type Observable, ReportService } from './observe/report/report-service.ts'
import type { PubSub } from './pubsub/pubsub.ts'
import type { PubSubOptions } from './pubsub/pubsub-options.ts'
import { PubSubs } from './pubsub/pubsubs.ts'
import type { Store } from './store/store.ts'
import { resolveStoreOptions, type StoreOptions } from './store/store-options.ts'
import { Stores } from './store/stores.ts'

/** Options of {@link startNode}: those of the node itself, and what is built upon it. */
export interface StartOptions extends NodeOptions {
  /** Ways to find nodes, by name: `{ app: { strategy: localEpmd() } }`. See `docs/strategies.md`. Default: none. */
  readonly topologies?: Readonly<Record<string, TopologyOptions>>
  /**
   * Serves a page that shows the whole cluster, health and metrics, at `http://127.0.0.1:<port>`: `{ port: 4040 }`. See
   * `docs/dashboard.md`. Default: none.
   */
  readonly dashboard?: DashboardOptions
  /**
   * Whether this node tells dashboards of other nodes how it stands: links, processes, topics, keys of stores, but no message
   * and no value. `{ actions: true }` lets them act upon it, too; `false` tells nothing. See `docs/observe.md`. Default true.
   */
  readonly observable?: boolean | Observable
  /** Follows the calls of the node, such as `openTelemetry()` of `tsunagi/observe`. See `docs/diagnostics.md`. Default: nobody. */
  readonly tracing?: Tracing
  /** Opens a store with the node, as `node.store` does. Default: none. */
  readonly store?: StoreOptions
}

/**
 * Checks options as {@link startNode} does, before there is a node.
 *
 * @throws OptionError (`ERR_INVALID_OPTION`) naming the option and the value at fault
 */
export function checkStartOptions(options: StartOptions): void {
  resolveNodeOptions(splitOptions(options).nodeOptions)
}

function splitOptions(options: StartOptions) {
  instance(options, 'options', 'an object of node options', (it) => !Array.isArray(it))
  knownOnly(options, [...NODE_OPTIONS, 'topologies', 'dashboard', 'observable', 'tracing', 'store'])
  const { topologies = {}, dashboard, observable = true, tracing, store, ...nodeOptions } = options
  checkTopologies(topologies)
  if (store !== undefined) resolveStoreOptions(store, {})
  if (tracing !== undefined) instance(tracing, 'tracing', 'such as openTelemetry()', (it) => 'open' in it)
  if (dashboard !== undefined) resolveDashboardOptions(dashboard)
  return { topologies, dashboard, observable: checkObservable(observable), tracing, store, nodeOptions }
}

/** A node with all that the package builds upon it; made by {@link startNode}. */
export class TsunagiNode extends LocalNode {
  readonly #topologies: Topologies
  readonly #pubsubs: PubSubs
  readonly #stores: Stores
  #dashboard: Dashboard | undefined

  /** Use {@link startNode}. */
  static override async start(options: StartOptions): Promise<TsunagiNode> {
    const { topologies, dashboard, observable, tracing, store, nodeOptions } = splitOptions(options)
    const tracer = await tracing?.open()
    const node = await LocalNode.startAs(nodeOptions, (foundation) => new TsunagiNode(foundation, observable))
    node.serviceHost.tracer = tracer
    for (const [name, topology] of Object.entries(topologies)) node.topology(name, topology)
    if (store !== undefined) node.store(store)
    if (dashboard !== undefined) await node.#openDashboard(dashboard)
    return node
  }

  /** `observable`: what peers may see and do; undefined: nothing. */
  protected constructor(foundation: Foundation, observable: Observable | undefined) {
    super(foundation)
    this.#topologies = new Topologies(this.discovery)
    this.#pubsubs = new PubSubs(this)
    this.#stores = new Stores(this)
    if (observable !== undefined) new ReportService(this, observable)
  }

  /** The dashboard it was started with: `node.dashboard?.url`. */
  get dashboard(): Dashboard | undefined {
    return this.#dashboard
  }

  /**
   * A topology of this node. With options it is opened, unless it is there already; it then has to have the same options.
   * It closes with the node.
   *
   * @throws OptionError (`ERR_INVALID_OPTION`) when there is none of that name, an option is wrong, or the options differ
   * @throws TsunagiError `ERR_CLOSED`
   */
  topology(name: string, options?: TopologyOptions): Topology {
    return this.#topologies.get(name, options)
  }

  /** The topologies that are open. */
  topologies(): Topology[] {
    return this.#topologies.list()
  }

  /**
   * Publish-subscribe under a name, shared with all nodes that have one of this name: nodes of this package, and Phoenix
   * applications with a `Phoenix.PubSub` of it. The same object each time. It closes with the node. See {@link PubSub}.
   *
   * @param name as the Phoenix application has it: `MyApp.PubSub`, or `Elixir.MyApp.PubSub`, which is the same.
   * @throws OptionError when an option is wrong, or when it is there with other options
   * @throws TsunagiError `ERR_NAME_TAKEN` when a process has a name it needs, `ERR_CLOSED`
   */
  pubsub(name: string, options?: PubSubOptions): PubSub {
    return this.#pubsubs.get(name, options)
  }

  /** The pub/subs that are open. */
  pubsubs(): PubSub[] {
    return this.#pubsubs.list()
  }

  /**
   * Values and functions shared with all nodes that have a store of the same name. The same object each time; without
   * options but the name, the one that is there. It closes with the node. See {@link Store}.
   *
   * @throws OptionError when an option is wrong, or when it is there with other options
   * @throws TsunagiError `ERR_UNSUPPORTED` for what its engine cannot do, `ERR_NAME_TAKEN`, `ERR_CLOSED`
   */
  store(options?: StoreOptions): Store {
    return this.#stores.get(options)
  }

  /** The stores that are open. */
  stores(): Store[] {
    return this.#stores.list()
  }

  protected override withdraw(): void {
    this.#topologies.close()
    this.#pubsubs.withdraw()
  }

  override close(): Promise<void> {
    this.#topologies.close()
    return super.close()
  }

  async #openDashboard(options: DashboardOptions): Promise<void> {
    try {
      const { openDashboard } = await import('./observe/dashboard.ts')
      this.#dashboard = await openDashboard(this, options)
    } catch (error) {
      await this.close()
      throw error
    }
  }
}

/**
 * Starts a node: registers its name with the EPMD of the host (or serves one), listens, and keeps connected to the nodes
 * of `connectTo`, and to those that its topologies find, for ever.
 *
 * @throws OptionError (`ERR_INVALID_OPTION`) naming the option and the value at fault
 * @throws TsunagiError `ERR_NAME_TAKEN`, `ERR_LISTEN`, `ERR_COOKIE_FILE`, `ERR_EPMD_…`
 *
 * @example
 * const node = await startNode({ name: 'node1@127.0.0.1', cookie: 'hello', connectTo: ['node2@127.0.0.1'] })
 * node.on('nodeup', (name) => console.log(name))
 */
export function startNode(options: StartOptions = {}): Promise<TsunagiNode> {
  return TsunagiNode.start(options)
}
