import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { NodeName } from '../base/node-name.ts'
import type { DiscoveryHost } from '../node/discovery-host.ts'
import type { EpmdDirectory, StrategyContext } from './strategy.ts'

/** What one lookup, or one watch, of a node's topology gets. */
export function makeContext(host: DiscoveryHost, topology: string, signal: AbortSignal): StrategyContext {
  return new NodeContext(host, topology, signal)
}

class NodeContext implements StrategyContext {
  readonly signal: AbortSignal
  readonly topology: string
  readonly self: NodeName
  readonly clock: Clock
  readonly logger: Logger
  readonly epmd: EpmdDirectory | undefined
  readonly #host: DiscoveryHost

  constructor(host: DiscoveryHost, topology: string, signal: AbortSignal) {
    this.#host = host
    this.signal = signal
    this.topology = topology
    this.self = host.self
    this.clock = host.clock
    this.logger = host.logger
    this.epmd = directoryOf(host, signal)
  }

  /** Read when it is needed, so that whoever prints a context prints no secret. */
  get cookie(): string {
    return this.#host.cookie
  }
}

function directoryOf(host: DiscoveryHost, signal: AbortSignal): EpmdDirectory | undefined {
  const { epmd } = host
  if (epmd === undefined) return undefined
  return {
    port: epmd.port,
    names: (at = epmd.host, port = epmd.port) => host.names(at, port, signal),
    lookup: (alive, at = epmd.host, port = epmd.port) => host.entry(alive, at, port, signal),
  }
}
