import {
  dns,
  dnsSrv,
  epmd,
  erlangHosts,
  gossip,
  kubernetes,
  localEpmd,
  postgres,
  type Strategy,
  staticNodes,
} from '../cluster/index.ts'
import type { StartOptions } from '../tsunagi.ts'
import { blame, ConfigError } from './config-error.ts'

/** The strategies a file can name, each with the one argument of its factory. */
const factories: Readonly<Record<string, (argument: never) => Strategy>> = {
  dns,
  dnsSrv,
  epmd,
  erlangHosts,
  gossip,
  kubernetes,
  localEpmd,
  postgres,
  staticNodes,
}

/**
 * The options of a file, with its strategies made: JSON cannot hold one, and names it, `"localEpmd"`, or names it with its
 * options, `{ "staticNodes": ["a@host"] }`.
 *
 * @throws ConfigError
 */
export function withStrategies(source: string, options: object): StartOptions {
  const { topologies } = options as { topologies?: unknown }
  if (typeof topologies !== 'object' || topologies === null) return options
  const made = Object.entries(topologies).map(([name, topology]) => {
    const described = (topology as { strategy?: unknown } | null)?.strategy
    const option = `topologies.${name}.strategy`
    const named = nameIn(source, option, described)
    if (named === undefined) return [name, topology]
    return [name, { ...topology, strategy: make(source, option, ...named) }]
  })
  return { ...options, topologies: Object.fromEntries(made) }
}

/** A strategy's name and the argument for it; undefined for what is a strategy, or nothing that names one. */
function nameIn(source: string, option: string, described: unknown): [name: string, argument: unknown] | undefined {
  if (typeof described === 'string') return [described, undefined]
  if (typeof described !== 'object' || described === null) return undefined
  if ('discover' in described || 'watch' in described) return undefined
  const [first, ...more] = Object.entries(described)
  if (first !== undefined && more.length === 0) return first
  const message = `${option}: expected the name of a strategy, or its name with its options, { "dns": { … } }`
  throw new ConfigError(source, message, { option })
}

function make(source: string, option: string, name: string, argument: unknown): Strategy {
  const factory = Object.hasOwn(factories, name) ? factories[name] : undefined
  if (factory === undefined) {
    const known = Object.keys(factories).join(', ')
    const message = `${option}: there is no strategy ${JSON.stringify(name)} (known are ${known})`
    throw new ConfigError(source, message, { option, value: name })
  }
  return blame(source, () => factory(argument as never), `${option}.${name}`)
}
