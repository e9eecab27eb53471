import type { NatsConnection } from '@nats-io/transport-node'
import { Backoff } from '../../../base/backoff.ts'
import type { Clock } from '../../../base/clock.ts'
import { abortable, pause } from '../../../base/deadline.ts'
import { TsunagiError } from '../../../base/errors.ts'
import { Session, type Source } from '../../../nats/session.ts'
import { StoreError } from '../../store-error.ts'
import { bucketError, isNobody } from './bucket-error.ts'
import { bucketKey, storeKey } from './bucket-key.ts'
import { type BucketRecord, decodeRecord, encodeRecord, type RecordValue } from './bucket-record.ts'
import { type Revision, watchBucket } from './bucket-watch.ts'
import { Markers } from './markers.ts'
import { type BucketOptions, type OpenBucket, openBucket } from './open-bucket.ts'
import { Reached } from './reached.ts'

/** What a {@link Bucket} needs to be opened. */
export interface BucketSetup extends Omit<BucketOptions, 'name'> {
  readonly source: Source
  /** Undefined: the store's name. */
  readonly bucket: string | undefined
}

/** A key that has a record, and which revision of it this is. */
export interface Slot {
  readonly key: string
  readonly revision: number
  /** Undefined: something that is no record of ours. */
  readonly record: BucketRecord | undefined
  /** When it came here, by the clock. */
  readonly at: number
}

/** Hears what happens in a bucket. Must not throw. */
export interface BucketListener {
  /** A key has another record, or none. `resync`: found when the watch was begun. */
  changed(key: string, slot: Slot | undefined, resync: boolean): void
  /** Somebody else has written what is no record. */
  dropped(key: string): void
  /** The bucket cannot be watched, and why; undefined: it can again, and the copy is whole. */
  failed(error: TsunagiError | undefined): void
}

/** What a record has beside the value, generously, with a long key. */
const OVERHEAD = 5000
/** Milliseconds until a request for which nobody waits any more is forgotten. */
const REQUEST = 10_000

/**
 * A bucket of JetStream KV, and all of it in memory: a watch keeps the copy up to date, in the order of revisions. With every
 * new connection, and whenever the watch breaks, it begins anew with all there is, and what is gone is found by what does not
 * come.
 */
export class Bucket {
  readonly #options: BucketOptions
  readonly #clock: Clock
  readonly #listener: BucketListener
  readonly #slots = new Map<string, Slot>()
  readonly #reached = new Reached()
  readonly #markers: Markers
  readonly #session: Session
  readonly #abort = new AbortController()
  #connected: AbortController | undefined
  #watching = new AbortController()
  #open: OpenBucket | undefined
  #created: string | undefined
  #synced = false
  #reason: TsunagiError | undefined
  /** Those who wait for it to be open, or for the copy. */
  readonly #waiting = new Set<() => void>()

