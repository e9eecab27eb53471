import { pause } from '../../../base/deadline.ts'
import type { WaitOptions } from '../../../node/waiting.ts'
import type { Term } from '../../../term/index.ts'
import type { EngineContext, Entry, Lease, Lifetime, SubmitOptions } from '../../engine.ts'
import { StoreError } from '../../store-error.ts'
import { type Bucket, carried } from './bucket.ts'
import { isConflict, isUnanswered } from './bucket-error.ts'
import type { BucketRecord, RecordLease, RecordValue } from './bucket-record.ts'

/** A holder writes its lease anew this often; one that has not for {@link SILENCE} is taken for dead. No clocks are compared. */
const RENEWAL = 1500
export const SILENCE = 5000
/** Milliseconds that the record of a failure stays when there is no value beside it, for those who read later than others. */
const REMEMBERED = 10_000

/** What a lease has of its engine. */
export interface LeaseHost {
  readonly context: EngineContext
  readonly bucket: Bucket
  read(key: string): Entry | undefined
  encode(what: { readonly value: Term } & Lifetime): RecordValue
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

  get signal(): AbortSignal {
    return this.#abort.signal
  }

  async complete(value: Term, options: Lifetime & SubmitOptions = {}): Promise<Entry> {
    const { bucket } = this.#engine
    const encoded = this.#engine.encode({ value, ...options })
    return this.#engine.within(options, async (signal) => {
      const revision = await this.#write(() => record(encoded), signal)
      await bucket.reached(revision ?? (await bucket.latest(this.key)), signal)
      this.#end()
      const entry = this.#engine.read(this.key)
      if (entry !== undefined) return entry
      throw new StoreError('ERR_COMPUTE_TIMEOUT', 'the lease was lost, and nobody else has a value', { key: this.key })
    })
  }

  fail(message: string): void {
    const failure = { ...this.#lease, message }
    void this.#finish((value) => ({ ...record(value), failure }))
  }

  release(): void {
    void this.#finish(record)
  }

  /** Those who wait see the record; later it goes, unless there is a value in it, or somebody has the next lease. */
  async #finish(made: (value: RecordValue | undefined) => BucketRecord): Promise<void> {
    const { bucket, context } = this.#engine
    this.#over = true
    this.#end()
    const { signal } = new AbortController()
    try {
      const revision = await this.#write(made, signal)
      const { failure, value } = made(carried(bucket.slot(this.key)))
      if (revision === undefined || value !== undefined) return
      if (failure !== undefined) await pause(REMEMBERED, context.clock, signal)
      if (!bucket.closed) await bucket.remove(this.key, revision)
    } catch {
      // The next one has written over it, or takes this node for dead in time.
    }
  }

  /**
   * Writes over the lease, if it is still this one's; the new revision, or undefined when it is not. Goes on trying while
   * the server does not answer.
   */
  #write(made: (value: RecordValue | undefined) => BucketRecord, signal: AbortSignal): Promise<number | undefined> {
    const write = this.#writing.then(() => this.#tryToWrite(made, signal))
    this.#writing = write.catch(() => {})
    return write
  }

  async #tryToWrite(
    made: (value: RecordValue | undefined) => BucketRecord,
    signal: AbortSignal,
  ): Promise<number | undefined> {
    const { bucket } = this.#engine
    for (;;) {
      await bucket.ready(signal)
      const slot = bucket.slot(this.key)
      if (slot?.record?.lease?.id !== this.#lease.id) return undefined
      try {
        const revision = await bucket.put(this.key, made(carried(slot)), slot.revision)
        // The next write is in place of this one.
        await bucket.reached(revision, signal)
        return revision
      } catch (error) {
        if (isConflict(error)) {
          // By this lease's own write, of which no answer came, or by somebody else's.
          await bucket.reached(await bucket.latest(this.key), signal)
        } else if (!isUnanswered(error)) throw error
      }
    }
  }

  async #keep(hold: number): Promise<void> {
    const { clock } = this.#engine.context
    const until = clock.now() + hold
    const { signal } = this.#abort
    while (!this.#over) {
      await pause(Math.min(RENEWAL, Math.max(until - clock.now(), 0)), clock, signal).catch(() => {})
      if (this.#over) return
      if (clock.now() >= until) {
        this.#end(new StoreError('ERR_COMPUTE_TIMEOUT', `the value was not there within ${hold} ms`, { key: this.key }))
        this.release()
        return
      }
      const renewed = this.#write((value) => ({ ...record(value), lease: this.#lease }), signal)
      // No answer, or none yet, is no loss: only the bucket decides.
      const kept = await renewed.catch(() => 0)
      if (kept !== undefined || this.#over) continue
      this.#end(new StoreError('ERR_COMPUTE_TIMEOUT', 'the lease has passed to somebody else', { key: this.key }))
    }
  }

  #end(reason?: StoreError): void {
    this.#over = true
    if (!this.#abort.signal.aborted) this.#abort.abort(reason)
  }
}

function record(value: RecordValue | undefined): BucketRecord {
  return { value, lease: undefined, failure: undefined, key: undefined }
}
