import { TsunagiError } from '../../src/base/errors.ts'
import { withLimits } from '../../src/node/waiting.ts'
import { encodeValue } from '../../src/store/encode-value.ts'
import type {
  Applied,
  Change,
  Command,
  Delete,
  EngineContext,
  EngineFactory,
  EngineStatus,
  Entry,
  Lease,
  LeaseOptions,
  LeaseOutcome,
  Put,
  StoreEngine,
  SubmitOptions,
} from '../../src/store/engine.ts'
import { FrozenValues } from '../../src/store/frozen-values.ts'
import { StoredEntry } from '../../src/store/replication/stored-entry.ts'
import { StoreError } from '../../src/store/store-error.ts'
import { Version } from '../../src/store/version.ts'

interface Holder {
  readonly lease: AbortController
  readonly engine: MemoryEngine
}

/** Where the values of all stores of one test are: what an engine is to a store, without a network. */
export class MemoryCluster {
  readonly engines = new Set<MemoryEngine>()
  readonly table = new Map<string, Entry>()
  readonly holders = new Map<string, Holder>()
  readonly waiting = new Map<string, { settle(outcome: LeaseOutcome | Error | undefined): void }[]>()
  #sequence = 0

  /** An engine of this cluster, for `node.store({ engine })`. */
  factory(): EngineFactory {
    return {
      name: 'memory',
      capabilities: {
        durability: ['local'],
        loader: false,
        members: false,
        atomicBatch: true,
        disk: false,
        conflicts: false,
        functions: true,
      },
      open: (context) => new MemoryEngine(this, context),
      same: () => true,
    }
  }

  async submit(command: Command, from: EngineContext): Promise<Applied> {
    const writes = command.kind === 'batch' ? command.writes : [command]
    const encoded = writes.map((write) => (write.kind === 'put' ? encodeValue(write.value, from.terms) : undefined))
    for (const write of writes) {
      if (write.kind === 'put' && from.guarded !== undefined && write.key.startsWith(from.guarded)) {
        try {
          for (const { context } of this.engines) await context.admit?.(write, from.host.name)
        } catch (error) {
          throw new StoreError('ERR_STORE_REFUSED', (error as Error).message, { cause: error })
        }
      }
    }
    for (const write of writes) this.#check(write)
    const version = new Version(1, 'memory', ++this.#sequence)
    const changed = writes.map((write, i) => this.#apply(write, encoded[i], version, from))
    return { version, changed }
  }

  #check(write: Put | Delete): void {
    if (write.expected === undefined) return
    const current = this.table.get(write.key)?.version
    const holds = write.expected === 'absent' ? current === undefined : write.expected.equals(current)
    if (!holds) throw new StoreError('ERR_VERSION', `${write.key} has another version`, { key: write.key, current })
  }

  #apply(write: Put | Delete, bytes: Uint8Array | undefined, version: Version, from: EngineContext): boolean {
    const previous = this.table.get(write.key)
    if (write.kind === 'delete' && previous === undefined) return false
    const entry = write.kind === 'put' ? this.#entry(write, bytes as Uint8Array, version, from) : undefined
    if (entry === undefined) this.table.delete(write.key)
    else this.table.set(write.key, entry)
    this.#tell({ key: write.key, entry, previous, version, cause: write.kind, source: from.host.name })
    if (entry?.expiresAt !== undefined) {
      from.clock.after(entry.expiresAt - from.wallClock(), () => {
        if (this.table.get(write.key) === entry) this.expire(write.key)
      })
    }
    return true
  }

  #entry(
    { key, ttl, stale = 0 }: Put,
    bytes: Uint8Array,
    version: Version,
    { terms, wallClock }: EngineContext,
  ): Entry {
    const staleAt = ttl === undefined ? undefined : wallClock() + ttl
    const expiresAt = staleAt === undefined ? undefined : staleAt + stale
    return new StoredEntry(new FrozenValues(terms), key, version, bytes, staleAt, expiresAt)
  }

  /** The loader finds that the time of a key is over. */
  expire(key: string): void {
    const previous = this.table.get(key) as Entry
    this.table.delete(key)
    const version = new Version(1, 'memory', ++this.#sequence)
    this.#tell({ key, entry: undefined, previous, version, cause: 'expire', source: 'memory' })
  }

  #tell(change: Change): void {
    for (const { context } of this.engines) context.observer.change?.(change)
  }

  /** The lease of a key is over. What it came to is what all who wait get; without, the next of them gets the lease. */
  settle(key: string, outcome: LeaseOutcome | Error | undefined): void {
    this.holders.delete(key)
    const waiting = this.waiting.get(key) ?? []
    this.waiting.delete(key)
    for (const one of waiting) one.settle(outcome)
  }
}

