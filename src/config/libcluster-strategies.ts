import { dns, dnsSrv, erlangHosts, gossip, kubernetes, localEpmd, postgres, staticNodes } from '../cluster/index.ts'
import type { StartOptions } from '../tsunagi.ts'
import { ConfigError } from './config-error.ts'
import type { Setting } from './setting.ts'

export type Topologies = NonNullable<StartOptions['topologies']>
export type Topology = Topologies[string]

/** What a strategy's configuration holds. Each key that is not taken is refused. */
export class Configuration {
  readonly #settings: Map<string, Setting>

  constructor(config: Setting | undefined) {
    this.#settings = config === undefined ? new Map() : config.properties()
  }

  /** A value, read; undefined where there is none. `nil` is Elixir's word for that. */
  take<T>(key: string, read: (setting: Setting) => T): T | undefined {
    const setting = this.#settings.get(key)
    this.#settings.delete(key)
    return setting === undefined || setting.term === null ? undefined : read(setting)
  }

  text(key: string): string | undefined {
    return this.take(key, (setting) => setting.text())
  }

  integer(key: string, max: number): number | undefined {
    return this.take(key, (setting) => setting.integer(1, max))
  }

  /** @throws ConfigError */
  done(strategy: string): void {
    for (const { path, source, term } of this.#settings.values()) {
      throw new ConfigError(source, `${path}: ${strategy} has no such option here`, { option: path, value: term })
    }
  }
}

type Translation = (config: Configuration, strategy: Setting) => Topology

/** Strategies of libcluster under their Elixir names. Defaults are its own, but that what it does once is done again. */
export const translations: Readonly<Record<string, Translation>> = {
  'Elixir.Cluster.Strategy.Epmd': (config, strategy) => {
    const interval = intervalOf(config, 'timeout')
    const hosts = config.take('hosts', (setting) => setting.nodes()) ?? []
    if (hosts.length === 0) throw new ConfigError(strategy.source, `${strategy.path}: config.hosts names no node`)
    return { strategy: staticNodes(hosts), ...interval }
  },
  'Elixir.Cluster.Strategy.LocalEpmd': () => ({ strategy: localEpmd() }),
  'Elixir.Cluster.Strategy.ErlangHosts': (config) => ({ strategy: erlangHosts(), ...intervalOf(config, 'timeout') }),
  'Elixir.Cluster.Strategy.Gossip': (config) => ({ strategy: gossip(gossipOf(config)) }),
  'Elixir.Cluster.Strategy.DNSPoll': (config) => ({
    strategy: dns({ query: config.text('query') ?? '', ...given({ basename: config.text('node_basename') }) }),
    ...intervalOf(config, 'polling_interval'),
  }),
  'Elixir.Cluster.Strategy.Kubernetes': (config) => ({
    strategy: kubernetes(kubernetesOf(config)),
    ...intervalOf(config, 'polling_interval'),
  }),
  'Elixir.Cluster.Strategy.Kubernetes.DNS': (config) => ({
    strategy: dns({ query: config.text('service') ?? '', ...given({ basename: config.text('application_name') }) }),
    ...intervalOf(config, 'polling_interval'),
  }),
  'Elixir.Cluster.Strategy.Kubernetes.DNSSRV': (config) => {
    const service = `${config.text('service') ?? ''}.${config.text('namespace') ?? 'default'}`
    const query = `${service}.svc.${process.env.CLUSTER_DOMAIN || 'cluster.local.'}`
    return {
      strategy: dnsSrv({ query, ...given({ basename: config.text('application_name') }) }),
      ...intervalOf(config, 'polling_interval'),
    }
  },
  'Elixir.LibclusterPostgres.Strategy': (config) => ({ strategy: postgres(postgresOf(config)) }),
}

/** Those of libcluster's own that there is nothing for here, and why. */
export const untranslated: Readonly<Record<string, string>> = {
  'Elixir.Cluster.Strategy.Rancher':
    "it asks the metadata service of Rancher 1, which is no more. In Rancher 2, which is Kubernetes, use 'Elixir.Cluster.Strategy.Kubernetes'",
}

function gossipOf(config: Configuration) {
  return given({
    port: config.integer('port', 65535),
    bind: config.take('if_addr', (setting) => setting.address()),
    address: config.take('multicast_addr', (setting) => setting.address()),
    interface: config.take('multicast_if', (setting) => setting.address()),
    ttl: config.integer('multicast_ttl', 255),
    broadcastOnly: config.take('broadcast_only', (setting) => setting.boolean()),
    secret: config.text('secret'),
  })
}

function kubernetesOf(config: Configuration) {
  // Its answers are watched here, not asked for from a cache.
  config.take('kubernetes_use_cached_resources', (setting) => setting.boolean())
  const domain = config.text('kubernetes_cluster_name')
  const server = config.text('kubernetes_master')
  return given({
    selector: config.text('kubernetes_selector'),
    service: config.text('kubernetes_service_name'),
    basename: config.text('kubernetes_node_basename'),
    namespace: config.text('kubernetes_namespace'),
    ipLookupMode: config.take('kubernetes_ip_lookup_mode', (setting) => setting.oneOf('endpoints', 'pods')),
    mode: config.take('mode', (setting) => setting.oneOf('ip', 'dns', 'hostname')),
    clusterDomain: domain === undefined ? undefined : `${domain}.local`,
    server: server === undefined ? undefined : `https://${server}`,
    serviceAccountPath: config.text('kubernetes_service_account_path'),
  })
}

function postgresOf(config: Configuration) {
  const connection = given({
    host: config.text('hostname'),
    port: config.integer('port', 65535),
    database: config.text('database'),
    username: config.text('username'),
    password: config.text('password'),
  })
  return given({
    connection,
    channel: config.text('channel_name'),
    heartbeatInterval: config.integer('heartbeat_interval', 2 ** 31),
  })
}

/** What is there, without what is undefined. */
function given<T extends object>(options: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const entries = Object.entries(options).filter(([, value]) => value !== undefined)
  return Object.fromEntries(entries) as { [K in keyof T]?: Exclude<T[K], undefined> }
}

/** libcluster's `infinity` is for a list that never changes: looking at it again does no harm. */
function intervalOf(config: Configuration, key: string): { interval?: number } {
  const interval = config.take(key, (setting) => setting.time('milliseconds'))
  return interval === undefined || interval === Number.POSITIVE_INFINITY ? {} : { interval }
}
