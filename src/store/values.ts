import { pause } from '../base/deadline.ts'
import { OptionError } from '../base/errors.ts'
import { boolean, duration, fn, integer, knownOnly } from '../base/options.ts'
import { WAIT_OPTIONS } from '../node/waiting.ts'
import { isAtom, type Term } from '../term/index.ts'
import type { Computations, Compute, ComputeOptions } from './computations.ts'
import type { Delete, Entry, Lifetime, Put, SubmitOptions } from './engine.ts'
import { type Key, keyText, keyWithin, namespacePrefix } from './keys.ts'
import type { StoreCore } from './store-core.ts'
import { StoreError } from './store-error.ts'
import { checkDurability } from './store-options.ts'
import { StoreWatch, type WatchOptions } from './store-watch.ts'
import { Version } from './version.ts'

/** An entry as `store.entry` gives it. */
export interface StoreEntry<T extends Term = Term> {
  readonly value: T
  readonly version: Version
  /** Milliseconds since 1970, by the loader's clock, until when it is fresh; undefined: for ever. */
  readonly staleAt: number | undefined
  /** Milliseconds since 1970, by the loader's clock, until when it is there. */
  readonly expiresAt: number | undefined
}

/** Options of a write. */
export interface PutOptions extends Lifetime, SubmitOptions {
  /** Only if the key has this version, or `'absent'`: only if it has no value. Otherwise `ERR_VERSION`. */
  readonly expected?: Version | 'absent' | undefined
}

/** Options of `store.delete`. */
export interface DeleteOptions extends SubmitOptions {
  /** Only if the key has this version. Otherwise `ERR_VERSION`. */
  readonly expected?: Version | undefined
}

/** Options of `store.update`. */
export interface UpdateOptions extends Lifetime, SubmitOptions {}

const SUBMIT_OPTIONS = ['durability', ...WAIT_OPTIONS] as const
const PUT_OPTIONS = ['ttl', 'stale', 'expected', ...SUBMIT_OPTIONS] as const
const COMPUTE_OPTIONS = ['ttl', 'stale', 'computeTimeout', ...SUBMIT_OPTIONS] as const

/** Tries of an update while others write the same key. */
const UPDATE_TRIES = 100
/** Milliseconds, at most, until the next try: longer each time, so that many at once do not only refuse each other. */
const LONGEST_PAUSE = 250
/** Milliseconds an update waits for this node to see what the loader has already. */
const CATCH_UP = 5000

/** The values of a store, or of one namespace of it. */
export class Values {
  readonly #core: StoreCore
  readonly #computations: Computations
  readonly #prefix: string

  protected constructor(core: StoreCore, computations: Computations, prefix: string) {
    this.#core = core
    this.#computations = computations
    this.#prefix = prefix
  }

  /**
   * The value this node has, at once: undefined when there is none (or when that is the value; see {@link Values.has}). It
   * is frozen. A stale one is given as long as it is there.
   *
   * @throws OptionError for what is no key
   */
  peek<T extends Term = Term>(key: Key): T | undefined {
    return this.#core.live(this.#text(key))?.value as T | undefined
  }

  /** Whether this node has a value, be it `undefined`. @throws OptionError for what is no key */
  has(key: Key): boolean {
    return this.#core.live(this.#text(key)) !== undefined
  }

  /** The value this node has with its version and lifetime; undefined when there is none. @throws OptionError */
  entry<T extends Term = Term>(key: Key): StoreEntry<T> | undefined {
    const entry = this.#core.live(this.#text(key))
    return entry === undefined ? undefined : shown<T>(entry)
  }

