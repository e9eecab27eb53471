import { randomUUID } from 'node:crypto'
import { abortable, pause, withDeadline } from '../../../base/deadline.ts'
import { TsunagiError } from '../../../base/errors.ts'
import { duration } from '../../../base/options.ts'
import type { WaitOptions } from '../../../node/waiting.ts'
import type { Term } from '../../../term/index.ts'
import { encodeValue } from '../../encode-value.ts'
import type {
  Applied,
  Change,
  Command,
  Delete,
  EngineContext,
  EngineStatus,
  Entry,
  LeaseOptions,
  LeaseOutcome,
  Lifetime,
  Put,
  ReadyOptions,
  StoreEngine,
  SubmitOptions,
} from '../../engine.ts'
import { FrozenValues } from '../../frozen-values.ts'
import { StoredEntry } from '../../replication/stored-entry.ts'
import { StoreError } from '../../store-error.ts'
import { Version } from '../../version.ts'
import { Bucket, type BucketSetup, carried, type Slot } from './bucket.ts'
import { bucketError, isConflict } from './bucket-error.ts'
import type { BucketRecord, RecordValue } from './bucket-record.ts'
import { type LeaseHost, NatsLease, SILENCE } from './nats-lease.ts'
import { Sweep } from './sweep.ts'

const TIMEOUT = 5000
/** Writes of a batch that are on their way at once. */
const WINDOW = 256

/** What became of one write. */
interface Written {
  readonly revision: number
  readonly changed: boolean
}

/** Entries of JetStream KV as a store's: every node has all of them in memory, and NATS orders the writes. */
export class NatsStoreEngine implements StoreEngine, LeaseHost {
  readonly context: EngineContext
  readonly bucket: Bucket
  readonly #entries = new Map<string, StoredEntry>()
  readonly #values: FrozenValues
  readonly #sweep: Sweep
  readonly #listeners = new Map<string, Set<() => void>>()
  #failing = false

  constructor(context: EngineContext, setup: BucketSetup) {
    this.context = context
    this.#values = new FrozenValues(context.terms)
    this.bucket = new Bucket(setup.bucket ?? context.name, setup, context.clock, {
      changed: (key, slot, resync) => this.#changed(key, slot, resync),
      dropped: (key) => this.#dropped(key),
      failed: (error) => this.#failed(error),
    })
    this.#sweep = new Sweep(context, this.bucket, (key) => this.#entries.get(key))
  }

  get size(): number {
    return this.#entries.size
  }

  async ready({ nodes, ...wait }: ReadyOptions = {}): Promise<void> {
    if (nodes !== undefined && nodes > 0) {
      throw new TsunagiError('ERR_UNSUPPORTED', 'a store on NATS does not know which other nodes take part')
    }
    await this.within(wait, (signal) => this.bucket.ready(signal))
  }

  read(key: string): Entry | undefined {
    return this.#entries.get(key)
  }

  entries(): Iterable<readonly [string, Entry]> {
    return this.#entries
  }

  /** The writes of a batch are sent in their order, each for itself: when one fails, others may have been done. */
  async submit(command: Command, options: SubmitOptions = {}): Promise<Applied> {
    const writes = command.kind === 'batch' ? command.writes : [command]
    const encoded = writes.map((write) => (write.kind === 'put' ? this.encode(write) : undefined))
    let sent = false
    const work = async (signal: AbortSignal): Promise<Applied> => {
      await this.bucket.writable(signal)
      sent = true
      for (const value of encoded) if (value !== undefined) this.bucket.checkSize(value.bytes.length)
      const done: Written[] = []
      for (let begin = 0; begin < writes.length; ) {
        // What has no condition may be on its way together: the server takes it in the order in which it is sent.
        let end = begin + 1
        while (isPlain(writes[end - 1]) && isPlain(writes[end]) && end - begin < WINDOW) end++
        const window = writes.slice(begin, end).map((write, i) => {
          return write.kind === 'put'
            ? this.#put(write, encoded[begin + i] as RecordValue, signal)
            : this.#delete(write, signal)
        })
        for (const outcome of await Promise.allSettled(window)) {
          if (outcome.status === 'rejected') throw outcome.reason
          done.push(outcome.value)
        }
        begin = end
      }
      const sequence = done.reduce((most, { revision }) => Math.max(most, revision), 0)
      return {
        version: versionOf(sequence === 0 ? this.bucket.applied : sequence),
        changed: done.map(({ changed }) => changed),
      }
    }
    return this.within(options, work, () => sent)
  }

