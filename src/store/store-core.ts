import type { Clock } from '../base/clock.ts'
import { TsunagiError } from '../base/errors.ts'
import type { Change, Entry, StoreEngine } from './engine.ts'
import type { StoreStats } from './store-events.ts'
import type { ResolvedStoreOptions } from './store-options.ts'

/** What all views of a store share: its engine, what is counted, and who waits for changes. */
export class StoreCore {
  readonly options: ResolvedStoreOptions
  readonly clock: Clock
  /** Milliseconds since 1970. */
  readonly wallClock: () => number
  readonly counts: { -readonly [K in keyof StoreStats]: number } = {
    hits: 0,
    misses: 0,
    stale: 0,
    computed: 0,
    failed: 0,
    conflicts: 0,
    dropped: 0,
  }
  readonly #listeners = new Set<(change: Change) => void>()
  /** The listeners as they are; made when it is asked for. */
  #told: ((change: Change) => void)[] | undefined
  readonly #closers = new Set<() => void>()
  #engine: StoreEngine | undefined
  #closed = false

  constructor(options: ResolvedStoreOptions, clock: Clock, wallClock: () => number) {
    this.options = options
    this.clock = clock
    this.wallClock = wallClock
  }

  get closed(): boolean {
    return this.#closed
  }

  /** @throws TsunagiError `ERR_CLOSED` */
  get engine(): StoreEngine {
    if (this.#closed || this.#engine === undefined) throw this.closedError()
    return this.#engine
  }

  attach(engine: StoreEngine): void {
    this.#engine = engine
  }

  /** A key's entry, unless its time is over. */
  live(key: string): Entry | undefined {
    const entry = this.#engine?.read(key)
    return entry === undefined || this.isOver(entry) ? undefined : entry
  }

  /** The time of an entry is over, even if the loader has not yet taken it away. */
  isOver({ expiresAt }: Entry): boolean {
    return expiresAt !== undefined && this.wallClock() >= expiresAt
  }

  isStale({ staleAt }: Entry): boolean {
    return staleAt !== undefined && this.wallClock() >= staleAt
  }

  changed(change: Change): void {
    // Those that begin or end to listen meanwhile make no difference to this one.
    this.#told ??= [...this.#listeners]
    for (const listener of this.#told) listener(change)
  }

  /** Hears of every change from now on, until what this returns is called. */
  onChange(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener)
    this.#told = undefined
    return () => {
      this.#listeners.delete(listener)
      this.#told = undefined
    }
  }

  /** Resolves with the next change of a key, or after `timeout` ms. @throws TsunagiError `ERR_CLOSED`; the signal's reason */
  changeOf(key: string, timeout: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) return reject(signal.reason)
      const settle = (end: () => void) => (): void => {
        timer.cancel()
        stopListening()
        stopClosing()
        signal?.removeEventListener('abort', aborted)
        end()
      }
      const aborted = settle(() => reject(signal?.reason))
      const seen = settle(resolve)
      const timer = this.clock.after(timeout, seen, { keepAlive: true })
      const stopListening = this.onChange((change) => {
        if (change.key === key) seen()
      })
      const stopClosing = this.onClose(settle(() => reject(this.closedError())))
      signal?.addEventListener('abort', aborted, { once: true })
    })
  }

  /** Has something end with the store. What this returns takes it back. */
  onClose(closer: () => void): () => void {
    this.#closers.add(closer)
    return () => this.#closers.delete(closer)
  }

  /** There are no values from now on. */
  close(): void {
    this.#closed = true
    this.#engine = undefined
    for (const closer of [...this.#closers]) closer()
    this.#closers.clear()
    this.#listeners.clear()
    this.#told = undefined
  }

  closedError(): TsunagiError {
    return new TsunagiError('ERR_CLOSED', `the store ${this.options.name} is closed`)
  }
}