  /** The keys that have a value on this node, those of namespaces left out. Changes made meanwhile may be seen or not. */
  *keys(): IterableIterator<string> {
    for (const [key] of this.#all()) yield key
  }

  /** The keys with their entries, as {@link Values.keys}. */
  *entries<T extends Term = Term>(): IterableIterator<[string, StoreEntry<T>]> {
    for (const [key, entry] of this.#all()) yield [key, shown<T>(entry)]
  }

  /**
   * The value of a key. Where there is one it comes from this node's memory. Else `compute` makes it, once in the whole
   * cluster: other nodes that ask for it meanwhile wait for the result, and when who computes it fails to answer, the next
   * one tries. Without `compute`, undefined.
   *
   * A value whose `ttl` is over but whose `stale` time is not is given at once, and computed anew for the next ones.
   *
   * @throws whatever `compute` throws, when it ran here; on other nodes StoreError `ERR_COMPUTE` with its message. Nothing
   *   is stored then.
   * @throws StoreError `ERR_COMPUTE_TIMEOUT`, `ERR_NO_LOADER`, `ERR_NO_QUORUM`; EncodeError for a value that is no term;
   *   TsunagiError `ERR_TIMEOUT` after `timeout` ms (default 60,000), `ERR_CLOSED`; the signal's reason
   * @example
   * const rates = await store.get('rates', () => fetchRates(), { ttl: 60_000 })
   */
  get<T extends Term = Term>(key: Key): Promise<T | undefined>
  get<T extends Term>(key: Key, compute: Compute<T>, options?: ComputeOptions): Promise<T>
  get<T extends Term>(key: Key, compute?: Compute<T>, options: ComputeOptions = {}): Promise<T | undefined> {
    try {
      const text = this.#text(key)
      const entry = this.#core.live(text)
      if (entry === undefined) return this.#miss(text, key, compute, options)
      const { counts } = this.#core
      counts.hits++
      if (entry.staleAt !== undefined && this.#core.isStale(entry)) {
        counts.stale++
        if (compute !== undefined) this.#refresh(text, compute, entry, options)
      }
      return Promise.resolve(entry.value as T)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** {@link Values.get} of many keys; the values are in the order of the keys. */
  getMany<T extends Term = Term>(keys: Iterable<Key>): Promise<(T | undefined)[]>
  getMany<T extends Term>(keys: Iterable<Key>, compute: Compute<T>, options?: ComputeOptions): Promise<T[]>
  getMany<T extends Term>(
    keys: Iterable<Key>,
    compute?: Compute<T>,
    options?: ComputeOptions,
  ): Promise<(T | undefined)[]> {
    return Promise.all(Array.from(keys, (key) => this.get(key, compute as Compute<T>, options)))
  }

  /**
   * Writes a value. Resolves with its version when the write is as durable as asked for, and visible on this node.
   *
   * @throws EncodeError with the path to what is no term; nothing is written then
   * @throws StoreError `ERR_NO_LOADER`, `ERR_NO_QUORUM`, `ERR_VERSION`, `ERR_STORE_DISK`; OptionError
   * @throws TsunagiError `ERR_TIMEOUT` after `timeout` ms (default 5000), when the write may still happen; `ERR_CLOSED`
   */
  async put(key: Key, value: Term, options: PutOptions = {}): Promise<Version> {
    knownOnly(options, PUT_OPTIONS)
    const { expected, ...rest } = options
    if (expected !== undefined && expected !== 'absent') checkVersion(expected)
    const write: Put = { kind: 'put', key: this.#text(key), value, ...this.#lifetime(options), expected }
    return (await this.#core.engine.submit(write, submitOptions(rest))).version
  }

  /**
   * Writes many values in one step: readers see all of them or none. Not so on an engine without `atomicBatch`, which
   * writes one after the other. Throws as {@link Values.put}.
   */
  async putMany(entries: Iterable<readonly [Key, Term]>, options: UpdateOptions = {}): Promise<Version | undefined> {
    knownOnly(options, ['ttl', 'stale', ...SUBMIT_OPTIONS])
    const lifetime = this.#lifetime(options)
    const writes = Array.from(
      entries,
      ([key, value]): Put => ({ kind: 'put', key: this.#text(key), value, ...lifetime }),
    )
    if (writes.length === 0) return undefined
    return (await this.#core.engine.submit({ kind: 'batch', writes }, submitOptions(options))).version
  }

  /** Takes a value away. False when there was none. Throws as {@link Values.put}. */
  async delete(key: Key, options: DeleteOptions = {}): Promise<boolean> {
    knownOnly(options, ['expected', ...SUBMIT_OPTIONS])
    const { expected } = options
    if (expected !== undefined) checkVersion(expected)
    const write: Delete = { kind: 'delete', key: this.#text(key), expected }
    return (await this.#core.engine.submit(write, submitOptions(options))).changed[0] === true
  }

  /**
   * Writes what `change` makes of the value there is, and tries again when somebody else has written meanwhile: no write is
   * lost. `change` gets undefined when there is no value.
   *
   * @returns the value that was written, and its version
   * @throws whatever `change` throws; otherwise as {@link Values.put}; `ERR_VERSION` after 100 tries
   * @example
   * await store.update('visits', (count = 0) => count + 1)
   */
  async update<T extends Term = Term>(
    key: Key,
    change: (value: T | undefined, entry: StoreEntry<T> | undefined) => T | Promise<T>,
    options: UpdateOptions = {},
  ): Promise<StoreEntry<T>> {
    fn(change, 'change')
    knownOnly(options, ['ttl', 'stale', ...SUBMIT_OPTIONS])
    const text = this.#text(key)
    const lifetime = this.#lifetime(options)
    for (let tries = 1; ; tries++) {
      const { engine } = this.#core
      const there = engine.read(text)
      const entry = there === undefined || this.#core.isOver(there) ? undefined : shown<T>(there)
      const value = await change(entry?.value, entry)
      const expected = there?.version ?? 'absent'
      try {
        const { version } = await engine.submit(
          { kind: 'put', key: text, value, ...lifetime, expected },
          submitOptions(options),
        )
        const written = engine.read(text)
        if (written !== undefined && version.equals(written.version)) return shown<T>(written)
        return { value, version, staleAt: undefined, expiresAt: undefined }
      } catch (error) {
        if (!(error instanceof StoreError) || error.code !== 'ERR_VERSION' || tries === UPDATE_TRIES) throw error
        await this.#caughtUp(text, there?.version, options.signal)
        const apart = tries === 1 ? 0 : Math.random() * Math.min(2 ** tries, LONGEST_PAUSE)
        await pause(apart, this.#core.clock, options.signal ?? new AbortController().signal, { keepAlive: true })
      }
    }
  }

  /**
   * What is there and then what changes, of one key, of all that begin with a prefix, or of all: an async iterator. A slow
   * reader is given the latest change of each key.
   *
   * @throws OptionError; TsunagiError `ERR_CLOSED`. The iterator throws `ERR_LIMIT` when too many keys changed unread.
   */
  watch<T extends Term = Term>(options?: WatchOptions): StoreWatch<T>
  watch<T extends Term = Term>(key: Key, options?: Omit<WatchOptions, 'prefix'>): StoreWatch<T>
  watch<T extends Term = Term>(first: Key | WatchOptions = {}, second: WatchOptions = {}): StoreWatch<T> {
    const [key, options] = isKey(first) ? [first, second] : [undefined, first]
    knownOnly(
      options,
      key === undefined ? ['prefix', 'snapshot', 'signal', 'capacity'] : ['snapshot', 'signal', 'capacity'],
    )
    const { prefix = '', snapshot = true, capacity = 100_000, signal } = options
    if (typeof prefix !== 'string') throw new OptionError('prefix', prefix, 'a string')
    const only = key === undefined ? undefined : keyText('', key)
    return new StoreWatch<T>(this.#core, {
      prefix: this.#prefix,
      matches: only === undefined ? (name) => name.startsWith(prefix) : (name) => name === only,
      snapshot: boolean(snapshot, 'snapshot'),
      capacity: integer(1, 2 ** 31)(capacity, 'capacity'),
      signal,
    })
  }

  /**
   * A part of the store with keys of its own: `store.namespace('users').put('1', …)` and `store.put('1', …)` are two
   * values. Cheap to make.
   */
  namespace(name: string): Values {
    return new Values(this.#core, this.#computations, namespacePrefix(this.#prefix, name))
  }

  #text(key: Key): string {
    return keyText(this.#prefix, key)
  }

  *#all(): IterableIterator<[string, Entry]> {
    for (const [text, entry] of this.#core.engine.entries()) {
      const key = keyWithin(this.#prefix, text)
      if (key !== undefined && !this.#core.isOver(entry)) yield [key, entry]
    }
  }

  async #miss<T extends Term>(text: string, key: Key, compute: Compute<T> | undefined, options: ComputeOptions) {
    // That a closed store has no values is not the same as having none of this key.
    void this.#core.engine
    this.#core.counts.misses++
    if (compute === undefined) return undefined
    fn(compute, 'compute')
    this.#checkCompute(options)
    return (await this.#computations.value(text, keyText('', key), compute, options)).value as T
  }

  #refresh<T extends Term>(text: string, compute: Compute<T>, entry: Entry, options: ComputeOptions): void {
    fn(compute, 'compute')
    this.#checkCompute(options)
    this.#computations.refresh(text, text.slice(this.#prefix.length), compute, entry, options)
  }

  #checkCompute(options: ComputeOptions): void {
    knownOnly(options, COMPUTE_OPTIONS)
    this.#lifetime(options)
    if (options.computeTimeout !== undefined) duration(options.computeTimeout, 'computeTimeout')
    if (options.durability !== undefined) checkDurability(options.durability, 'durability')
  }

  #lifetime({ ttl = this.#core.options.ttl, stale = this.#core.options.stale }: Lifetime): Lifetime {
    if (ttl !== undefined) duration(ttl, 'ttl')
    duration(stale, 'stale')
    return ttl === undefined || ttl === Number.POSITIVE_INFINITY ? {} : { ttl, stale }
  }

  /** Resolves when this node has another version of a key than the one that was refused, or when there is none to come. */
  async #caughtUp(text: string, refused: Version | undefined, signal: AbortSignal | undefined): Promise<void> {
    if (!sameVersion(this.#core.engine.read(text)?.version, refused)) return
    await this.#core.changeOf(text, CATCH_UP, signal)
  }
}

function sameVersion(a: Version | undefined, b: Version | undefined): boolean {
  return a === undefined ? b === undefined : a.equals(b)
}

function shown<T extends Term>(entry: Entry): StoreEntry<T> {
  const { version, staleAt, expiresAt } = entry
  return { value: entry.value as T, version, staleAt, expiresAt }
}

function submitOptions({ durability, timeout, signal }: SubmitOptions): SubmitOptions {
  if (durability !== undefined) checkDurability(durability, 'durability')
  return {
    ...(durability === undefined ? {} : { durability }),
    ...(timeout === undefined ? {} : { timeout }),
    ...(signal === undefined ? {} : { signal }),
  }
}

function checkVersion(version: unknown): void {
  if (!(version instanceof Version)) {
    throw new OptionError('expected', version, "the version of an entry, or for put also 'absent'")
  }
}

function isKey(first: unknown): first is Key {
  return typeof first === 'string' || Array.isArray(first) || isAtom(first)
}
