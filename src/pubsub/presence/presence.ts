import { EventEmitter } from 'node:events'
import { inspect } from 'node:util'
import { OptionError, TsunagiError } from '../../base/errors.ts'
import { integer, knownOnly } from '../../base/options.ts'
import { WAIT_OPTIONS, withLimits } from '../../node/waiting.ts'
import type { HasPid } from '../../process/address.ts'
import { Pid, type Term } from '../../term/index.ts'
import { termKey } from '../../term/term-key.ts'
import { OwnTerms } from './own-terms.ts'
import { Owners } from './owners.ts'
import type { CloseOptions, PresenceNode, PresenceReadyOptions, TrackOptions, WatchOptions } from './presence-calls.ts'
import type { PresenceEvents } from './presence-events.ts'
import { type HandleOwner, PresenceHandle } from './presence-handle.ts'
import type { PresenceHost } from './presence-host.ts'
import { differingPresenceOption, type ResolvedPresenceOptions } from './presence-options.ts'
import { PresenceReports } from './presence-reports.ts'
import type { PresenceWatch } from './presence-watch.ts'
import { type Meta, type Present, Views } from './present.ts'
import { freshVersion, replicaKey } from './replica.ts'
import { Shard, shardNumber } from './shard.ts'
import type { RefusalCause } from './tracker.ts'

/**
 * Who is on which topic, on all nodes of a pub/sub, each with metadata. Made by `pubsub.presence`.
 *
 * Every node keeps the whole, and they agree without a leader: views differ as long as news travel, and become the same
 * again after a partition. The protocol is that of Phoenix.Tracker, so that a `Phoenix.Presence` of the same name on a BEAM
 * node tracks and lists the same.
 *
 * ```ts
 * const presence = node.pubsub('MyApp.PubSub').presence({ name: 'MyApp.Presence' })
 * const handle = presence.track('room:1', 'alice', { device: 'phone' })
 * presence.list('room:1') // Map { 'alice' => [{ device: 'phone', phx_ref: '…' }] }
 * handle.update({ device: 'phone', away: true })
 * handle.untrack()
 * ```
 */
export class Presence extends EventEmitter<PresenceEvents> implements AsyncDisposable {
  /** The name of the tracker on all nodes, as an atom: `Elixir.MyApp.Presence`. */
  readonly name: string
  readonly #host: PresenceHost
  readonly #options: ResolvedPresenceOptions
  readonly #onClose: () => void
  readonly #terms: OwnTerms
  readonly #views: Views
  readonly #owners: Owners
  readonly #shards: readonly Shard[]
  readonly #handles: HandleOwner
  readonly #reports: PresenceReports
  #closed = false

