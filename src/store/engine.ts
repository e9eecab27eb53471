import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { LocalNode } from '../node/local-node.ts'
import type { WaitOptions } from '../node/waiting.ts'
import type { Term, TermOptions } from '../term/index.ts'
import type { StoreError } from './store-error.ts'
import type { Version } from './version.ts'

/** What a store needs of the node it lives on. */
export type StoreHost = Pick<LocalNode, 'name' | 'creation' | 'serviceHost' | 'pg'>

/** When a write counts as done: on the loader, on a majority, or on all of the nodes that have to hold it. */
export type Durability = 'local' | 'majority' | 'all'

/** What an engine honours. Asking for what it does not throws `ERR_UNSUPPORTED` when the store is made. */
export interface StoreCapabilities {
  /** What `durability` can be. */
  readonly durability: readonly Durability[]
  /** A loader can be named. */
  readonly loader: boolean
  /** Fixed voters can be named. */
  readonly members: boolean
  /** Batches are atomic: all of it or nothing. */
  readonly atomicBatch: boolean
  /** It can keep its data on this node's disk. */
  readonly disk: boolean
  /** It tells of values discarded when a partition heals. */
  readonly conflicts: boolean
  /** Functions can be distributed over it. */
  readonly functions: boolean
}

/** A value as this node has it. Immutable. */
export interface Entry {
  /**
   * The value, frozen all the way down. What cannot be frozen (byte arrays, `Map`s) is decoded anew for each reader, so
   * that nobody can spoil it for others.
   */
  readonly value: Term
  readonly version: Version
  /** Milliseconds since 1970 by the loader's clock from when on the value is stale; undefined: never. */
  readonly staleAt: number | undefined
  /** Milliseconds since 1970 by the loader's clock from when on there is no value any more; the loader takes it away about then. */
  readonly expiresAt: number | undefined
  /** The value in the External Term Format. Not to be changed. */
  readonly bytes: Uint8Array
}

/** How long a value lives. */
export interface Lifetime {
  /** Milliseconds until the value is stale, from when the loader orders the write. Default: for ever. */
  readonly ttl?: number | undefined
  /** Milliseconds that a stale value may still be served while it is computed anew. Default 0. */
  readonly stale?: number | undefined
}

/** Writes a value. */
export interface Put extends Lifetime {
  readonly kind: 'put'
  readonly key: string
  readonly value: Term
  /** Only if the key has this version; `'absent'`: only if it has no value. Otherwise `ERR_VERSION`. */
  readonly expected?: Version | 'absent' | undefined
}

/** Takes a value away. */
export interface Delete {
  readonly kind: 'delete'
  readonly key: string
  readonly expected?: Version | undefined
}

/** Several writes in one step: readers see all of them or none, and one `expected` that does not hold refuses them all. */
export interface Batch {
  readonly kind: 'batch'
  readonly writes: readonly (Put | Delete)[]
}

/** What can be submitted. Keys are non-empty strings of well-formed Unicode, at most 4,096 bytes of UTF-8. */
export type Command = Put | Delete | Batch

/** What became of a command. */
export interface Applied {
  /** The version that the command's writes have. */
  readonly version: Version
  /** For each write, in order, whether it did something: a delete does nothing when there is no value. */
  readonly changed: readonly boolean[]
}

/** How long to wait for a command, and for what. */
export interface SubmitOptions extends WaitOptions {
  /** Default: the store's. */
  readonly durability?: Durability | undefined
}

/** A value of this node changed. */
export interface Change {
  readonly key: string
  /** What is there now; undefined: nothing. */
  readonly entry: Entry | undefined
  /** What was there before. */
  readonly previous: Entry | undefined
  /** The version of the change, also of one that took a value away. */
  readonly version: Version
  /** `merge`: a partition healed. `resync`: this node took over the state of another one, as after a long absence. */
  readonly cause: 'put' | 'delete' | 'expire' | 'merge' | 'resync'
  /** The node it was heard from: the loader's name, or this node's own. */
  readonly source: string
}

/** One side of a partition wrote what the other side's write displaced when it healed. Without `members` only. */
export interface Conflict {
  readonly key: string
  /** What was discarded; `entry` undefined: that the key had been deleted. */
  readonly discarded: Entry | undefined
  /** What stands, under its new version; undefined: the key is deleted. */
  readonly kept: Entry | undefined
}

/** Hears what happens. Must not throw, and must not submit before it returns. */
export interface EngineObserver {
  /** One applied change, in order. The table shows it already. */
  change?(change: Change): void
  /** A discarded value: on the node that merged, on those that followed it, and on the node whose value it was. */
  conflict?(conflict: Conflict): void
  /** Who orders writes now; undefined: nobody known. */
  loader?(name: string | undefined): void
  /** The engine cannot acknowledge any more, or can again (undefined). */
  failed?(error: StoreError | undefined): void
  /** Somebody else has written under this key what is no value. */
  dropped?(key: string): void
}

/** Options of {@link StoreEngine.lease}. */
export interface LeaseOptions extends WaitOptions {
  /** Milliseconds the holder has for the value before the lease passes to who waits next. Default 30,000. */
  readonly hold?: number | undefined
  /** A value is wanted that is newer than this one: for computing a stale value anew. Default: any value will do. */
  readonly newerThan?: Version | undefined
  /** False: do not wait for the holder; `held` says that there is one. Default true. */
  readonly wait?: boolean | undefined
  /** Default: the store's. */
  readonly durability?: Durability | undefined
}