  async lease(key: string, options: LeaseOptions = {}): Promise<LeaseOutcome> {
    const { hold = 30_000, newerThan, wait = true, timeout, signal } = options
    const id = randomUUID()
    return this.within({ timeout: timeout ?? TIMEOUT, signal }, async (signal) => {
      // What failed before this one asked is none of its business.
      const before = this.bucket.slot(key)?.record?.failure?.id
      for (;;) {
        await this.bucket.ready(signal)
        const entry = this.#live(key)
        if (entry !== undefined && (newerThan === undefined || entry.version.compare(newerThan) > 0)) {
          return { kind: 'entry', entry }
        }
        const slot = this.bucket.slot(key)
        const { lease: held, failure } = slot?.record ?? {}
        if (failure !== undefined && failure.id !== before) {
          throw new StoreError('ERR_COMPUTE', failure.message, { key, node: failure.node })
        }
        if (slot !== undefined && held !== undefined) {
          const silent = this.context.clock.now() - slot.at
          if (silent < SILENCE) {
            if (!wait) return { kind: 'held' }
            await this.#next(key, SILENCE - silent, signal)
            continue
          }
        }
        const lease = await this.#take(key, slot, id, hold, signal)
        if (lease !== undefined) return { kind: 'lease', lease }
      }
    })
  }

  status(): EngineStatus {
    const { bucket, context } = this
    return {
      role: bucket.closed ? 'closed' : bucket.synced ? 'follower' : 'joining',
      loader: undefined,
      epoch: 0,
      sequence: bucket.applied,
      nodes: [context.host.name],
      size: this.size,
    }
  }

  async close(): Promise<void> {
    this.#sweep.close()
    await this.bucket.close()
    for (const waiting of this.#listeners.values()) for (const seen of waiting) seen()
  }

  /** A value as its record has it. @throws EncodeError; TsunagiError `ERR_LIMIT` */
  encode({ value, ttl, stale = 0 }: { readonly value: Term } & Lifetime): RecordValue {
    const bytes = encodeValue(value, this.context.terms)
    this.bucket.checkSize(bytes.length)
    const staleAt = ttl === undefined ? undefined : this.context.wallClock() + ttl
    return { bytes, staleAt, expiresAt: staleAt === undefined ? undefined : staleAt + stale, revision: undefined }
  }

  /**
   * Under a signal that aborts when the time is over; errors of nats.js become ours. What was never sent has not happened, and
   * the error says so.
   */
  async within<T>(
    options: WaitOptions,
    work: (signal: AbortSignal) => Promise<T>,
    isSent: () => boolean = () => true,
  ): Promise<T> {
    if (this.bucket.closed) throw closed()
    const { timeout = TIMEOUT, signal } = options
    duration(timeout, 'timeout')
    try {
      return await withDeadline(
        { timeout, clock: this.context.clock, signal },
        () => this.#timedOut(timeout, isSent()),
        (limit) => abortable(work(limit), limit),
      )
    } catch (error) {
      // Who gave up hears the own reason, whatever it is.
      if (signal?.aborted && error === signal.reason) throw error
      throw this.bucket.closed ? closed() : bucketError(error)
    }
  }

  #timedOut(timeout: number, isSent: boolean): Error {
    const { reason: cause } = this.bucket
    const text = `store ${this.context.name}: ${cause?.message ?? 'no answer from NATS'}, for ${timeout} ms`
    return isSent ? new TsunagiError('ERR_TIMEOUT', text, { cause }) : new StoreError('ERR_NO_LOADER', text, { cause })
  }

