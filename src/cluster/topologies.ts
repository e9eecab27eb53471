import { OptionError, TsunagiError } from '../base/errors.ts'
import { instance, string } from '../base/options.ts'
import { Topology } from './topology.ts'
import type { TopologyHost } from './topology-host.ts'
import { resolveTopologyOptions, type TopologyOptions } from './topology-options.ts'

/** Checks the option `topologies` before there is a node. @throws OptionError */
export function checkTopologies(topologies: Readonly<Record<string, TopologyOptions>>): void {
  instance(topologies, 'topologies', 'an object such as { app: { strategy: localEpmd() } }', (it) => !Array.isArray(it))
  for (const [name, options] of Object.entries(topologies)) {
    string(name, 'the name of a topology')
    resolveTopologyOptions(options, `topologies.${name}.`)
  }
}

/** The topologies of a node, by name. */
export class Topologies {
  readonly #host: TopologyHost
  readonly #open = new Map<string, Topology>()
  #closed = false

  constructor(host: TopologyHost) {
    this.#host = host
  }

  /** @throws OptionError, TsunagiError `ERR_CLOSED`; see `node.topology` */
  get(name: string, options?: TopologyOptions): Topology {
    if (this.#closed) throw new TsunagiError('ERR_CLOSED', `the node ${this.#host.self.full} is closed`)
    string(name, 'name')
    const there = this.#open.get(name)
    if (options === undefined) {
      if (there !== undefined) return there
      throw new OptionError('name', name, 'the name of a topology of this node, or options to open one')
    }
    if (there === undefined) return this.#add(name, options)
    if (there.hasOptions(options)) return there
    const expected = `the same options as before (use update to change the topology ${name})`
    throw new OptionError('options', options, expected)
  }

  /** Those that are open. */
  list(): Topology[] {
    return [...this.#open.values()]
  }

  close(): void {
    this.#closed = true
    for (const topology of [...this.#open.values()]) void topology.close()
  }

  #add(name: string, options: TopologyOptions): Topology {
    const topology = new Topology(name, options, this.#host, () => this.#open.delete(name))
    this.#open.set(name, topology)
    return topology
  }
}
