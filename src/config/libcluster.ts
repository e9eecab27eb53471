import { erlangHosts, gossip, localEpmd, type Strategy, staticNodes } from '../cluster/index.ts'
import { isAtom, type Term } from '../term/index.ts'
import type { StartOptions } from '../tsunagi.ts'
import { blame, ConfigError } from './config-error.ts'
import type { Setting } from './setting.ts'

type Topologies = NonNullable<StartOptions['topologies']>
type Topology = Topologies[string]

/** What a strategy's configuration holds. Each key that is not taken is refused. */
class Configuration {
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

  /** @throws ConfigError */
  done(strategy: string): void {
    for (const { path, source, term } of this.#settings.values()) {
      throw new ConfigError(source, `${path}: ${strategy} has no such option here`, { option: path, value: term })
    }
  }
}

type Translation = (config: Configuration, strategy: Setting) => Topology

/** Strategies of libcluster under their Elixir names. Defaults are its own, but that what it does once is done again. */
const translations: Readonly<Record<string, Translation>> = {
  'Elixir.Cluster.Strategy.Epmd': (config, strategy) => {
    const interval = intervalOf(config, 'timeout')
    const hosts = config.take('hosts', (setting) => setting.nodes()) ?? []
    if (hosts.length === 0) throw new ConfigError(strategy.source, `${strategy.path}: config.hosts names no node`)
    return { strategy: staticNodes(hosts), ...interval }
  },
  'Elixir.Cluster.Strategy.LocalEpmd': () => ({ strategy: localEpmd() }),
  'Elixir.Cluster.Strategy.ErlangHosts': (config) => ({ strategy: erlangHosts(), ...intervalOf(config, 'timeout') }),
  'Elixir.Cluster.Strategy.Gossip': (config) => ({ strategy: gossipOf(config) }),
}

function gossipOf(config: Configuration): Strategy {
  const given = {
    port: config.take('port', (setting) => setting.integer(1, 65535)),
    bind: config.take('if_addr', (setting) => setting.address()),
    address: config.take('multicast_addr', (setting) => setting.address()),
    interface: config.take('multicast_if', (setting) => setting.address()),
    ttl: config.take('multicast_ttl', (setting) => setting.integer(1, 255)),
    broadcastOnly: config.take('broadcast_only', (setting) => setting.boolean()),
    secret: config.take('secret', (setting) => setting.text()),
  }
  return gossip(Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)))
}

/** libcluster's `infinity` is for a list that never changes: looking at it again does no harm. */
function intervalOf(config: Configuration, key: string): { interval?: number } {
  const interval = config.take(key, (setting) => setting.time('milliseconds'))
  return interval === undefined || interval === Number.POSITIVE_INFINITY ? {} : { interval }
}

/**
 * `{topologies, [{Name, [{strategy, Module}, {config, [...]}]}]}` as libcluster has it.
 *
 * @throws ConfigError
 */
export function libclusterTopologies(topologies: Setting): Topologies {
  const made: Record<string, Topology> = {}
  for (const [name, topology] of topologies.properties()) made[name] = topologyOf(topology)
  return made
}

function topologyOf(topology: Setting): Topology {
  const settings = topology.properties()
  const strategy = settings.get('strategy')
  if (strategy === undefined) throw topology.wrong("{strategy, 'Elixir.Cluster.Strategy…'} in it")
  for (const [key, setting] of settings) {
    if (key !== 'strategy' && key !== 'config' && setting.term !== null) {
      const message = `${setting.path}: only strategy and config are understood here`
      throw new ConfigError(setting.source, message, { option: setting.path, value: setting.term })
    }
  }
  const translate = translations[nameOf(strategy.term)]
  if (translate === undefined) {
    const known = Object.keys(translations).join(', ')
    throw strategy.wrong(`a strategy that there is one for here: ${known}`)
  }
  const config = new Configuration(settings.get('config'))
  const made = blame(topology.source, () => translate(config, strategy))
  config.done(nameOf(strategy.term))
  return made
}

function nameOf(term: Term): string {
  return isAtom(term) ? term.name : ''
}
