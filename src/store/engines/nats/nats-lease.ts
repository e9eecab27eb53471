import { abortable, pause } from '../../../base/deadline.ts'
import type { WaitOptions } from '../../../node/waiting.ts'
import type { Term } from '../../../term/index.ts'
import type { EngineContext, Entry, Lease, Lifetime, SubmitOptions } from '../../engine.ts'
import { StoreError } from '../../store-error.ts'
import { type Bucket, carried, type Slot } from './bucket.ts'
import { isConflict } from './bucket-error.ts'
import type { BucketRecord, RecordLease, RecordValue } from './bucket-record.ts'

/** A holder writes its lease anew this often; one that has not for {@link SILENCE} is taken for dead. No clocks are compared. */
const RENEWAL = 1500
const SILENCE = 5000

/** What a lease has of its engine. */
export interface LeaseHost {
  readonly context: EngineContext
  readonly bucket: Bucket
  read(key: string): Entry | undefined
  encode(what: { readonly value: Term } & Lifetime): RecordValue
  next(key: string, signal: AbortSignal): Promise<Slot>
  within<T>(options: WaitOptions, work: (signal: AbortSignal) => Promise<T>): Promise<T>
}

/**
 * The right to make a key's value, kept in the key's own record: who completes it does so by compare and set against the
 * last revision of the lease, and so at most one result is taken, whatever clocks say.
 */
export class NatsLease implements Lease {
  readonly key: string
  readonly #engine: LeaseHost
  readonly #lease: RecordLease
  readonly #abort = new AbortController()
  /** Writes of this lease, one after the other: each replaces the revision of the one before. */
  #writing: Promise<unknown> = Promise.resolve()
  #over = false

  constructor(engine: LeaseHost, key: string, lease: RecordLease, hold: number) {
    this.#engine = engine
    this.key = key
    this.#lease = lease
    void this.#keep(hold)
  }

  /** Resolves with what becomes of a key that is held; undefined when that is nothing, for too long. */
  static async watch(engine: LeaseHost, key: string, signal: AbortSignal): Promise<Slot | undefined> {
    const over = new AbortController()
    const both = AbortSignal.any([signal, over.signal])
    const [next, silence] = [engine.next(key, both), pause(SILENCE, engine.context.clock, both)]
    for (const promise of [next, silence]) promise.catch(() => {})
    try {
      return (await Promise.race([next, silence])) ?? undefined
    } finally {
      over.abort()
    }
  }

  get signal(): AbortSignal {
    return this.#abort.signal
  }

  async complete(value: Term, options: Lifetime & SubmitOptions = {}): Promise<Entry> {
    const encoded = this.#engine.encode({ value, ...options })
    return this.#engine.within(options, async (signal) => {
      const revision = await this.#write({ value: encoded, lease: undefined, failure: undefined, key: undefined })
      if (revision !== undefined) await this.#engine.bucket.reached(revision, signal)
      else await this.#engine.bucket.reached(await this.#engine.bucket.latest(this.key), signal)
      this.#end()
      const entry = this.#engine.read(this.key)
      if (entry !== undefined) return entry
      throw new StoreError('ERR_COMPUTE_TIMEOUT', 'the lease was lost, and nobody else has a value', { key: this.key })
    })
  }

  fail(message: string): void {
    const failure = { ...this.#lease, message }
    void this.#finish((value) => ({ value, lease: undefined, failure, key: undefined }))
  }

  release(): void {
    void this.#finish((value) => ({ value, lease: undefined, failure: undefined, key: undefined }))
  }

  /** What waits sees the record, and then that it is gone, if there is no value to keep. */
  async #finish(record: (value: BucketRecord['value']) => BucketRecord): Promise<void> {
    const { bucket } = this.#engine
    const value = carried(bucket.slot(this.key))
    this.#over = true
    try {
      const revision = await this.#write(record(value))
      if (revision !== undefined && value === undefined) await bucket.remove(this.key, revision)
    } catch {
      // Those who wait take it for dead in time.
    }
    this.#end()
  }

  /** Writes over the lease, if it is still this one's; the new revision, or undefined when it is not. */
  #write(record: BucketRecord): Promise<number | undefined> {
    const write = this.#writing.then(async () => {
      const { bucket } = this.#engine
      const slot = bucket.slot(this.key)
      if (slot?.record?.lease?.id !== this.#lease.id) return undefined
      try {
        const revision = await bucket.put(this.key, record, slot.revision)
        await abortable(bucket.reached(revision, this.#abort.signal), this.#abort.signal).catch(() => {})
        return revision
      } catch (error) {
        if (isConflict(error)) return undefined
        throw error
      }
    })
    this.#writing = write.catch(() => {})
    return write
  }

  async #keep(hold: number): Promise<void> {
    const { clock } = this.#engine.context
    const until = clock.now() + hold
    const { signal } = this.#abort
    while (!signal.aborted && !this.#over) {
      await pause(Math.min(RENEWAL, Math.max(until - clock.now(), 0)), clock, signal).catch(() => {})
      if (signal.aborted || this.#over) return
      const value = carried(this.#engine.bucket.slot(this.key))
      const late = clock.now() >= until
      const lease = late ? undefined : this.#lease
      const kept = await this.#write({ value, lease, failure: undefined, key: undefined }).catch(() => undefined)
      if (!late && kept !== undefined) continue
      const why = late ? `the value was not there within ${hold} ms` : 'the lease has passed to somebody else'
      this.#end(new StoreError('ERR_COMPUTE_TIMEOUT', why, { key: this.key }))
    }
  }

  #end(reason?: StoreError): void {
    this.#over = true
    if (!this.#abort.signal.aborted) this.#abort.abort(reason)
  }
}
