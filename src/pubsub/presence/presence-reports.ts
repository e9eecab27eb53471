import type { EventEmitter } from 'node:events'
import type { Logger } from '../../base/logger.ts'
import type { QueueOptions } from '../../base/queue.ts'
import { tellListeners } from '../tell-listeners.ts'
import type { Diff, Entry } from './entry.ts'
import { byTopic, type PresenceDiff, presenceDiffBroadcast } from './presence-diff.ts'
import type { PresenceEvents, PresenceRefusal } from './presence-events.ts'
import type { PresenceHost } from './presence-host.ts'
import type { ResolvedPresenceOptions } from './presence-options.ts'
import { PresenceWatch } from './presence-watch.ts'
import type { Present, Views } from './present.ts'
import { replicaName } from './replica.ts'
import { type ShardEvents, shardNumber } from './shard.ts'
import type { RefusalCause } from './tracker.ts'

/** What was logged about nodes is remembered, so that it is said once; for so much at most. */
const MOST_SAID = 10_000

/** Tells the world what a presence sees: its listeners, who watches a topic, the topics' subscribers on this node, its log. */
export class PresenceReports {
  readonly #emitter: EventEmitter<PresenceEvents>
  readonly #name: string
  readonly #options: ResolvedPresenceOptions
  readonly #host: PresenceHost
  readonly #logger: Logger
  readonly #views: Views
  readonly #watches = new Map<string, Set<PresenceWatch>>()
  readonly #refused = new Map<RefusalCause, number>()
  readonly #said = new Set<string>()
  /** What listeners have still to hear: one that changes something itself is heard after what came before. */
  #diffs: { readonly shard: number; readonly diff: Diff }[] = []
  #emitting = false
  #changing = false
  #closed = false

  constructor(
    emitter: EventEmitter<PresenceEvents>,
    options: ResolvedPresenceOptions,
    host: PresenceHost,
    views: Views,
  ) {
    this.#emitter = emitter
    this.#name = options.name
    this.#options = options
    this.#host = host
    this.#logger = host.node.serviceHost.logger
    this.#views = views
  }

  /** How many messages were refused, by cause. */
  get refused(): Partial<Record<RefusalCause, number>> {
    return Object.fromEntries(this.#refused)
  }

  watch(topic: string, present: readonly Present[], options: QueueOptions): PresenceWatch {
    const watches = this.#watches.get(topic) ?? new Set()
    const onClose = (): void => {
      watches.delete(watch)
      if (watches.size === 0) this.#watches.delete(topic)
    }
    const watch = new PresenceWatch(present, { ...options, onClose })
    if (watch.closed) return watch
    watches.add(watch)
    this.#watches.set(topic, watches)
    return watch
  }

  /** Ends the iterators too, once they have read what is left. */
  closed(): void {
    this.#closed = true
    for (const watches of [...this.#watches.values()]) for (const watch of [...watches]) watch.close()
    this.#notify('closed')
  }

  /** What a shard tells. */
  ofShard(shard: number): ShardEvents {
    return {
      changed: (diff) => this.#changed(shard, diff),
      refused: (cause, node) => this.#onRefused({ cause, node }),
      failed: (error, node) => this.#onFailed(error, node),
      replica: (what, node) => {
        if (what === 'synced') return this.#notify('synced', node)
        // All shards of a node come and go together, give or take.
        if (shard !== 0) return
        if (what === 'permdown') this.#said.delete(`mismatch ${node}`)
        this.#notify(what === 'up' ? 'nodeup' : what === 'down' ? 'nodedown' : 'nodegone', node)
      },
    }
  }

  #changed(shard: number, diff: Diff): void {
    this.#diffs.push({ shard, diff })
    if (!this.#changing) this.#emit()
  }

  /** Does something here, of which listeners hear when all of it is done. */
  change<T>(work: () => T): T {
    this.#changing = true
    try {
      return work()
    } finally {
      this.#changing = false
      this.#emit()
    }
  }

  #emit(): void {
    if (this.#emitting) return
    this.#emitting = true
    const view = (entry: Entry): Present => this.#views.present(entry)
    // Also those that come meanwhile.
    for (const { shard, diff } of this.#diffs) {
      for (const { topic, joins, leaves } of byTopic(diff, (entry, topic) => this.#accepts(shard, entry, topic))) {
        this.#tell({ topic, joins: joins.map(view), leaves: leaves.map(view) })
      }
    }
    this.#diffs = []
    this.#emitting = false
  }

  #accepts(shard: number, { replica }: Entry, topic: string): boolean {
    if (shardNumber(topic, this.#options.poolSize) === shard) return true
    this.#onMismatch(replicaName(replica), topic)
    return false
  }

  #tell(diff: PresenceDiff): void {
    if (this.#closed) return
    for (const present of diff.leaves) this.#notify('leave', present)
    for (const present of diff.joins) this.#notify('join', present)
    this.#notify('diff', diff)
    for (const watch of [...(this.#watches.get(diff.topic) ?? [])]) watch.push(diff)
    if (this.#closed || !this.#options.broadcastDiffs || !this.#host.hasSubscribers(diff.topic)) return
    this.#host.pubsub.localBroadcast(diff.topic, presenceDiffBroadcast(diff))
  }

  #onRefused(refusal: PresenceRefusal): void {
    const { cause, node } = refusal
    this.#refused.set(cause, (this.#refused.get(cause) ?? 0) + 1)
    if (this.#isNews(`${cause} ${node}`)) {
      const message = `presence ${this.#name}: messages of ${node} are refused: ${cause}`
      this.#logger.warn({ presence: this.#name, node, cause }, message)
    }
    this.#notify('refused', refusal)
  }

  #onFailed(error: unknown, node: string | undefined): void {
    if (this.#isNews(`failed ${node}`)) {
      const message = `presence ${this.#name}: ${node ?? 'the others'} could not be told: ${(error as Error).message}`
      this.#logger.warn({ presence: this.#name, node, err: error }, message)
    }
    this.#notify('send-failed', error, node)
  }

  #onMismatch(node: string, topic: string): void {
    if (!this.#isNews(`mismatch ${node}`)) return
    const message = `presence ${this.#name}: ${node} has another poolSize than ${this.#options.poolSize}; what it tracks is not all seen here`
    this.#logger.warn({ presence: this.#name, node, topic }, message)
    this.#notify('mismatch', { node, topic })
  }

  /** Whether something was not yet said. */
  #isNews(what: string): boolean {
    if (this.#said.has(what)) return false
    if (this.#said.size >= MOST_SAID) this.#said.clear()
    this.#said.add(what)
    return true
  }

  #notify<K extends keyof PresenceEvents>(event: K, ...args: PresenceEvents[K]): void {
    tellListeners<PresenceEvents, K>(this.#emitter, event, args)
  }
}