  constructor(name: string, setup: BucketSetup, clock: Clock, listener: BucketListener) {
    this.#options = { name, replicas: setup.replicas, storage: setup.storage }
    this.#clock = clock
    this.#listener = listener
    this.#markers = new Markers(clock, (key, revision) => this.#purge(key, revision))
    this.#session = new Session(setup.source, clock, {
      up: (connection) => this.#up(connection),
      down: (error) => this.#down(error),
      refused: (error) => this.#failed(error),
    })
  }

  get closed(): boolean {
    return this.#abort.signal.aborted
  }

  /** Whether the copy has all there is. */
  get synced(): boolean {
    return this.#synced
  }

  /** Why it cannot be used; undefined: it can, or nobody knows yet. */
  get reason(): TsunagiError | undefined {
    return this.#reason
  }

  /** The last revision seen. */
  get applied(): number {
    return this.#reached.revision
  }

  slot(key: string): Slot | undefined {
    return this.#slots.get(bucketKey(key))
  }

  /** Resolves when the copy has all there is. @throws TsunagiError when it never will; the signal's reason */
  async ready(signal: AbortSignal): Promise<void> {
    await this.#until(() => this.#synced, signal)
  }

  /** Resolves when there is a server that takes writes, after which what is sent may happen. @throws as {@link Bucket.ready} */
  async writable(signal: AbortSignal): Promise<void> {
    if (this.#open === undefined) await this.#until(() => this.#open !== undefined, signal)
  }

  /**
   * Writes a record, with `previous` only in place of that revision (0: of none). Resolves with the new revision, which is
   * not yet seen here: {@link Bucket.reached}.
   *
   * @throws TsunagiError `ERR_LIMIT`; what nats.js throws
   */
  put(key: string, record: BucketRecord, previous?: number): Promise<number> {
    const text = bucketKey(key)
    return this.#publish(
      text,
      encodeRecord(storeKey(text) === undefined ? { ...record, key } : record),
      previous,
      false,
    )
  }

  /** Deletes a key, only in place of that revision. Resolves with the marker's. @throws as {@link Bucket.put} */
  async remove(key: string, previous: number): Promise<number> {
    const text = bucketKey(key)
    const revision = await this.#publish(text, new Uint8Array(), previous, true)
    this.#markers.add(text, revision, this.#clock.now())
    return revision
  }

  /** The revision the server has of a key, deleted or not; 0: none. @throws what nats.js throws */
  async latest(key: string): Promise<number> {
    const { jsm, stream, prefix } = this.#opened()
    // Of the leader: any other server may be behind.
    return (await jsm.streams.getMessage(stream, { last_by_subj: prefix + bucketKey(key) }))?.seq ?? 0
  }

  /** Resolves when this revision, or a later one, has been seen here. */
  async reached(revision: number, signal: AbortSignal): Promise<void> {
    if (this.applied < revision) await this.#reached.wait(revision, signal)
  }

  /** @throws TsunagiError `ERR_LIMIT` for a value of so many bytes, if it is known by now that the server refuses it */
  checkSize(bytes: number): void {
    const most = (this.#open?.connection.info?.max_payload ?? Number.POSITIVE_INFINITY) - OVERHEAD
    if (bytes <= most) return
    throw new TsunagiError('ERR_LIMIT', `a value of ${bytes} bytes; the NATS server takes ${most}`)
  }

  /** Closes a connection of its own; one that was given is left alone. Idempotent. */
  async close(): Promise<void> {
    if (this.closed) return
    this.#abort.abort(new TsunagiError('ERR_CLOSED', 'the store is closed'))
    this.#markers.close()
    this.#leave()
    this.#changed()
    await this.#session.close()
  }

  #up(connection: NatsConnection): void {
    this.#leave()
    this.#connected = new AbortController()
    void this.#run(connection, this.#connected.signal)
  }

  #down(error: TsunagiError): void {
    this.#leave()
    this.#failed(error)
  }

  #leave(): void {
    this.#connected?.abort()
    this.#connected = undefined
    this.#open = undefined
    this.#synced = false
  }

  async #run(connection: NatsConnection, signal: AbortSignal): Promise<void> {
    const backoff = new Backoff()
    while (!signal.aborted) {
      try {
        const open = await openBucket(connection, this.#options)
        if (signal.aborted) return
        this.#watching = new AbortController()
        await this.#follow(open, AbortSignal.any([signal, this.#watching.signal]), () => backoff.reset())
      } catch (error) {
        if (signal.aborted) return
        this.#open = undefined
        this.#synced = false
        this.#failed(bucketError(error))
        if (this.#isMissing()) return
      }
      await pause(backoff.next(), this.#clock, signal).catch(() => {})
    }
  }

  async #follow(open: OpenBucket, signal: AbortSignal, begun: () => void): Promise<void> {
    const { created, last } = open
    // Made anew, or fallen back: its revisions are others than those of the same numbers here.
    const isAnother = this.#created !== undefined && (this.#created !== created || last < this.applied)
    this.#created = created
    if (isAnother) this.#reached.restart()
    this.#open = open
    this.#changed()
    const missing = new Set(this.#slots.keys())
    let complete = false
    const listener = {
      revision: (revision: Revision): void => {
        missing.delete(revision.key)
        this.#apply(revision, !complete, isAnother && !complete)
      },
      complete: (): void => {
        complete = true
        for (const text of missing) this.#forget(text, true)
        this.#reached.seen(last)
        this.#synced = true
        begun()
        this.#failed(undefined)
      },
    }
    await watchBucket(open, listener, signal)
  }

  #apply({ key: text, revision, bytes, time }: Revision, resync: boolean, anew: boolean): void {
    if (bytes === undefined) {
      if (resync) this.#markers.addOld(text, revision, Date.now() - time)
      this.#forget(text, resync)
    } else if (anew || this.#slots.get(text)?.revision !== revision) {
      const record = decodeRecord(bytes)
      const named = storeKey(text) ?? record?.key
      const key = named !== undefined && bucketKey(named) === text ? named : undefined
      if (key !== undefined) {
        const slot: Slot = { key, revision, record, at: this.#clock.now() }
        this.#slots.set(text, slot)
        this.#listener.changed(key, slot, resync)
      }
      if (key === undefined || record === undefined) this.#listener.dropped(key ?? text)
    }
    this.#reached.seen(revision)
  }

  #forget(text: string, resync: boolean): void {
    const slot = this.#slots.get(text)
    if (slot === undefined) return
    this.#slots.delete(text)
    this.#listener.changed(slot.key, undefined, resync)
  }

  async #publish(text: string, bytes: Uint8Array, previous: number | undefined, remove: boolean): Promise<number> {
    const { connection, js, prefix } = this.#opened()
    const most = connection.info?.max_payload ?? Number.POSITIVE_INFINITY
    if (bytes.length > most) throw new TsunagiError('ERR_LIMIT', `${bytes.length} bytes; the NATS server takes ${most}`)
    const headers = remove ? await deletion() : undefined
    const expect = previous === undefined ? undefined : { lastSubjectSequence: previous }
    try {
      const { seq } = await js.publish(prefix + text, bytes, {
        timeout: REQUEST,
        ...(headers === undefined ? {} : { headers }),
        ...(expect === undefined ? {} : { expect }),
      })
      return seq
    } catch (error) {
      // Nobody has the bucket any more: no need to wait until the watch falls silent.
      if (isNobody(error)) this.#watching.abort()
      throw error
    }
  }

  async #purge(text: string, revision: number): Promise<void> {
    const { jsm, stream, prefix } = this.#opened()
    // Up to the marker: whatever was written since stays.
    await jsm.streams.purge(stream, { filter: prefix + text, seq: revision + 1 })
  }

  #opened(): OpenBucket {
    if (this.#open !== undefined) return this.#open
    throw new StoreError('ERR_NO_LOADER', this.#reason?.message ?? 'there is no connection with NATS', {
      cause: this.#reason,
    })
  }

  #failed(error: TsunagiError | undefined): void {
    this.#reason = error
    this.#listener.failed(error)
    this.#changed()
  }

  /** A package that is missing does not come by itself, nor does a connection that was given. */
  #isMissing(): boolean {
    return this.#session.failure !== undefined || this.#reason?.code === 'ERR_PACKAGE_MISSING'
  }

  async #until(test: () => boolean, signal: AbortSignal): Promise<void> {
    for (;;) {
      this.#abort.signal.throwIfAborted()
      if (test()) return
      if (this.#isMissing() && this.#reason !== undefined) throw this.#reason
      let wake = (): void => {}
      const change = new Promise<void>((resolve) => {
        wake = resolve
      })
      this.#waiting.add(wake)
      await abortable(change, signal).finally(() => this.#waiting.delete(wake))
    }
  }

  #changed(): void {
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    for (const wake of waiting) wake()
  }
}

async function deletion() {
  const { headers } = await import('@nats-io/transport-node')
  const list = headers()
  list.set('KV-Operation', 'DEL')
  return list
}

/** The value of a record that is written anew with something else beside it: it keeps its version. */
export function carried(slot: Slot | undefined): RecordValue | undefined {
  const value = slot?.record?.value
  return value === undefined ? undefined : { ...value, revision: value.revision ?? slot?.revision }
}
