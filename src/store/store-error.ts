import { type ErrorCode, type ErrorInit, TsunagiError } from '../base/errors.ts'
import type { Version } from './version.ts'

/**
 * Codes of a {@link StoreError}.
 *
 * | code | meaning |
 * |---|---|
 * | `ERR_NO_LOADER` | the node that orders writes is away, and nobody may take its place |
 * | `ERR_NO_QUORUM` | too few members are there; a write under way may or may not have happened |
 * | `ERR_VERSION` | compare and set: the entry has another version than expected |
 * | `ERR_COMPUTE` | who computed the value failed; the message says how, `node` says where |
 * | `ERR_COMPUTE_TIMEOUT` | a lease ended before its value was there |
 * | `ERR_STORE_DISK` | the disk failed or holds damaged data: this node acknowledges nothing any more |
 * | `ERR_STORE_LOCKED` | another store, of this process or another one, has the `directory` |
 * | `ERR_STORE_REFUSED` | the loader did not take the command, such as a function of somebody not listed |
 */
export type StoreErrorCode = Extract<
  ErrorCode,
  | 'ERR_NO_LOADER'
  | 'ERR_NO_QUORUM'
  | 'ERR_VERSION'
  | 'ERR_COMPUTE'
  | 'ERR_COMPUTE_TIMEOUT'
  | 'ERR_STORE_DISK'
  | 'ERR_STORE_LOCKED'
  | 'ERR_STORE_REFUSED'
>

/** Data of a {@link StoreError}. */
export interface StoreErrorInit extends ErrorInit {
  readonly key?: string | undefined
  readonly current?: Version | undefined
  readonly node?: string | undefined
}

/** A write, read or computation of a store that failed. */
export class StoreError extends TsunagiError {
  declare readonly code: StoreErrorCode
  /** The key, as the engine knows it. */
  readonly key: string | undefined
  /** With `ERR_VERSION`: the version that is there instead; undefined when the key has no value. */
  readonly current: Version | undefined
  /** The node at fault, where one is known. */
  readonly node: string | undefined

  constructor(code: StoreErrorCode, message: string, init: StoreErrorInit = {}) {
    super(code, message, init)
    this.key = init.key
    this.current = init.current
    this.node = init.node
  }

  static {
    StoreError.prototype.name = 'StoreError'
  }
}
