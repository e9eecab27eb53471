import { isAtom, type Term } from '../term/index.ts'
import { blame, ConfigError } from './config-error.ts'
import { Configuration, type Topologies, type Topology, translations, untranslated } from './libcluster-strategies.ts'
import type { Setting } from './setting.ts'

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
  const name = nameOf(strategy.term)
  const why = untranslated[name]
  if (why !== undefined) {
    const message = `${strategy.path}: there is nothing like ${name} here: ${why}; or write a strategy of your own, with custom()`
    throw new ConfigError(strategy.source, message, { option: strategy.path, value: strategy.term })
  }
  const translate = translations[name]
  if (translate === undefined) {
    const known = Object.keys(translations).join(', ')
    throw strategy.wrong(`one of ${known}`)
  }
  const config = new Configuration(settings.get('config'))
  const made = blame(topology.source, () => translate(config, strategy), `${topology.path}.config`)
  config.done(name)
  return made
}

function nameOf(term: Term): string {
  return isAtom(term) ? term.name : ''
}