export class MemoryEngine implements StoreEngine {
  readonly context: EngineContext
  readonly #cluster: MemoryCluster
  #closed = false

  constructor(cluster: MemoryCluster, context: EngineContext) {
    this.#cluster = cluster
    this.context = context
    cluster.engines.add(this)
  }

  async ready(): Promise<void> {}

  read(key: string): Entry | undefined {
    return this.#cluster.table.get(key)
  }

  entries(): Iterable<readonly [string, Entry]> {
    return this.#cluster.table
  }

  get size(): number {
    return this.#cluster.table.size
  }

  submit(command: Command, options: SubmitOptions = {}): Promise<Applied> {
    return withLimits(this.#cluster.submit(command, this.context), this.context.clock, options, 'the write')
  }

  async lease(key: string, options: LeaseOptions = {}): Promise<LeaseOutcome> {
    for (;;) {
      if (this.#closed) throw new TsunagiError('ERR_CLOSED', 'closed')
      const entry = this.read(key)
      if (entry !== undefined && !(options.newerThan !== undefined && entry.version.equals(options.newerThan))) {
        return { kind: 'entry', entry }
      }
      if (!this.#cluster.holders.has(key)) return { kind: 'lease', lease: this.#grant(key, options) }
      if (options.wait === false) return { kind: 'held' }
      const outcome = await this.#wait(key, options)
      if (outcome !== undefined) return outcome
    }
  }

  status(): EngineStatus {
    const nodes = Array.from(this.#cluster.engines, ({ context }) => context.host.name)
    return { role: this.#closed ? 'closed' : 'alone', loader: undefined, epoch: 1, sequence: 0, nodes, size: this.size }
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#cluster.engines.delete(this)
    for (const [key, holder] of this.#cluster.holders) {
      if (holder.engine !== this) continue
      holder.lease.abort(new StoreError('ERR_COMPUTE_TIMEOUT', 'the store was closed', { key }))
      this.#cluster.settle(key, undefined)
    }
  }

  #grant(key: string, { hold = 30_000 }: LeaseOptions): Lease {
    const cluster = this.#cluster
    const abort = new AbortController()
    cluster.holders.set(key, { lease: abort, engine: this })
    const isHeld = (): boolean => cluster.holders.get(key)?.lease === abort
    const settle = (outcome: LeaseOutcome | Error | undefined): void => {
      timer.cancel()
      if (isHeld()) cluster.settle(key, outcome)
    }
    const timer = this.context.clock.after(hold, () => {
      abort.abort(new StoreError('ERR_COMPUTE_TIMEOUT', `${key} was not there within ${hold} ms`, { key }))
      settle(undefined)
    })
    return {
      key,
      signal: abort.signal,
      complete: async (value, options = {}) => {
        if (!isHeld()) {
          const taken = cluster.table.get(key)
          if (taken !== undefined) return taken
          throw abort.signal.reason
        }
        await this.submit({ kind: 'put', key, value, ...options })
        const entry = cluster.table.get(key) as Entry
        settle({ kind: 'entry', entry })
        return entry
      },
      fail: (message) => settle(new StoreError('ERR_COMPUTE', message, { key, node: this.context.host.name })),
      release: () => settle(undefined),
    }
  }

  #wait(key: string, { signal }: LeaseOptions): Promise<LeaseOutcome | undefined> {
    return new Promise((resolve, reject) => {
      const waiting = this.#cluster.waiting.get(key) ?? []
      this.#cluster.waiting.set(key, waiting)
      waiting.push({ settle: (outcome) => (outcome instanceof Error ? reject(outcome) : resolve(outcome)) })
      signal?.addEventListener('abort', () => reject(signal.reason), { once: true })
    })
  }
}
