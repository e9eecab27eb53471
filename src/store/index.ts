export type { Compute, ComputeContext, ComputeOptions } from './computations.ts'
export type {
  Change,
  Conflict,
  Durability,
  EngineContext,
  EngineFactory,
  EngineStatus,
  Entry,
  Lifetime,
  StoreCapabilities,
  StoreEngine,
} from './engine.ts'
export { mesh } from './engines/mesh.ts'
export { FunctionError } from './functions/function-error.ts'
export type { FunctionInfo, RunOptions } from './functions/function-library.ts'
export type { FunctionOptions } from './functions/function-options.ts'
export type { DefineOptions, Distributable, Functions, VersionedSource } from './functions/functions.ts'
export type { KeyInfo, KeyPage, KeyPageOptions } from './key-page.ts'
export type { Key } from './keys.ts'
export { Store } from './store.ts'
export { StoreError, type StoreErrorCode } from './store-error.ts'
export type { StoreEvent, StoreEvents, StoreStats } from './store-events.ts'
export type { Access, StoreOptions } from './store-options.ts'
export { StoreWatch, type WatchEvent, type WatchOptions } from './store-watch.ts'
export type { DeleteOptions, PutOptions, StoreEntry, UpdateOptions } from './values.ts'
export { Values } from './values.ts'
export { Version } from './version.ts'
