import { OptionError } from '../../base/errors.ts'
import { instance, integer, knownOnly } from '../../base/options.ts'
import type { EngineFactory } from '../engine.ts'
import { MAX_POOL } from './mesh/groups.ts'
import { MeshEngine } from './mesh/mesh-engine.ts'

/** Options of {@link mesh}. */
export interface MeshOptions {
  /**
   * As Phoenix.PubSub's `pool_size`: how many groups to listen on at least. Peers with larger pools are followed up to 64, so
   * that there is seldom a need to set it. Default 1.
   */
  readonly poolSize?: number
  /**
   * As Phoenix.PubSub's `broadcast_pool_size`: how many of a peer's groups this node spreads over. A node always uses the
   * same one for a peer, so that order holds. Default: as many as the peer has.
   */
  readonly broadcastPoolSize?: number
}

/**
 * Messages go over the links of the node: to BEAM nodes as Phoenix.PubSub's PG2 adapter sends them, and from them in the
 * same way. No broker, nothing to install on the other side. For clusters up to about a hundred nodes.
 *
 * @throws OptionError
 */
export function mesh(options: MeshOptions = {}): EngineFactory {
  instance(options, 'options', 'an object of mesh options', (it) => !Array.isArray(it))
  knownOnly(options, ['poolSize', 'broadcastPoolSize'])
  const poolSize = integer(1, MAX_POOL)(options.poolSize ?? 1, 'poolSize')
  const broadcastPoolSize = integer(1, MAX_POOL)(options.broadcastPoolSize ?? MAX_POOL, 'broadcastPoolSize')
  if (options.broadcastPoolSize !== undefined && broadcastPoolSize > poolSize) {
    throw new OptionError('broadcastPoolSize', broadcastPoolSize, `at most poolSize, ${poolSize}`)
  }
  return new MeshFactory(poolSize, broadcastPoolSize)
}

class MeshFactory implements EngineFactory {
  readonly name = 'mesh'
  readonly capabilities = { dispatchers: true, directBroadcast: true, counts: true, retained: true, presence: true }
  readonly #poolSize: number
  readonly #broadcastPoolSize: number

  constructor(poolSize: number, broadcastPoolSize: number) {
    this.#poolSize = poolSize
    this.#broadcastPoolSize = broadcastPoolSize
  }

  open(context: Parameters<EngineFactory['open']>[0]): MeshEngine {
    return new MeshEngine(context, { poolSize: this.#poolSize, broadcastPoolSize: this.#broadcastPoolSize })
  }

  same(other: EngineFactory): boolean {
    return (
      other instanceof MeshFactory &&
      other.#poolSize === this.#poolSize &&
      other.#broadcastPoolSize === this.#broadcastPoolSize
    )
  }
}
