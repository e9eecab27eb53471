import type { Clock } from '../../../base/clock.ts'
import type { Term } from '../../../term/index.ts'
import type { Applied, Entry, Lease, Lifetime, SubmitOptions } from '../../engine.ts'
import { StoreError } from '../../store-error.ts'

/** What a lease needs of its engine. */
export interface LeaseHost {
  readonly clock: Clock
  /** Milliseconds it may be held. */
  readonly hold: number
  read(): Entry | undefined
  write(value: Term, options: Lifetime & SubmitOptions): Promise<Applied>
  end(failure: string | undefined): void
  /** The lease is over, without a word to the loader. */
  done(): void
}

/** A lease that this node holds. */
export class HeldLease implements Lease {
  readonly key: string
  readonly #host: LeaseHost
  readonly #controller = new AbortController()
  readonly #since: number
  #over = false
  #lost: Error | undefined

  constructor(key: string, host: LeaseHost) {
    this.key = key
    this.#host = host
    this.#since = host.clock.now()
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  async complete(value: Term, options: Lifetime & SubmitOptions = {}): Promise<Entry> {
    if (this.#over) return this.#standing(this.#lost ?? this.#lostError('the lease was given up'))
    // What cannot be encoded throws here, and the lease is still held.
    const written = this.#host.write(value, options)
    this.#over = true
    try {
      const { version } = await written
      this.#host.done()
      const entry = this.#host.read()
      if (entry !== undefined) return entry
      throw new StoreError('ERR_VERSION', `${this.key}: it was deleted again`, { key: this.key, current: version })
    } catch (error) {
      this.#host.done()
      if (!(error instanceof StoreError)) throw error
      if (error.code !== 'ERR_VERSION' && error.code !== 'ERR_COMPUTE_TIMEOUT') throw error
      return this.#standing(error)
    }
  }

  fail(message: string): void {
    this.#end(message)
  }

  release(): void {
    this.#end(undefined)
  }

  /** It is no more. Unless told otherwise, since its time was over, or its loader went. */
  lose(error?: Error): void {
    if (this.#over) return
    this.#over = true
    const { clock, hold } = this.#host
    // The loader counts from when it granted it.
    const isLate = clock.now() - this.#since >= hold * 0.9
    this.#lost = error ?? this.#lostError(isLate ? `the value was not there within ${hold} ms` : 'the loader went')
    this.#controller.abort(this.#lost)
  }

  #lostError(why: string): StoreError {
    return new StoreError('ERR_COMPUTE_TIMEOUT', why, { key: this.key })
  }

  #end(failure: string | undefined): void {
    if (this.#over) return
    this.#over = true
    this.#host.end(failure)
  }

  /** What stands is what everybody gets. */
  #standing(error: Error): Entry {
    const entry = this.#host.read()
    if (entry !== undefined) return entry
    throw error
  }
}
