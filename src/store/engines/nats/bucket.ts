import type { KV, KvWatchEntry } from '@nats-io/kv'
import type { NatsConnection, NodeConnectionOptions } from '@nats-io/transport-node'
import type { Clock } from '../../../base/clock.ts'
import { abortable, pause } from '../../../base/deadline.ts'
import { TsunagiError } from '../../../base/errors.ts'
import { loadOptional } from '../../../base/optional-package.ts'
import { bucketError } from './bucket-error.ts'
import { bucketKey, storeKey } from './bucket-key.ts'
import { type BucketRecord, decodeRecord, encodeRecord, type RecordValue } from './bucket-record.ts'

/** What a {@link Bucket} needs to be opened. */
export interface BucketSetup {
  readonly source: { readonly connection: NatsConnection } | { readonly options: NodeConnectionOptions }
  readonly name: string
  readonly replicas: number
  readonly storage: 'file' | 'memory'
}

/** A key as the bucket has it. Also one that was deleted, whose marker has a revision. */
export interface Slot {
  readonly key: string
  readonly revision: number
  readonly record: BucketRecord | undefined
}

/** Hears what happens in a bucket. Must not throw. */
export interface BucketListener {
  /** `resync`: found when the watch was begun anew. */
  changed(slot: Slot, before: Slot | undefined, resync: boolean): void
  /** The bucket cannot be watched, or can again. */
  failed(error: unknown): void
}

const RETRY = 1000
const WHAT = 'A store on NATS'

/**
 * A bucket of JetStream KV, and all of it in memory: a watch keeps the copy up to date, in the order of revisions. When the
 * watch ends it is begun anew, and what went meanwhile is found by what no longer comes.
 */
export class Bucket {
  /** The last revision seen. */
  applied = 0
  /** Resolves when the copy has all that was there when the bucket was opened. */
  readonly ready: Promise<void>
  readonly #setup: BucketSetup
  readonly #clock: Clock
  readonly #listener: BucketListener
  readonly #slots = new Map<string, Slot>()
  readonly #abort = new AbortController()
  readonly #waiting = new Set<{ readonly revision: number; readonly resolve: () => void }>()
  #connection: NatsConnection | undefined
  #kv: KV | undefined
  #watch: { stop(): void } | undefined
  #begun: (() => void) | undefined

  constructor(setup: BucketSetup, clock: Clock, listener: BucketListener) {
    this.#setup = setup
    this.#clock = clock
    this.#listener = listener
    this.ready = new Promise((resolve) => {
      this.#begun = resolve
    })
    void this.#run()
  }

  get closed(): boolean {
    return this.#abort.signal.aborted
  }

  /** The most that fits into one write, in bytes; undefined while there is no connection. */
  get maxPayload(): number | undefined {
    return this.#connection?.info?.max_payload
  }

  slot(key: string): Slot | undefined {
    return this.#slots.get(bucketKey(key))
  }

  slots(): IterableIterator<Slot> {
    return this.#slots.values()
  }

  /**
   * Writes a record, with `previous` only in place of that revision (0: of none). Resolves with the new revision, which is
   * not yet seen here: {@link reached}.
   *
   * @throws what nats.js throws
   */
  async put(key: string, record: BucketRecord, previous?: number): Promise<number> {
    const text = bucketKey(key)
    const whole = storeKey(text) === undefined ? { ...record, key } : record
    return this.#open().put(text, encodeRecord(whole), previous === undefined ? {} : { previousSeq: previous })
  }

  /** Deletes a key, only in place of that revision. @throws what nats.js throws */
  async remove(key: string, previous: number): Promise<void> {
    await this.#open().delete(bucketKey(key), { previousSeq: previous })
  }

