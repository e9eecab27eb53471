import { setMaxListeners } from 'node:events'
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { NodeName } from '../base/node-name.ts'
import { type EpmdDirectory, epmdDirectory } from '../node/epmd-directory.ts'
import type { StrategyContext } from './strategy.ts'
import type { TopologyHost } from './topology-host.ts'

/** What one lookup, or one watch, of a node's topology gets. */
export function makeContext(host: TopologyHost, topology: string, signal: AbortSignal): StrategyContext {
  return new NodeContext(host, topology, signal)
}

class NodeContext implements StrategyContext {
  readonly signal: AbortSignal
  readonly topology: string
  readonly self: NodeName
  readonly clock: Clock
  readonly logger: Logger
  readonly epmd: EpmdDirectory | undefined
  readonly #host: TopologyHost

  constructor(host: TopologyHost, topology: string, signal: AbortSignal) {
    // A strategy may ask for many things at once.
    setMaxListeners(0, signal)
    this.#host = host
    this.signal = signal
    this.topology = topology
    this.self = host.self
    this.clock = host.clock
    this.logger = host.logger
    this.epmd = host.epmd === undefined ? undefined : epmdDirectory(host.epmd, host.clock, signal)
  }

  /** Read when it is needed, so that whoever prints a context prints no secret. */
  get cookie(): string {
    return this.#host.cookie
  }
}
