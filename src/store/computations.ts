import { TsunagiError } from '../base/errors.ts'
import { withLimits } from '../node/waiting.ts'
import type { Term } from '../term/index.ts'
import type { Entry, Lease, Lifetime, SubmitOptions } from './engine.ts'
import type { StoreCore } from './store-core.ts'
import type { Version } from './version.ts'

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
class Flight {
  readonly key: string
  /** What there was before: only what is newer will do. */
  readonly newerThan: Version | undefined
  readonly abort = new AbortController()
  readonly entry: Promise<Entry>
  waiting = 1
  /** What was computed here is being written, and its own durability waited for; or the lease was lost. */
  decided = false
  #resolve = (_entry: Entry | Promise<Entry>): void => {}

  constructor(key: string, newerThan: Version | undefined) {
    this.key = key
    this.newerThan = newerThan
    this.entry = new Promise((resolve) => {
      this.#resolve = resolve
    })
  }

  become(entry: Promise<Entry>): void {
    // Not resolved with the promise itself: a value that arrives first is taken.
    entry.then(this.#resolve, () => this.#resolve(entry))
  }

  /** There is a value now, whoever wrote it. */
  arrived(entry: Entry): void {
    if (this.decided || (this.newerThan !== undefined && entry.version.compare(this.newerThan) <= 0)) return
    this.#resolve(entry)
  }
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
    core.onChange(({ key, entry }) => {
      if (entry !== undefined) this.#flights.get(key)?.arrived(entry)
    })
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
    const flight = this.#join(key, name, compute, options)
    const { timeout = TIMEOUT, signal } = options
    try {
      return await withLimits(flight.entry, this.#core.clock, { timeout, signal }, `the value of ${name} was not there`)
    } finally {
      this.#leave(flight)
    }
  }

  /** Computes a stale value anew, if nobody does so already. Nobody waits for it. */
  refresh(key: string, name: string, compute: Compute, stale: Entry, options: ComputeOptions): void {
    if (this.#flights.has(key)) return
    const flight = this.#join(key, name, compute, options, stale)
    flight.entry
      .catch((error: unknown) => {
        if (!this.#core.closed) this.#refreshFailed(key, error)
      })
      .finally(() => this.#leave(flight))
  }

  #join(key: string, name: string, compute: Compute, options: ComputeOptions, stale?: Entry): Flight {
    const there = this.#flights.get(key)
    if (there !== undefined) {
      there.waiting++
      return there
    }
    // One whose time is over may be there still: the loader takes it away a little later.
    const flight = new Flight(key, (stale ?? this.#core.engine.read(key))?.version)
    this.#flights.set(key, flight)
    flight.become(this.#make(flight, name, compute, options, stale))
    // Those who come after it has settled ask anew.
    flight.entry.catch(() => {}).finally(() => this.#forget(flight))
    return flight
  }

  #leave(flight: Flight): void {
    flight.waiting--
    if (flight.waiting > 0) return
    this.#forget(flight)
    flight.abort.abort(new TsunagiError('ERR_TIMEOUT', 'nobody waits for the value any more'))
  }

  #forget(flight: Flight): void {
    if (this.#flights.get(flight.key) === flight) this.#flights.delete(flight.key)
  }

  async #make(
    flight: Flight,
    name: string,
    compute: Compute,
    options: ComputeOptions,
    stale: Entry | undefined,
  ): Promise<Entry> {
    const { engine, options: usual } = this.#core
    const { key, newerThan } = flight
    const outcome = await engine.lease(key, {
      signal: flight.abort.signal,
      timeout: Number.POSITIVE_INFINITY,
      hold: options.computeTimeout ?? usual.computeTimeout,
      durability: options.durability,
      wait: stale === undefined,
      newerThan,
    })
    if (outcome.kind === 'entry') return outcome.entry
    if (outcome.kind === 'held') return stale as Entry
    return await this.#compute(outcome.lease, flight, name, compute, options)
  }

  async #compute(
    lease: Lease,
    flight: Flight,
    name: string,
    compute: Compute,
    options: ComputeOptions,
  ): Promise<Entry> {
    const { counts, options: usual } = this.#core
    const given = flight.abort.signal
    const ended = new AbortController()
    const end = (): void => {
      if (lease.signal.aborted) flight.decided = true
      ended.abort(given.aborted ? given.reason : lease.signal.reason)
    }
    for (const signal of [lease.signal, given]) signal.addEventListener('abort', end, { once: true })
    if (lease.signal.aborted || given.aborted) end()
    counts.computed++
    try {
      const value = await settled(compute, { key: name, signal: ended.signal })
      flight.decided = true
      const { durability, ttl = usual.ttl, stale = usual.stale } = options
      return await lease.complete(value, { ttl, stale, durability, signal: given, timeout: Number.POSITIVE_INFINITY })
    } catch (error) {
      // Who gave up says nothing about the value: the next one tries, if it is still wanted.
      if (given.aborted) lease.release()
      else {
        counts.failed++
        if (!lease.signal.aborted) lease.fail(messageOf(error))
      }
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
