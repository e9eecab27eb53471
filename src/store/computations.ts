import { TsunagiError } from '../base/errors.ts'
import { withLimits } from '../node/waiting.ts'
import type { Term } from '../term/index.ts'
import type { Entry, Lease, Lifetime, SubmitOptions } from './engine.ts'
import type { StoreCore } from './store-core.ts'

/** What a computation is told. */
export interface ComputeContext {
  /** The key as it was given, without its namespace. */
  readonly key: string
  /** Aborts when nobody needs the value any more: its time is over, all who waited gave up, the store closes. */
  readonly signal: AbortSignal
}

/** Makes a value. What it throws reaches all who wait for the value. */
export type Compute<T extends Term = Term> = (context: ComputeContext) => T | Promise<T>

/** How a value is computed, and what it is stored with. */
export interface ComputeOptions extends Lifetime, SubmitOptions {
  /** Milliseconds the computation may take before the next one who waits may try. Default: the store's. */
  readonly computeTimeout?: number | undefined
}

/** One wait for one key's value on this node, shared by all who want it here. */
interface Flight {
  readonly entry: Promise<Entry>
  readonly abort: AbortController
  waiting: number
}

/** Who waits longest for a value unless told otherwise, in milliseconds: some computations one after the other. */
const TIMEOUT = 60_000

/**
 * Values that are being made. On one node each key is asked for once, and of all nodes one is given the lease to make it;
 * the others wait for its result.
 */
export class Computations {
  readonly #core: StoreCore
  readonly #refreshFailed: (key: string, error: unknown) => void
  readonly #flights = new Map<string, Flight>()

  /** `refreshFailed` hears when a stale value could not be computed anew. */
  constructor(core: StoreCore, refreshFailed: (key: string, error: unknown) => void) {
    this.#core = core
    this.#refreshFailed = refreshFailed
    core.onClose(() => {
      for (const flight of this.#flights.values()) flight.abort.abort(core.closedError())
    })
  }

  /**
   * The value of a key that has none, made here or elsewhere.
   *
   * @param name the key as the user gave it
   * @throws what `compute` throws, when it ran here; StoreError; TsunagiError `ERR_TIMEOUT`, `ERR_CLOSED`
   */
  async value(key: string, name: string, compute: Compute, options: ComputeOptions): Promise<Entry> {
    const flight = this.#join(key, this.#make(key, name, compute, options))
    const { timeout = TIMEOUT, signal } = options
    try {
      return await withLimits(flight.entry, this.#core.clock, { timeout, signal }, `the value of ${name} was not there`)
    } finally {
      this.#leave(key, flight)
    }
  }

  /** Computes a stale value anew, if nobody does so already. Nobody waits for it. */
  refresh(key: string, name: string, compute: Compute, stale: Entry, options: ComputeOptions): void {
    if (this.#flights.has(key)) return
    const flight = this.#join(key, this.#make(key, name, compute, options, stale))
    flight.entry
      .catch((error: unknown) => {
        if (!this.#core.closed) this.#refreshFailed(key, error)
      })
      .finally(() => this.#leave(key, flight))
  }

  #join(key: string, make: (abort: AbortController) => Promise<Entry>): Flight {
    const there = this.#flights.get(key)
    if (there !== undefined) {
      there.waiting++
      return there
    }
    const abort = new AbortController()
    const flight: Flight = { entry: make(abort), abort, waiting: 1 }
    this.#flights.set(key, flight)
    // Those who come after it has settled ask anew.
    flight.entry.catch(() => {}).finally(() => this.#forget(key, flight))
    return flight
  }

  #leave(key: string, flight: Flight): void {
    flight.waiting--
    if (flight.waiting > 0) return
    this.#forget(key, flight)
    flight.abort.abort(new TsunagiError('ERR_TIMEOUT', 'nobody waits for the value any more'))
  }

  #forget(key: string, flight: Flight): void {
    if (this.#flights.get(key) === flight) this.#flights.delete(key)
  }

  #make(key: string, name: string, compute: Compute, options: ComputeOptions, stale?: Entry) {
    return async ({ signal }: AbortController): Promise<Entry> => {
      const { engine, options: usual } = this.#core
      // One whose time is over may be there still: the loader takes it away a little later.
      const newerThan = (stale ?? engine.read(key))?.version
      const outcome = await engine.lease(key, {
        signal,
        timeout: Number.POSITIVE_INFINITY,
        hold: options.computeTimeout ?? usual.computeTimeout,
        durability: options.durability,
        wait: stale === undefined,
        newerThan,
      })
      if (outcome.kind === 'entry') return outcome.entry
      if (outcome.kind === 'held') return stale as Entry
      return await this.#compute(outcome.lease, name, compute, options, signal)
    }
  }

  async #compute(
    lease: Lease,
    name: string,
    compute: Compute,
    options: ComputeOptions,
    given: AbortSignal,
  ): Promise<Entry> {
    const { counts, options: usual } = this.#core
    const ended = new AbortController()
    const end = (): void => ended.abort(given.aborted ? given.reason : lease.signal.reason)
    for (const signal of [lease.signal, given]) signal.addEventListener('abort', end, { once: true })
    if (lease.signal.aborted || given.aborted) end()
    counts.computed++
    try {
      const value = await settled(compute, { key: name, signal: ended.signal })
      const { durability, ttl = usual.ttl, stale = usual.stale } = options
      return await lease.complete(value, { ttl, stale, durability, signal: given, timeout: Number.POSITIVE_INFINITY })
    } catch (error) {
      counts.failed++
      // Who gave up says nothing about the value: the next one tries.
      if (given.aborted) lease.release()
      else if (!lease.signal.aborted) lease.fail(messageOf(error))
      throw error
    } finally {
      for (const signal of [lease.signal, given]) signal.removeEventListener('abort', end)
    }
  }
}

/** Rejects with the signal's reason as soon as it aborts, whatever the computation does. */
function settled(compute: Compute, context: ComputeContext): Promise<Term> {
  const { signal } = context
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason)
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    // In a promise of its own, so that what it throws at once is a rejection, too.
    new Promise<Term>((done) => done(compute(context))).then(resolve, reject)
  })
}

function messageOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error)
}
