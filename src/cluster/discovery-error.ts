import { TsunagiError } from '../base/errors.ts'

/** A lookup that failed; the topology keeps what it knew. `code` is `ERR_DISCOVERY`, `cause` what was at fault. */
export class DiscoveryError extends TsunagiError {
  declare readonly code: 'ERR_DISCOVERY'
  /** The topology's name. */
  readonly topology: string
  /** The strategy's name. */
  readonly strategy: string

  constructor(topology: string, strategy: string, cause: unknown) {
    super('ERR_DISCOVERY', `topology ${topology}: ${strategy} found out nothing: ${textOf(cause)}`, { cause })
    this.topology = topology
    this.strategy = strategy
  }

  static {
    DiscoveryError.prototype.name = 'DiscoveryError'
  }
}

/** What an error says; anything can be thrown. */
export function textOf(error: unknown): string {
  try {
    return error instanceof Error ? error.message : String(error)
  } catch {
    return 'something that has no text'
  }
}
