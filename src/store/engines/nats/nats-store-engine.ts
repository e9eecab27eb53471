import { randomUUID } from 'node:crypto'
import { abortable, withDeadline } from '../../../base/deadline.ts'
import { TsunagiError } from '../../../base/errors.ts'
import type { WaitOptions } from '../../../node/waiting.ts'
import { decode, type Term } from '../../../term/index.ts'
import type {
  Applied,
  Change,
  Command,
  Delete,
  EngineContext,
  EngineStatus,
  Entry,
  Lease,
  LeaseOptions,
  LeaseOutcome,
  Lifetime,
  Put,
  ReadyOptions,
  StoreEngine,
  SubmitOptions,
} from '../../engine.ts'
import { StoreError } from '../../store-error.ts'
import { Version } from '../../version.ts'
import { Bucket, type BucketSetup, carried, type Slot } from './bucket.ts'
import { bucketError, isConflict } from './bucket-error.ts'
import { type BucketRecord, encodeValue, type RecordValue } from './bucket-record.ts'
import { type LeaseHost, NatsLease } from './nats-lease.ts'

const TIMEOUT = 5000
/** What a record has beside the value, generously, with a long key. */
const OVERHEAD = 5000

/** Entries of JetStream KV as a store's: every node has all of them in memory, and NATS orders the writes. */
export class NatsStoreEngine implements StoreEngine, LeaseHost {
  readonly context: EngineContext
  readonly bucket: Bucket
  readonly #entries = new Map<string, Entry>()
  readonly #expiries = new Map<string, { cancel(): void }>()
  readonly #listeners = new Map<string, Set<(slot: Slot | undefined) => void>>()
  #failure: unknown

  constructor(context: EngineContext, setup: BucketSetup) {
    this.context = context
    this.bucket = new Bucket(setup, context.clock, {
      changed: (slot, before, resync) => this.#changed(slot, before, resync),
      failed: (error) => this.#failed(error),
    })
  }

  get size(): number {
    return this.#entries.size
  }

  async ready({ nodes, ...wait }: ReadyOptions = {}): Promise<void> {
    if (nodes !== undefined && nodes > 0) {
      throw new TsunagiError('ERR_UNSUPPORTED', 'a store on NATS does not know which other nodes take part')
    }
    await this.within(wait, (signal) => abortable(this.bucket.ready, signal))
  }

  read(key: string): Entry | undefined {
    return this.#entries.get(key)
  }

  entries(): Iterable<readonly [string, Entry]> {
    return this.#entries
  }

  /** One write after the other; those of a batch are not atomic. */
  async submit(command: Command, options: SubmitOptions = {}): Promise<Applied> {
    const writes = command.kind === 'batch' ? command.writes : [command]
    const encoded = writes.map((write) => (write.kind === 'put' ? this.encode(write) : undefined))
    return this.within(options, async (signal) => {
      const done = await Promise.all(
        writes.map((write, i) => {
          return write.kind === 'put'
            ? this.#put(write, encoded[i] as RecordValue, signal)
            : this.#delete(write, signal)
        }),
      )
      const sequence = done.length === 0 ? this.bucket.applied : Math.max(...done.map(({ revision }) => revision))
      return { version: new Version(0, '', sequence), changed: done.map(({ changed }) => changed) }
    })
  }

  async lease(key: string, options: LeaseOptions = {}): Promise<LeaseOutcome> {
    const { hold = 30_000, newerThan, wait = true, timeout, signal } = options
    const id = randomUUID()
    return this.within({ timeout: timeout ?? TIMEOUT, signal }, async (signal) => {
      for (;;) {
        const entry = this.#live(key)
        if (entry !== undefined && (newerThan === undefined || entry.version.compare(newerThan) > 0)) {
          return { kind: 'entry', entry }
        }
        const slot = this.bucket.slot(key)
        const held = slot?.record?.lease
        if (held !== undefined) {
          if (!wait) return { kind: 'held' }
          const next = await NatsLease.watch(this, key, signal)
          // A failure is there for a moment only: the record goes with it.
          const failure = next?.record?.failure
          if (failure?.id === held.id) {
            throw new StoreError('ERR_COMPUTE', failure.message, { key, node: failure.node })
          }
          if (next !== undefined) continue
        }
        const lease = await this.#take(key, slot, id, hold, signal)
        if (lease !== undefined) return { kind: 'lease', lease }
      }
    })
  }