/** What a request for a lease came to. */
export type LeaseOutcome =
  /** There is a value: somebody else's, or one that was there already. */
  | { readonly kind: 'entry'; readonly entry: Entry }
  /** The caller is to make the value. */
  | { readonly kind: 'lease'; readonly lease: Lease }
  /** Somebody makes it; only with `wait: false`. */
  | { readonly kind: 'held' }

/** The right, and duty, to make a key's value. At most one is live per key within an epoch of the loader. */
export interface Lease {
  readonly key: string
  /** Aborts with a StoreError when the lease is lost: its time is over, the loader went, the engine is closed. */
  readonly signal: AbortSignal
  /**
   * Writes the value and gives it to all who wait. If the lease was lost meanwhile and somebody else's result was taken,
   * resolves with that one: what stands is what everybody gets.
   *
   * @throws EncodeError; then the lease is still held
   * @throws StoreError `ERR_NO_LOADER`, `ERR_NO_QUORUM`, `ERR_COMPUTE_TIMEOUT`
   */
  complete(value: Term, options?: Lifetime & SubmitOptions): Promise<Entry>
  /** Tells all who wait that it failed (`ERR_COMPUTE` with this message); nothing is stored. */
  fail(message: string): void
  /** Hands the lease to who waits next. */
  release(): void
}

/** How an engine stands. */
export interface EngineStatus {
  readonly role: 'loader' | 'follower' | 'recovering' | 'joining' | 'alone' | 'closed'
  /** Who orders writes; undefined: nobody known. */
  readonly loader: string | undefined
  readonly epoch: number
  /** The last write applied here. */
  readonly sequence: number
  /** Nodes that take part, this one included. */
  readonly nodes: readonly string[]
  /** Keys with a value. */
  readonly size: number
}

/** What an engine has of the store that uses it. */
export interface EngineContext {
  /** The store's name; stores of one name on all nodes are one store. */
  readonly name: string
  readonly host: StoreHost
  readonly clock: Clock
  /** Milliseconds since 1970, for lifetimes. */
  readonly wallClock: () => number
  readonly logger: Logger
  /** How values are decoded. */
  readonly terms: TermOptions
  readonly options: EngineOptions
  readonly observer: EngineObserver
  /**
   * Asked on the loader before it orders a write whose key begins with {@link EngineContext.guarded}: it rejects, or throws,
   * to refuse. `peer` is the node at the other end of the link that brought it, or this node's own name.
   */
  readonly admit?: ((write: Put | Delete, peer: string) => Promise<void> | void) | undefined
  /**
   * Whether a node's word on guarded keys is taken when what it has is merged after a partition; what it says of others is
   * taken in any case. Default: it is.
   */
  readonly trusts?: ((peer: string) => boolean) | undefined
  /** Prefix of the keys that `admit` and `trusts` are asked about. */
  readonly guarded?: string | undefined
}

/** Options of a store that are the engine's business, checked and with their defaults. */
export interface EngineOptions {
  /** Who may order writes, in that order; undefined: any. */
  readonly loader: readonly string[] | undefined
  /** The fixed voters; undefined: none. */
  readonly members: readonly string[] | undefined
  readonly durability: Durability
  /** Where to keep the data; undefined: nowhere. */
  readonly directory: string | undefined
  /** Whether each acknowledged write is on the disk itself (`fdatasync`), and not just with the operating system. */
  readonly sync: boolean
  /** Milliseconds between two signs of life of the loader. */
  readonly heartbeat: number
  /** Milliseconds without one after which the loader is no more. */
  readonly lease: number
}

/** Options of {@link StoreEngine.ready}. */
export interface ReadyOptions extends WaitOptions {
  /** How many other nodes have to take part as well. Default 0. */
  readonly nodes?: number | undefined
}

/** Keeps the values of one store on this node, and in step with other nodes. */
export interface StoreEngine {
  /** Resolves when values can be read as of now and written. Rejects with `ERR_TIMEOUT`, `ERR_CLOSED`. */
  ready(options?: ReadyOptions): Promise<void>
  /** What this node has of a key, at once: one look-up. Also what has expired and was not taken away yet. */
  read(key: string): Entry | undefined
  /** All keys with their entries, in no order. Changes made meanwhile may be seen or not. */
  entries(): Iterable<readonly [string, Entry]>
  /** How many keys have a value. */
  readonly size: number
  /**
   * Has a command ordered and applied. Resolves when it is both as durable as asked for and applied on this node.
   *
   * @throws EncodeError with the path to the value, before anything is sent
   * @throws StoreError `ERR_NO_LOADER`, `ERR_NO_QUORUM`, `ERR_VERSION`, `ERR_STORE_DISK`, `ERR_STORE_REFUSED`
   * @throws TsunagiError `ERR_TIMEOUT` (it may still happen), `ERR_CLOSED`, `ERR_LIMIT`
   */
  submit(command: Command, options?: SubmitOptions): Promise<Applied>
  /** A value, or the right to make it. @throws StoreError `ERR_COMPUTE`, `ERR_NO_LOADER`; TsunagiError as for `submit` */
  lease(key: string, options?: LeaseOptions): Promise<LeaseOutcome>
  status(): EngineStatus
  /** Leaves nothing behind. A loader hands over first. Idempotent. */
  close(): Promise<void>
}

/** Makes the engine of a store: what `mesh()` and `nats()` return. */
export interface EngineFactory {
  /** For logs and `inspect`: `mesh`. */
  readonly name: string
  readonly capabilities: StoreCapabilities
  /** @throws OptionError, TsunagiError `ERR_UNSUPPORTED`, `ERR_NAME_TAKEN` */
  open(context: EngineContext): StoreEngine
  /** Whether another factory would make the same engine. Default: whether it is this very object. */
  same?(other: EngineFactory): boolean
}
