import type { EngineFactory } from '../engine.ts'
export function mesh(): EngineFactory {
  throw new Error('not yet')
}