  /** The revision the server has of a key, deleted or not; 0: none. @throws what nats.js throws */
  async latest(key: string): Promise<number> {
    return (await this.#open().get(bucketKey(key)))?.revision ?? 0
  }

  /** Resolves when this revision, or a later one, has been seen here. */
  async reached(revision: number, signal: AbortSignal): Promise<void> {
    if (this.applied >= revision) return
    let waiting: { revision: number; resolve: () => void } | undefined
    const seen = new Promise<void>((resolve) => {
      waiting = { revision, resolve }
      this.#waiting.add(waiting)
    })
    try {
      await abortable(seen, AbortSignal.any([signal, this.#abort.signal]))
    } finally {
      if (waiting !== undefined) this.#waiting.delete(waiting)
    }
  }

  /** Closes a connection of its own; one that was given is left alone. Idempotent. */
  async close(): Promise<void> {
    if (this.closed) return
    this.#abort.abort(new TsunagiError('ERR_CLOSED', 'the store is closed'))
    this.#watch?.stop()
    if ('options' in this.#setup.source) await this.#connection?.close()
  }

  async #run(): Promise<void> {
    while (!this.closed) {
      try {
        this.#kv ??= await this.#connect()
        await this.#follow(this.#kv)
      } catch (error) {
        if (!this.closed) this.#listener.failed(bucketError(error))
      }
      if (this.#connection?.isClosed() === true) {
        this.#connection = undefined
        this.#kv = undefined
      }
      await pause(RETRY, this.#clock, this.#abort.signal).catch(() => {})
    }
  }

  async #connect(): Promise<KV> {
    const { source, name, replicas, storage } = this.#setup
    const { Kvm } = await loadOptional('@nats-io/kv', WHAT, () => import('@nats-io/kv'))
    if (this.#connection === undefined) {
      if ('connection' in source) this.#connection = source.connection
      else {
        const { connect } = await loadOptional('@nats-io/transport-node', WHAT, () => import('@nats-io/transport-node'))
        this.#connection = await connect({ ...source.options, maxReconnectAttempts: -1 })
        if (this.closed) await this.#connection.close()
      }
    }
    // The types of its storage are an enum of a package that is loaded when used.
    return new Kvm(this.#connection).create(name, { history: 1, replicas, storage: storage as never })
  }

  /** Watches until the watch ends. */
  async #follow(kv: KV): Promise<void> {
    const { streamInfo } = await kv.status()
    // Nothing says when a watch has given all there was, if there was nothing.
    const { messages, last_seq: last } = streamInfo.state
    const stale = new Set(this.#slots.keys())
    let snapshot = true
    const complete = (): void => {
      snapshot = false
      for (const text of stale) this.#forget(text)
      this.#begun?.()
      this.#listener.failed(undefined)
    }
    if (messages === 0) complete()
    const watch = await kv.watch()
    this.#watch = watch
    if (this.closed) watch.stop()
    for await (const entry of watch) {
      stale.delete(entry.key)
      this.#apply(entry, snapshot)
      if (snapshot && entry.revision >= last) complete()
    }
  }

  #apply(entry: KvWatchEntry, resync: boolean): void {
    const { key: text, revision, operation } = entry
    const before = this.#slots.get(text)
    if (before === undefined || before.revision < revision) {
      const record = operation === 'PUT' ? decodeRecord(entry.value) : undefined
      const key = storeKey(text) ?? record?.key ?? before?.key
      if (key !== undefined) {
        const slot: Slot = { key, revision, record }
        this.#slots.set(text, slot)
        this.#listener.changed(slot, before, resync)
      }
    }
    this.applied = Math.max(this.applied, revision)
    for (const waiting of this.#waiting) if (waiting.revision <= this.applied) waiting.resolve()
  }

  #forget(text: string): void {
    const before = this.#slots.get(text)
    if (before === undefined) return
    this.#slots.delete(text)
    this.#listener.changed({ ...before, record: undefined }, before, true)
  }

  #open(): KV {
    if (this.#kv !== undefined) return this.#kv
    throw new TsunagiError('ERR_TIMEOUT', 'there is no connection with NATS yet: await `store.ready()`')
  }
}

/** The value of a record that is written anew with something else beside it: it keeps its version. */
export function carried(slot: Slot | undefined): RecordValue | undefined {
  const value = slot?.record?.value
  return value === undefined ? undefined : { ...value, revision: value.revision ?? slot?.revision }
}
