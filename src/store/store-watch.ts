import { TsunagiError } from '../base/errors.ts'
import type { Term } from '../term/index.ts'
import type { Change, Entry } from './engine.ts'
import { keyWithin } from './keys.ts'
import type { StoreCore } from './store-core.ts'
import type { Version } from './version.ts'

/** What a watch yields. */
export type WatchEvent<T extends Term = Term> =
  | {
      readonly type: 'put'
      /** Without the namespace. */
      readonly key: string
      readonly value: T
      readonly version: Version
      /** `'snapshot'`: it was there when the watch began. */
      readonly cause: 'snapshot' | Change['cause']
    }
  /** All that was there when the watch began has been told. */
  | { readonly type: 'synced' }
  | { readonly type: 'delete'; readonly key: string; readonly version: Version; readonly cause: Change['cause'] }

/** Options of `store.watch`. */
export interface WatchOptions {
  /** All keys that begin with it. With neither this nor a key, all keys. */
  readonly prefix?: string
  /** False: only changes from now on. Default true: first what is there. */
  readonly snapshot?: boolean
  /** Ends the iteration. */
  readonly signal?: AbortSignal | undefined
  /** Keys whose change may wait to be read. Above that the iteration throws `ERR_LIMIT`. Default 100,000. */
  readonly capacity?: number
}

/** What a watch is about. */
export interface WatchScope {
  /** The namespace's. */
  readonly prefix: string
  /** Whether a key of the namespace is watched. */
  readonly matches: (key: string) => boolean
  readonly snapshot: boolean
  readonly capacity: number
  readonly signal: AbortSignal | undefined
}

/**
 * What is there, and then what changes. A reader slower than the changes gets the latest of each key, so that it always
 * ends with the truth, and what waits for it is bounded by the number of keys. Leaving the loop closes it.
 */
export class StoreWatch<T extends Term = Term>
  implements AsyncIterableIterator<WatchEvent<T>, undefined>, AsyncDisposable
{
  readonly #core: StoreCore
  readonly #scope: WatchScope
  readonly #snapshot: Iterator<readonly [string, Entry]> | undefined
  /** The latest change of each key that was not read yet, in the order of the first of them. */
  readonly #changes = new Map<string, Change>()
  readonly #release: () => void
  #waiting: { resolve(result: IteratorResult<WatchEvent<T>, undefined>): void; reject(error: unknown): void }[] = []
  #inSnapshot: boolean
  #closed = false
  #error: unknown

  /** Use `store.watch`. */
  constructor(core: StoreCore, scope: WatchScope) {
    this.#core = core
    this.#scope = scope
    this.#inSnapshot = scope.snapshot
    this.#snapshot = scope.snapshot ? core.engine.entries()[Symbol.iterator]() : undefined
    const stopListening = core.onChange((change) => this.#changed(change))
    const stopClosing = core.onClose(() => this.close())
    const onAbort = (): void => void this.return()
    scope.signal?.addEventListener('abort', onAbort, { once: true })
    this.#release = () => {
      stopListening()
      stopClosing()
      scope.signal?.removeEventListener('abort', onAbort)
    }
    if (scope.signal?.aborted === true) onAbort()
  }

  get closed(): boolean {
    return this.#closed
  }

  next(): Promise<IteratorResult<WatchEvent<T>, undefined>> {
    const event = this.#take()
    if (event !== undefined) return Promise.resolve({ value: event, done: false })
    if (this.#error !== undefined) {
      const error = this.#error
      this.#error = undefined
      return Promise.reject(error)
    }
    if (this.#closed) return Promise.resolve({ value: undefined, done: true })
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }))
  }

  return(): Promise<IteratorResult<WatchEvent<T>, undefined>> {
    this.#inSnapshot = false
    this.#changes.clear()
    this.close()
    return Promise.resolve({ value: undefined, done: true })
  }

  /** Hears of no more changes; what waits can still be read. Idempotent. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#release()
    const error = this.#waiting.length > 0 ? this.#error : undefined
    if (error !== undefined) this.#error = undefined
    for (const { resolve, reject } of this.#waiting.splice(0)) {
      if (error === undefined) resolve({ value: undefined, done: true })
      else reject(error)
    }
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return()
  }

  /** The next event, if there is one. */
  #take(): WatchEvent<T> | undefined {
    while (this.#inSnapshot) {
      const next = this.#snapshot?.next()
      if (next === undefined || next.done === true) {
        this.#inSnapshot = false
        return { type: 'synced' }
      }
      const [key, entry] = next.value
      const name = this.#nameOf(key)
      // Of one that changed meanwhile the change tells, later.
      if (name === undefined || this.#changes.has(key) || this.#core.isOver(entry)) continue
      return { type: 'put', key: name, value: entry.value as T, version: entry.version, cause: 'snapshot' }
    }
    for (const [key, change] of this.#changes) {
      this.#changes.delete(key)
      return this.#eventOf(change)
    }
    return undefined
  }

  #changed(change: Change): void {
    if (this.#nameOf(change.key) === undefined) return
    const first = this.#waiting.shift()
    // Who waits has read all there was.
    if (first !== undefined) return first.resolve({ value: this.#eventOf(change), done: false })
    this.#changes.set(change.key, change)
    if (this.#changes.size <= this.#scope.capacity) return
    const message = `a watch was not read while more than ${this.#scope.capacity} keys changed`
    this.#error = new TsunagiError('ERR_LIMIT', message)
    this.#inSnapshot = false
    this.#changes.clear()
    this.close()
  }

  #eventOf({ key, entry, version, cause }: Change): WatchEvent<T> {
    const name = this.#nameOf(key) as string
    if (entry === undefined) return { type: 'delete', key: name, version, cause }
    return { type: 'put', key: name, value: entry.value as T, version, cause }
  }

  #nameOf(key: string): string | undefined {
    const name = keyWithin(this.#scope.prefix, key)
    return name !== undefined && this.#scope.matches(name) ? name : undefined
  }
}