  async #put({ key, expected }: Put, value: RecordValue, signal: AbortSignal): Promise<Written> {
    const record: BucketRecord = { value, lease: undefined, failure: undefined, key: undefined }
    const write = async (previous?: number): Promise<Written> => {
      const revision = await this.bucket.put(key, record, previous)
      await this.bucket.reached(revision, signal)
      return { revision, changed: true }
    }
    return expected === undefined ? write() : this.#compareAndSet(key, expected, signal, write)
  }

  #delete({ key, expected }: Delete, signal: AbortSignal): Promise<Written> {
    return this.#compareAndSet(key, expected ?? 'any', signal, async (previous) => {
      const changed = this.#live(key) !== undefined
      const { lease, failure } = this.bucket.slot(key)?.record ?? {}
      // Who computes a value goes on: a lease is none.
      const revision = await (lease === undefined
        ? this.bucket.remove(key, previous)
        : this.bucket.put(key, { value: undefined, lease, failure, key: undefined }, previous))
      await this.bucket.reached(revision, signal)
      return { revision, changed }
    })
  }

  /** What the copy says is tried at once; only a refusal, and what it rests on, is asked of the server. */
  async #compareAndSet(
    key: string,
    expected: Version | 'absent' | 'any',
    signal: AbortSignal,
    write: (previous: number) => Promise<Written>,
  ): Promise<Written> {
    let latest: number | undefined
    for (;;) {
      const slot = this.bucket.slot(key)
      const there = this.#entries.get(key)
      const holds =
        expected === 'any'
          ? slot !== undefined
          : expected === 'absent'
            ? this.#live(key) === undefined
            : expected.equals(there?.version)
      try {
        if (holds) return await write(slot?.revision ?? latest ?? 0)
      } catch (error) {
        // Somebody was faster, perhaps only with a lease.
        if (!isConflict(error)) throw error
        latest = undefined
      }
      if (latest !== undefined) {
        if (expected === 'any') return { revision: this.bucket.applied, changed: false }
        const current = this.#live(key)?.version
        throw new StoreError('ERR_VERSION', 'the key has another version than expected', { key, current })
      }
      latest = await this.bucket.latest(key)
      await this.bucket.reached(latest, signal)
    }
  }

  async #take(key: string, slot: Slot | undefined, id: string, hold: number, signal: AbortSignal) {
    const lease = { id, node: this.context.host.name }
    const value = this.#live(key) === undefined ? undefined : carried(slot)
    const record: BucketRecord = { value, lease, failure: slot?.record?.failure, key: undefined }
    try {
      let revision: number
      try {
        revision = await this.bucket.put(key, record, slot?.revision ?? 0)
      } catch (error) {
        if (!isConflict(error)) throw error
        const latest = await this.bucket.latest(key)
        await this.bucket.reached(latest, signal)
        // Without a record there is a marker, which has a revision, too.
        if (this.bucket.slot(key) !== undefined || slot !== undefined) return undefined
        revision = await this.bucket.put(key, record, latest)
      }
      await this.bucket.reached(revision, signal)
      return new NatsLease(this, key, lease, hold)
    } catch (error) {
      if (!isConflict(error)) throw error
      await this.bucket.reached(await this.bucket.latest(key), signal)
      return undefined
    }
  }

  /** Resolves when a key has changed, or after so many milliseconds. */
  async #next(key: string, timeout: number, signal: AbortSignal): Promise<void> {
    const waiting = this.#listeners.get(key) ?? new Set()
    this.#listeners.set(key, waiting)
    const over = new AbortController()
    const seen = (): void => over.abort()
    waiting.add(seen)
    try {
      await pause(timeout, this.context.clock, AbortSignal.any([signal, over.signal])).catch(() => {})
      signal.throwIfAborted()
      if (this.bucket.closed) throw closed()
    } finally {
      waiting.delete(seen)
      if (waiting.size === 0) this.#listeners.delete(key)
    }
  }

  #live(key: string): StoredEntry | undefined {
    const entry = this.#entries.get(key)
    if (entry?.expiresAt !== undefined && this.context.wallClock() >= entry.expiresAt) return undefined
    return entry
  }

  #changed(key: string, slot: Slot | undefined, resync: boolean): void {
    const previous = this.#entries.get(key)
    const entry = slot?.record?.value === undefined ? undefined : this.#entry(slot, slot.record.value, previous)
    if (entry === undefined) this.#entries.delete(key)
    else this.#entries.set(key, entry)
    if (entry !== previous) {
      if (entry !== undefined) this.#sweep.add(entry)
      const cause = resync ? 'resync' : causeOf(entry, previous, this.context.wallClock())
      const version = entry?.version ?? versionOf(slot?.revision ?? this.bucket.applied + 1)
      this.context.observer.change?.({ key, entry, previous, version, cause, source: this.context.host.name })
    }
    for (const seen of this.#listeners.get(key) ?? []) seen()
  }

  /** The one there was, if a lease was written around it. Undefined for bytes that are no term. */
  #entry(slot: Slot, value: RecordValue, previous: StoredEntry | undefined): StoredEntry | undefined {
    const version = versionOf(value.revision ?? slot.revision)
    if (previous?.version.equals(version) && Buffer.compare(previous.bytes, value.bytes) === 0) return previous
    // Not a part of the chunk it came in.
    const bytes = Uint8Array.from(value.bytes)
    const entry = new StoredEntry(this.#values, slot.key, version, bytes, value.staleAt, value.expiresAt)
    try {
      void entry.value
      return entry
    } catch {
      this.#dropped(slot.key)
      return undefined
    }
  }

  #dropped(key: string): void {
    this.context.observer.dropped?.(key)
  }

  #failed(error: TsunagiError | undefined): void {
    if (error === undefined && !this.#failing) return
    this.#failing = error !== undefined
    if (error === undefined || error instanceof StoreError) this.context.observer.failed?.(error)
    else this.context.observer.failed?.(new StoreError('ERR_NO_LOADER', error.message, { cause: error }))
  }
}

function isPlain(write: Put | Delete | undefined): boolean {
  return write?.kind === 'put' && write.expected === undefined
}

function versionOf(revision: number): Version {
  return new Version(0, '', revision)
}

function causeOf(entry: Entry | undefined, previous: Entry | undefined, now: number): Change['cause'] {
  if (entry !== undefined) return 'put'
  return previous?.expiresAt !== undefined && previous.expiresAt <= now ? 'expire' : 'delete'
}

function closed(): TsunagiError {
  return new TsunagiError('ERR_CLOSED', 'the store is closed')
}
