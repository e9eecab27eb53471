import type { Change, Conflict } from './engine.ts'
import type { StoreError } from './store-error.ts'

/** Events of a store with their arguments. */
export interface StoreEvents {
  /** A value changed on this node, whoever wrote it. Keys are as the engine knows them: see {@link Change}. */
  change: [change: Change]
  /** A partition healed, and this value lost against one of the other side. */
  conflict: [conflict: Conflict]
  /** Another node orders writes now; undefined: nobody does. */
  loader: [name: string | undefined]
  /** The engine cannot acknowledge writes any more: its disk failed, its server is away. Values can still be read. */
  failed: [error: StoreError]
  /** It can again. */
  recovered: []
  /** Somebody has written what is no value under this key, past the store: where others have access to what holds it. */
  dropped: [key: string]
  /** A stale value could not be computed anew; it is served until its time is over. */
  'refresh-failed': [key: string, error: unknown]
  close: []
}

/** One event of `store.events()`. */
export type StoreEvent =
  | { readonly type: 'conflict'; readonly conflict: Conflict }
  | { readonly type: 'loader'; readonly name: string | undefined }
  | { readonly type: 'failed'; readonly error: StoreError }
  | { readonly type: 'recovered' }
  | { readonly type: 'dropped'; readonly key: string }
  | { readonly type: 'refresh-failed'; readonly key: string; readonly error: unknown }
  | { readonly type: 'close' }

/** What a store counts, since it was opened, on this node. */
export interface StoreStats {
  /** `get` found a value here, fresh or stale. */
  readonly hits: number
  /** `get` found none. */
  readonly misses: number
  /** Hits whose value was stale. */
  readonly stale: number
  /** Computations that ran on this node. */
  readonly computed: number
  /** Those of them that failed. */
  readonly failed: number
  /** Values discarded when partitions healed. */
  readonly conflicts: number
  /** What others wrote that is no value. */
  readonly dropped: number
}