  status(): EngineStatus {
    const { bucket, context } = this
    return {
      role: bucket.closed ? 'closed' : this.#failure === undefined && bucket.applied > 0 ? 'follower' : 'joining',
      loader: undefined,
      epoch: 0,
      sequence: bucket.applied,
      nodes: [context.host.name],
      size: this.size,
    }
  }

  async close(): Promise<void> {
    for (const timer of this.#expiries.values()) timer.cancel()
    this.#expiries.clear()
    await this.bucket.close()
    for (const waiting of this.#listeners.values()) for (const seen of waiting) seen(undefined)
  }

  /** A value as its record has it. @throws EncodeError; TsunagiError `ERR_LIMIT` */
  encode({ value, ttl, stale = 0 }: { readonly value: Term } & Lifetime): RecordValue {
    const bytes = encodeValue(value, this.context.terms)
    const most = (this.bucket.maxPayload ?? Number.POSITIVE_INFINITY) - OVERHEAD
    if (bytes.length > most) {
      throw new TsunagiError('ERR_LIMIT', `a value of ${bytes.length} bytes; the NATS server takes ${most}`)
    }
    const staleAt = ttl === undefined ? undefined : this.context.wallClock() + ttl
    const expiresAt = staleAt === undefined ? undefined : staleAt + stale
    return { bytes, staleAt, expiresAt, revision: undefined }
  }

  /** Resolves with what becomes of a key next. @throws TsunagiError `ERR_CLOSED` */
  async next(key: string, signal: AbortSignal): Promise<Slot> {
    const waiting = this.#listeners.get(key) ?? new Set()
    this.#listeners.set(key, waiting)
    let seen: ((slot: Slot | undefined) => void) | undefined
    const change = new Promise<Slot | undefined>((resolve) => {
      seen = resolve
      waiting.add(resolve)
    })
    try {
      const slot = await abortable(change, signal)
      if (slot !== undefined) return slot
      throw new TsunagiError('ERR_CLOSED', 'the store is closed')
    } finally {
      if (seen !== undefined) waiting.delete(seen)
      if (waiting.size === 0) this.#listeners.delete(key)
    }
  }

  /** Under a signal that aborts when the time is over; errors of nats.js become ours. */
  async within<T>(options: WaitOptions, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    this.#checkOpen()
    const { timeout = TIMEOUT, signal } = options
    const timedOut = (): Error => new TsunagiError('ERR_TIMEOUT', `no answer from NATS within ${timeout} ms`)
    try {
      return await withDeadline({ timeout, clock: this.context.clock, signal }, timedOut, (signal) => {
        return abortable(work(signal), signal)
      })
    } catch (error) {
      throw bucketError(error)
    }
  }

  async #put({ key, expected }: Put, value: RecordValue, signal: AbortSignal) {
    const record: BucketRecord = { value, lease: undefined, failure: undefined, key: undefined }
    if (expected === undefined) {
      const revision = await this.bucket.put(key, record)
      await this.bucket.reached(revision, signal)
      return { revision, changed: true }
    }
    return this.#compareAndSet(key, expected, signal, async (previous) => {
      const revision = await this.bucket.put(key, record, previous)
      await this.bucket.reached(revision, signal)
      return { revision, changed: true }
    })
  }

  #delete({ key, expected }: Delete, signal: AbortSignal) {
    return this.#compareAndSet(key, expected, signal, async (previous) => {
      if (this.bucket.slot(key)?.record === undefined) return { revision: this.bucket.applied, changed: false }
      const changed = this.#live(key) !== undefined
      await this.bucket.remove(key, previous)
      while (this.bucket.slot(key)?.revision === previous) await this.next(key, signal)
      return { revision: this.bucket.slot(key)?.revision ?? previous, changed }
    })
  }

  /** Decides by what the server has, not by what has come here so far. */
  async #compareAndSet<T>(
    key: string,
    expected: Version | 'absent' | undefined,
    signal: AbortSignal,
    write: (previous: number) => Promise<T>,
  ): Promise<T> {
    for (;;) {
      await this.bucket.reached(await this.bucket.latest(key), signal)
      const current = this.#live(key)?.version
      const holds = expected === undefined || (expected === 'absent' ? current === undefined : expected.equals(current))
      if (!holds) throw new StoreError('ERR_VERSION', 'the key has another version than expected', { key, current })
      try {
        return await write(this.bucket.slot(key)?.revision ?? 0)
      } catch (error) {
        // Somebody was faster, perhaps only with a lease.
        if (!isConflict(error)) throw error
      }
    }
  }

  async #take(key: string, slot: Slot | undefined, id: string, hold: number, signal: AbortSignal) {
    const lease = { id, node: this.context.host.name }
    const value = this.#live(key) === undefined ? undefined : carried(slot)
    try {
      const record: BucketRecord = { value, lease, failure: undefined, key: undefined }
      const revision = await this.bucket.put(key, record, slot?.revision ?? 0)
      await this.bucket.reached(revision, signal)
      return new NatsLease(this, key, lease, hold) satisfies Lease
    } catch (error) {
      if (!isConflict(error)) throw error
      await this.bucket.reached(await this.bucket.latest(key), signal)
      return undefined
    }
  }

  #live(key: string): Entry | undefined {
    const entry = this.#entries.get(key)
    if (entry?.expiresAt !== undefined && this.context.wallClock() >= entry.expiresAt) return undefined
    return entry
  }

  #changed(slot: Slot, before: Slot | undefined, resync: boolean): void {
    const { key, revision, record } = slot
    const previous = this.#entries.get(key)
    const entry = record?.value === undefined ? undefined : this.#entry(record.value, revision)
    if (entry === undefined) this.#entries.delete(key)
    else this.#entries.set(key, entry)
    if (entry === undefined || !entry.version.equals(previous?.version)) {
      this.#expiries.get(key)?.cancel()
      this.#expiries.delete(key)
      if (entry?.expiresAt !== undefined) this.#expire(key, entry.expiresAt)
      if (entry !== undefined || previous !== undefined) {
        const cause = resync && before !== undefined ? 'resync' : causeOf(entry, previous, this.context.wallClock())
        const version = entry?.version ?? new Version(0, '', revision)
        this.context.observer.change?.({ key, entry, previous, version, cause, source: this.context.host.name })
      }
    }
    for (const seen of this.#listeners.get(key) ?? []) seen(slot)
  }

  #entry(value: RecordValue, revision: number): Entry {
    const { terms } = this.context
    const { bytes, staleAt, expiresAt } = value
    return {
      version: new Version(0, '', value.revision ?? revision),
      bytes,
      staleAt,
      expiresAt,
      get value() {
        return decode(bytes, terms)
      },
    }
  }

  /** All nodes try, a little apart; the first one does it. */
  #expire(key: string, at: number): void {
    const { clock, wallClock } = this.context
    const timer = clock.after(Math.max(at - wallClock(), 0) + Math.random() * 1000, () => {
      this.#expiries.delete(key)
      const slot = this.bucket.slot(key)
      if (slot === undefined || this.#live(key) !== undefined || slot.record?.lease !== undefined) return
      this.bucket.remove(key, slot.revision).catch((error) => {
        if (!isConflict(error) && !this.bucket.closed) this.#expire(key, wallClock() + TIMEOUT)
      })
    })
    this.#expiries.set(key, timer)
  }

  #failed(error: unknown): void {
    const before = this.#failure
    this.#failure = error
    if ((error === undefined) === (before === undefined)) return
    this.context.observer.failed?.(error instanceof StoreError ? error : undefined)
    if (error !== undefined) this.context.logger.warn({ err: error }, `the store on NATS: ${(error as Error).message}`)
  }

  #checkOpen(): void {
    if (this.bucket.closed) throw new TsunagiError('ERR_CLOSED', 'the store is closed')
  }
}

function causeOf(entry: Entry | undefined, previous: Entry | undefined, now: number): Change['cause'] {
  if (entry !== undefined) return 'put'
  return previous?.expiresAt !== undefined && previous.expiresAt <= now ? 'expire' : 'delete'
}
