import type { EngineFactory } from '../engine.ts'
import { MeshEngine } from './mesh/mesh-engine.ts'

/** There is nothing to choose: all meshes are the same. */
const factory: EngineFactory = Object.freeze<EngineFactory>({
  name: 'mesh',
  capabilities: Object.freeze({
    durability: ['local', 'majority', 'all'] as const,
    loader: true,
    members: true,
    atomicBatch: true,
    disk: true,
    conflicts: true,
    functions: true,
  }),
  open: (context) => new MeshEngine(context),
})

/**
 * The engine that needs nothing but the nodes themselves: one of them, the loader, orders all writes and replicates them over
 * the links. See `docs/store.md` for what it guarantees with `members` and without.
 */
export function mesh(): EngineFactory {
  return factory
}
