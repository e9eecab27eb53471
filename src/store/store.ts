import { channel } from 'node:diagnostics_channel'
import { EventEmitter } from 'node:events'
import { inspect } from 'node:util'
import { integer, knownOnly } from '../base/options.ts'
import { AsyncQueue } from '../base/queue.ts'
import { WAIT_OPTIONS } from '../node/waiting.ts'
import { Computations } from './computations.ts'
import type {
  EngineContext,
  EngineObserver,
  EngineStatus,
  ReadyOptions,
  StoreCapabilities,
  StoreEngine,
  StoreHost,
} from './engine.ts'
import type { FunctionInfo, RunOptions } from './functions/function-library.ts'
import type { DefineOptions, Distributable, Functions, VersionedSource } from './functions/functions.ts'
import { FUNCTION_PREFIX, StoreFunctions } from './functions/store-functions.ts'
import { type KeyPage, type KeyPageOptions, keyPage } from './key-page.ts'
import { StoreCore } from './store-core.ts'
import type { StoreEvent, StoreEvents, StoreStats } from './store-events.ts'
import type { ResolvedStoreOptions } from './store-options.ts'
import { type ServerHost, StoreServer } from './store-server.ts'
import { Values } from './values.ts'

/** What happens to a store: a {@link StoreEvent}, with the node and the name of the store. */
const happened = channel('tsunagi:store:event')

/**
 * Values that all nodes share, and functions they all have. Each node has all of them in memory: reading needs no network.
 * Writes are put in one order for all nodes. Made by `node.store`.
 *
 * ```ts
 * const store = node.store()
 * await store.ready()
 * await store.get('hello', () => 'world') // computed once in the cluster
 * store.peek('hello') // 'world'
 * ```
 */
export class Store extends Values implements AsyncDisposable {
  /** Its name, the same on all nodes that share it. */
  readonly name: string
  /** All that can be done with functions; `define`, `call` and `run` are shortcuts to it. */
  readonly functions: Functions
  readonly #host: StoreHost & ServerHost
  readonly #options: ResolvedStoreOptions
  readonly #core: StoreCore
  readonly #engine: StoreEngine
  readonly #server: StoreServer | undefined
  readonly #onClose: () => void
  readonly #emitter = new EventEmitter<StoreEvents>()
  readonly #queues = new Set<AsyncQueue<StoreEvent>>()
  #failing = false
  #closing: Promise<void> | undefined