  /** Use `pubsub.presence`. @throws TsunagiError `ERR_CLOSED`; `ERR_UNSUPPORTED` on a pub/sub that only publishes */
  constructor(options: ResolvedPresenceOptions, host: PresenceHost, onClose: () => void) {
    super()
    const { pubsub, node } = host
    this.name = options.name
    this.#host = host
    this.#options = options
    this.#onClose = onClose
    this.#terms = new OwnTerms(options.anyTerms, host.terms)
    this.#views = new Views(options.terms)
    this.#reports = new PresenceReports(this, options, host, this.#views)
    this.#handles = {
      update: (handle, meta) => this.#update(handle, meta),
      untrack: (handle) => this.#untrack([handle]),
      metaOf: (entry) => this.#views.meta(entry),
    }
    this.#owners = new Owners(node.serviceHost, (handles) => this.#untrack(handles))
    const { clock } = node.serviceHost
    try {
      this.#shards = Array.from({ length: options.poolSize }, (_, number) => {
        const setup = { replica: replicaKey(node.name, freshVersion()), pid: this.#owners.pid, options, clock }
        return new Shard(number, setup, host, this.#reports.ofShard(number))
      })
    } catch (error) {
      // The pub/sub only publishes: the first shard could not subscribe.
      this.#owners.close()
      throw error
    }
    for (const name of pubsub.nodes()) this.nodeUp(name)
  }

  get closed(): boolean {
    return this.#closed
  }

  /** How many messages of other nodes were refused, by cause. */
  get refused(): Readonly<Partial<Record<RefusalCause, number>>> {
    return this.#reports.refused
  }

  /** How many entries of all nodes are kept, those of nodes that are down included. */
  get size(): number {
    return this.#shards.reduce((sum, { tracker }) => sum + tracker.state.size, 0)
  }

  /** @internal The first option that is another one than it has. */
  differingOption(options: ResolvedPresenceOptions): string | undefined {
    return differingPresenceOption(this.#options, options)
  }

  /** @internal A node takes part in the pub/sub. */
  nodeUp(name: string): void {
    for (const { tracker } of this.#shards) tracker.nodeUp(name)
  }

  /** The other nodes with a tracker of this name. One that is down is listed until it is forgotten. */
  nodes(): PresenceNode[] {
    const nodes = new Map<string, PresenceNode>()
    for (const { tracker } of this.#shards) {
      for (const { name, down } of tracker.replicas) {
        const there = nodes.get(name)
        const synced = this.#shards.every((shard) => shard.tracker.isSynced(name))
        nodes.set(name, { name, up: !down || there?.up === true, synced })
      }
    }
    return [...nodes.values()]
  }

  /**
   * Resolves when all that `nodes` other nodes tracked when they were first heard of is here.
   *
   * @throws TsunagiError `ERR_TIMEOUT` after `timeout` ms (default 5000), `ERR_CLOSED`; the signal's reason
   */
  async ready(options: PresenceReadyOptions = {}): Promise<void> {
    knownOnly(options, ['nodes', ...WAIT_OPTIONS])
    const wanted = options.nodes === undefined ? 1 : integer(0, Number.MAX_SAFE_INTEGER)(options.nodes, 'nodes')
    this.#assertOpen()
    const settle: (() => void)[] = []
    const done = new Promise<void>((resolve, reject) => {
      const check = (): void => {
        if (this.nodes().filter(({ up, synced }) => up && synced).length >= wanted) resolve()
      }
      const closed = (): void => reject(this.#closedError())
      this.on('synced', check).on('nodeup', check).on('closed', closed)
      settle.push(() => this.off('synced', check).off('nodeup', check).off('closed', closed))
      check()
    })
    const { clock } = this.#host.node.serviceHost
    const what = `not ${wanted} other node${wanted === 1 ? '' : 's'} with a tracker ${this.name} came into step`
    try {
      await withLimits(done, clock, options, what)
    } finally {
      for (const end of settle) end()
    }
  }

  /**
   * Somebody is on a topic from now on, until the handle that this returns is untracked or its process ends. The same key may
   * be there many times, by different processes.
   *
   * @param key text, a number or an atom; with `anyTerms` anything.
   * @param meta a plain object or a Map of what JSON has; with `anyTerms` of anything. It is copied. `phx_ref` and
   *   `phx_ref_prev` in it are replaced.
   * @throws OptionError, also when this very process is on the topic with this key; EncodeError for what is no JSON, or no term;
   *   TsunagiError `ERR_CLOSED`, and `ERR_LIMIT` above `maxEntries`
   */
  track(topic: string, key: Term, meta: Meta = {}, options: TrackOptions = {}): PresenceHandle {
    this.#assertOpen()
    knownOnly(options, ['pid'])
    checkTopic(topic)
    const given = options.pid === undefined ? undefined : pidOf(options.pid)
    const ownKey = this.#terms.key(key)
    const keyId = termKey(ownKey)
    const { tracker } = this.#shardOf(topic)
    if (given !== undefined && this.#handleOf(given, topic, keyId) !== undefined) {
      throw new OptionError('key', key, 'one that this process does not already have on this topic')
    }
    if (tracker.state.size >= this.#options.maxEntries) {
      throw new TsunagiError(
        'ERR_LIMIT',
        `the presence ${this.name} has ${this.#options.maxEntries} entries (maxEntries)`,
      )
    }
    const tracked = { topic, key: ownKey, meta: this.#terms.meta(meta, undefined) }
    return this.#reports.change(() => {
      const entry = tracker.track({ ...tracked, pid: given ?? this.#owners.create() })
      const handle = new PresenceHandle(entry, key, this.#handles)
      this.#owners.add(handle)
      return handle
    })
  }

  /** Takes all that belongs to a process from all topics. Answers how many there were. */
  untrack(owner: Pid | HasPid): number {
    const handles = [...this.#owners.of(pidOf(owner))]
    this.#untrack(handles)
    return handles.length
  }

  /** Who is on a topic: the metas of each key, one for each process that has it. */
  list(topic: string): Map<Term, Meta[]> {
    checkTopic(topic)
    const keys = new Map<unknown, { readonly key: Term; readonly metas: Meta[] }>()
    for (const entry of this.#shardOf(topic).tracker.state.ofTopic(topic)) {
      const there = keys.get(entry.keyId)
      if (there !== undefined) there.metas.push(this.#views.meta(entry))
      else keys.set(entry.keyId, { key: this.#views.of(entry.key), metas: [this.#views.meta(entry)] })
    }
    return new Map(Array.from(keys.values(), ({ key, metas }) => [key, metas]))
  }

  /** The metas of a key on a topic, one for each process that has it. */
  get(topic: string, key: Term): Meta[] {
    checkTopic(topic)
    const entries = this.#shardOf(topic).tracker.state.ofKey(topic, termKey(key))
    return Array.from(entries, (entry) => this.#views.meta(entry))
  }

  /** Everybody on a topic, with process and node. */
  present(topic: string): Present[] {
    checkTopic(topic)
    return Array.from(this.#shardOf(topic).tracker.state.ofTopic(topic), (entry) => this.#views.present(entry))
  }

  /** The topics somebody is on. */
  topics(): string[] {
    return this.#shards.flatMap(({ tracker: { state }, number }) =>
      [...state.topics()].filter((topic) => this.#shardOf(topic).number === number && !isEmpty(state.ofTopic(topic))),
    )
  }

  /**
   * Who comes to a topic and leaves it from now on, as an async iterator over diffs, with who is there now as `present`.
   *
   * @throws OptionError; TsunagiError `ERR_CLOSED`
   */
  watch(topic: string, options: WatchOptions = {}): PresenceWatch {
    this.#assertOpen()
    checkTopic(topic)
    knownOnly(options, ['capacity', 'signal'])
    if (options.capacity !== undefined) integer(1, Number.MAX_SAFE_INTEGER)(options.capacity, 'capacity')
    return this.#reports.watch(topic, this.present(topic), options)
  }

  /**
   * Ends all handles and iterators, and takes part no longer. The other nodes let go of what was tracked here after their
   * `downPeriod`, or at once with `permdownOnShutdown`. Closed with its pub/sub. Idempotent.
   */
  close(options: CloseOptions = {}): void {
    knownOnly(options, ['permdown'])
    const { permdown = this.#options.permdownOnShutdown } = options
    if (this.#closed) return
    this.#closed = true
    for (const shard of this.#shards) shard.close(permdown)
    this.#owners.close()
    this.#onClose()
    this.#reports.closed()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
  }

  [inspect.custom](): string {
    return `Presence<${this.name}, ${this.#closed ? 'closed' : `${this.size} entries`}>`
  }

  #update(handle: PresenceHandle, given: Meta | ((meta: Meta) => Meta)): boolean {
    const { entry } = handle
    if (entry === undefined || this.#closed) return false
    const meta = typeof given === 'function' ? given(this.#views.meta(entry)) : given
    // The function may have ended it, or updated it itself.
    if (handle.entry !== entry) return handle.entry !== undefined && this.#update(handle, meta)
    const term = this.#terms.meta(meta, handle.ref)
    this.#reports.change(() => {
      handle.entry = this.#shardOf(handle.topic).tracker.update(entry, term)
    })
    return true
  }

  #untrack(handles: readonly PresenceHandle[]): void {
    if (this.#closed) return
    this.#reports.change(() => {
      for (const handle of handles) {
        const { entry, topic } = handle
        if (entry === undefined) continue
        handle.entry = undefined
        this.#owners.delete(handle)
        this.#shardOf(topic).tracker.untrack([entry])
      }
    })
  }

  #handleOf(pid: Pid, topic: string, keyId: unknown): PresenceHandle | undefined {
    for (const handle of this.#owners.of(pid))
      if (handle.topic === topic && handle.entry?.keyId === keyId) return handle
    return undefined
  }

  #shardOf(topic: string): Shard {
    return this.#shards[shardNumber(topic, this.#options.poolSize)] as Shard
  }

  #closedError(): TsunagiError {
    return new TsunagiError('ERR_CLOSED', `the presence ${this.name} is closed`)
  }

  #assertOpen(): void {
    if (this.#closed) throw this.#closedError()
  }
}

function checkTopic(topic: unknown): void {
  if (typeof topic !== 'string' || !topic.isWellFormed()) {
    throw new OptionError('topic', topic, 'text without lone surrogates')
  }
}

function pidOf(given: Pid | HasPid): Pid {
  const pid = given instanceof Pid ? given : given?.pid
  if (pid instanceof Pid) return pid
  throw new OptionError('pid', given, 'a process')
}

function isEmpty(entries: Iterable<unknown>): boolean {
  for (const _ of entries) return false
  return true
}