  /** Use `node.store`. @throws OptionError; TsunagiError `ERR_NAME_TAKEN`, `ERR_UNSUPPORTED` */
  constructor(options: ResolvedStoreOptions, host: StoreHost & ServerHost, onClose: () => void) {
    const { clock, logger, limits } = host.serviceHost
    const core = new StoreCore(options, clock, Date.now)
    super(core, new Computations(core, (key, error) => this.#refreshFailed(key, error)), '')
    this.name = options.name
    this.#host = host
    this.#options = options
    this.#core = core
    this.#onClose = onClose
    const functions = new StoreFunctions(options.functions, { self: host.name, clock, logger, limits })
    this.functions = functions.functions
    const context: EngineContext = {
      name: options.name,
      host,
      clock,
      wallClock: core.wallClock,
      logger,
      terms: options.terms,
      options: options.engineOptions,
      observer: this.#observer(functions),
      admit: functions.admit,
      trusts: (peer) => functions.functions.trusts(peer),
      guarded: FUNCTION_PREFIX,
    }
    // First, since it throws when the name is taken.
    this.#server = options.access === 'none' ? undefined : new StoreServer(this, options, host)
    try {
      this.#engine = options.engine.open(context)
    } catch (error) {
      this.#server?.close()
      throw error
    }
    core.attach(this.#engine)
    functions.attach(this.#engine)
  }

  /** What its engine can do. */
  get capabilities(): StoreCapabilities {
    return this.#options.engine.capabilities
  }

  /** Its engine's name: `mesh`, `nats`. */
  get engine(): string {
    return this.#options.engine.name
  }

  /** The fixed voters that were named; empty where none were. */
  get members(): readonly string[] {
    return this.#options.engineOptions.members ?? []
  }

  /** Size and version of the values of this node, without the values: see {@link keyPage}. */
  keyPage(options?: KeyPageOptions): KeyPage {
    return keyPage(this.#core, options)
  }

  get closed(): boolean {
    return this.#core.closed
  }

  /** How the store stands: who the loader is, how far this node is, who takes part. */
  get status(): EngineStatus {
    return this.#engine.status()
  }

  /** What was counted on this node since the store was opened. */
  get stats(): StoreStats {
    return { ...this.#core.counts }
  }

  /**
   * Resolves when this node has the values as they are now, and writes are possible.
   *
   * @param options `nodes`: how many other nodes have to take part as well, default 0
   * @throws TsunagiError `ERR_TIMEOUT` after `timeout` ms (default 5000), `ERR_CLOSED`; the signal's reason
   */
  async ready(options: ReadyOptions = {}): Promise<void> {
    knownOnly(options, ['nodes', ...WAIT_OPTIONS])
    if (options.nodes !== undefined) integer(0, Number.MAX_SAFE_INTEGER)(options.nodes, 'nodes')
    options.signal?.throwIfAborted()
    await this.#core.engine.ready(options)
  }

  /** {@link Functions.define} */
  define(name: string, fn: Distributable | string | VersionedSource, options?: DefineOptions): Promise<FunctionInfo> {
    return this.functions.define(name, fn, options)
  }

  /**
   * Runs a function in this process; if nobody has defined it yet, `make` gives it, and it is compiled on every node that
   * takes functions from this one.
   *
   * @throws FunctionError; whatever the function throws; see {@link Functions.call}
   * @example
   * await store.call('sum', [1, 4], () => (a, b) => a + b) // 5
   */
  call<A extends unknown[], R>(
    name: string,
    args: A,
    make: () => Distributable<A, R> | string | Promise<Distributable<A, R> | string>,
    options?: RunOptions,
  ): Promise<Awaited<R>> {
    return this.functions.call(name, args, make, options)
  }

  /** Runs a function that is defined already; see {@link Functions.run}. */
  run(name: string, args: readonly unknown[], options?: RunOptions): Promise<unknown> {
    return this.functions.run(name, args, options)
  }

  /** Calls `listener` at each of these events. What it throws is an uncaught exception of the process; the store goes on. */
  on<K extends keyof StoreEvents>(event: K, listener: (...args: StoreEvents[K]) => void): this {
    this.#emitter.on(event, listener as never)
    return this
  }

  /** {@link Store.on}, for the next one only. */
  once<K extends keyof StoreEvents>(event: K, listener: (...args: StoreEvents[K]) => void): this {
    this.#emitter.once(event, listener as never)
    return this
  }

  /** Takes back {@link Store.on} and {@link Store.once}; nothing if it was not there. */
  off<K extends keyof StoreEvents>(event: K, listener: (...args: StoreEvents[K]) => void): this {
    this.#emitter.off(event, listener as never)
    return this
  }

  /** The events but for changes, which {@link Values.watch} tells: an async iterator that holds up to 1,000 for a slow reader. */
  events(options: { readonly signal?: AbortSignal } = {}): AsyncIterableIterator<StoreEvent> & AsyncDisposable {
    knownOnly(options, ['signal'])
    const queue = new AsyncQueue<StoreEvent>({ ...options, onClose: () => void this.#queues.delete(queue) })
    if (this.closed) queue.close()
    else if (!queue.closed) this.#queues.add(queue)
    return queue
  }

  /**
   * Takes no further part: a loader hands over first. Values are gone from this node, unless it has a `directory`; who waits
   * is told `ERR_CLOSED`. Idempotent.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  [inspect.custom](): string {
    const { loader, role, size } = this.#engine.status()
    const state = this.closed ? 'closed' : `${role}, ${size} keys, loader ${loader ?? 'unknown'}`
    return `Store<${this.name}, ${state}>`
  }

  async #close(): Promise<void> {
    this.#core.close()
    this.#server?.close()
    await Promise.all([this.#engine.close(), this.functions.close()])
    this.#onClose()
    this.#emit({ type: 'close' }, 'close')
    for (const queue of [...this.#queues]) queue.close()
  }

  #observer(functions: StoreFunctions): EngineObserver {
    return {
      change: (change) => {
        if (functions.change(change)) return
        this.#core.changed(change)
        if (this.#emitter.listenerCount('change') > 0) this.#notify(() => this.#emitter.emit('change', change))
      },
      conflict: (conflict) => {
        this.#core.counts.conflicts++
        this.#emit({ type: 'conflict', conflict }, 'conflict', conflict)
      },
      dropped: (key) => {
        this.#core.counts.dropped++
        this.#emit({ type: 'dropped', key }, 'dropped', key)
      },
      loader: (name) => this.#emit({ type: 'loader', name }, 'loader', name),
      failed: (error) => {
        if (error !== undefined) {
          this.#failing = true
          this.#warn({ err: error }, error.message)
          this.#emit({ type: 'failed', error }, 'failed', error)
        } else if (this.#failing) {
          this.#failing = false
          this.#emit({ type: 'recovered' }, 'recovered')
        }
      },
    }
  }

  #refreshFailed(key: string, error: unknown): void {
    this.#warn({ err: error, key }, `a stale value could not be computed anew: ${String(error)}`)
    this.#emit({ type: 'refresh-failed', key, error }, 'refresh-failed', key, error)
  }

  #warn(data: object, message: string): void {
    this.#host.serviceHost.logger.warn({ store: this.name, ...data }, `store ${this.name}: ${message}`)
  }

  #emit<K extends keyof StoreEvents>(event: StoreEvent, name: K, ...args: StoreEvents[K]): void {
    for (const queue of [...this.#queues]) queue.push(event)
    if (happened.hasSubscribers) happened.publish({ self: this.#host.name, store: this.name, ...event })
    this.#notify(() => this.#emitter.emit(name, ...(args as never)))
  }

  /** A listener that throws is reported as uncaught, as usual, but not in the midst of our own work. */
  #notify(emit: () => void): void {
    try {
      emit()
    } catch (error) {
      process.nextTick(() => {
        throw error
      })
    }
  }
}
