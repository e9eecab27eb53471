import { abortable, withDeadline } from '../../base/deadline.ts'
import { TsunagiError } from '../../base/errors.ts'
import type { Term } from '../../term/index.ts'
import type { Change, Delete, Entry, Put, StoreEngine } from '../engine.ts'
import { StoreError } from '../store-error.ts'
import { definitionTerm, type FunctionDefinition, readDefinition, staleness } from './definition.ts'
import { FunctionError, quoted } from './function-error.ts'
import type { FunctionOptions } from './function-options.ts'
import { type DefineOptions, type FunctionHost, type FunctionReplicator, Functions } from './functions.ts'

/** What the keys of functions begin with. No key of a user does: they hold no U+0000. */
export const FUNCTION_PREFIX = '\0function\0'

/** Tries of a definition with a version, when others define the same function at the same time. */
const TRIES = 20

const TIMEOUT = 5000

/**
 * Keeps the functions of a store in its engine, as entries of a name space of their own. The store makes it before the
 * engine, gives the engine {@link StoreFunctions.admit} and {@link FUNCTION_PREFIX} as what is guarded, passes changes on,
 * and attaches the engine when it is open.
 */
export class StoreFunctions implements FunctionReplicator {
  /** What users call. */
  readonly functions: Functions
  readonly #host: Omit<FunctionHost, 'replicator'>
  readonly #waiting = new Map<string, Set<() => void>>()
  #engine: StoreEngine | undefined

  constructor(options: FunctionOptions | undefined, host: Omit<FunctionHost, 'replicator'>) {
    this.#host = host
    this.functions = new Functions(options, { ...host, replicator: this })
  }

  /** For `admit` of an engine's context. */
  readonly admit = async (put: Put | Delete, peer: string): Promise<void> => {
    if (put.kind === 'delete') return this.functions.admitRemoval(put.key.slice(FUNCTION_PREFIX.length), peer)
    const definition = readDefinition(put.value)
    if (definition === undefined || keyOf(definition.name) !== put.key) {
      throw new FunctionError('ERR_FUNCTION_REFUSED', `what ${peer} sends is no definition of a function`)
    }
    await this.functions.admit(definition, peer)
  }

  /** For `change` of an engine's observer. True when it was about a function, and therefore nobody else's business. */
  readonly change = ({ key, entry, source }: Change): boolean => {
    if (!key.startsWith(FUNCTION_PREFIX)) return false
    this.#apply(key, entry, source)
    return true
  }

  /** The engine is open. What it has from its disk already is taken as this node's own, if its submitter is listed. */
  attach(engine: StoreEngine): void {
    this.#engine = engine
    for (const [key, entry] of engine.entries()) {
      if (key.startsWith(FUNCTION_PREFIX)) this.#apply(key, entry, this.#host.self)
    }
  }

  async define(
    definition: FunctionDefinition,
    { ifAbsent, ...options }: DefineOptions & { readonly ifAbsent: boolean },
  ): Promise<void> {
    const put = { kind: 'put', key: keyOf(definition.name), value: definitionTerm(definition) } as const
    try {
      if (ifAbsent) await this.#open().submit({ ...put, expected: 'absent' }, options)
      else if (definition.version === undefined) await this.#open().submit(put, options)
      else await this.#inOrder(definition, put, options)
    } catch (error) {
      const code = error instanceof StoreError ? error.code : undefined
      if (code === 'ERR_VERSION' && ifAbsent) {
        // Somebody else was first: this node is to have theirs.
        if (!this.functions.has(definition.name)) await this.#changed(put.key, options)
        return
      }
      throw asRefused(definition.name, error)
    }
  }

  async remove(name: string, options: DefineOptions): Promise<boolean> {
    try {
      const { changed } = await this.#open().submit({ kind: 'delete', key: keyOf(name) }, options)
      return changed[0] === true
    } catch (error) {
      throw asRefused(name, error)
    }
  }

  /** Compare and set, so that what was compared is what is replaced. */
  async #inOrder(
    definition: FunctionDefinition,
    put: { readonly kind: 'put'; readonly key: string; readonly value: Term },
    options: DefineOptions,
  ): Promise<void> {
    for (let tries = 1; ; tries++) {
      const entry = this.#open().read(put.key)
      const stale = staleness(readDefinition(entry?.value), definition)
      if (stale !== undefined) throw stale
      try {
        await this.#open().submit({ ...put, expected: entry?.version ?? 'absent' }, options)
        return
      } catch (error) {
        if (!(error instanceof StoreError) || error.code !== 'ERR_VERSION' || tries === TRIES) throw error
        // The loader is ahead of this node, which has to see first what is there.
        const current = this.#open().read(put.key)?.version
        if (current === entry?.version) await this.#changed(put.key, options)
      }
    }
  }

  /** Resolves with the next change of a function on this node. */
  async #changed(key: string, { timeout = TIMEOUT, signal }: DefineOptions): Promise<void> {
    const waiting = this.#waiting.get(key) ?? new Set()
    this.#waiting.set(key, waiting)
    let seen: (() => void) | undefined
    const change = new Promise<void>((resolve) => {
      seen = resolve
      waiting.add(resolve)
    })
    const timedOut = (): Error =>
      new TsunagiError('ERR_TIMEOUT', `the function that another node has defined is not here within ${timeout} ms`)
    try {
      await withDeadline({ timeout, clock: this.#host.clock, signal }, timedOut, (signal) => abortable(change, signal))
    } finally {
      if (seen !== undefined) waiting.delete(seen)
      if (waiting.size === 0) this.#waiting.delete(key)
    }
  }

  #apply(key: string, entry: Entry | undefined, source: string): void {
    const name = key.slice(FUNCTION_PREFIX.length)
    const definition = readDefinition(entry?.value)
    if (definition?.name === name) this.functions.install(definition, source)
    else this.functions.uninstall(name, source)
    if (entry !== undefined && definition?.name !== name) {
      this.#host.logger.warn({ function: name, node: source }, `${quoted(name)}, from ${source}, is no definition`)
    }
    for (const seen of this.#waiting.get(key) ?? []) seen()
  }

  #open(): StoreEngine {
    if (this.#engine === undefined) throw new Error('the engine is not attached')
    return this.#engine
  }
}

function keyOf(name: string): string {
  return FUNCTION_PREFIX + name
}

/** A refusal of the loader as that of a function, whose name is in the message already; anything else as it is. */
function asRefused(name: string, error: unknown): unknown {
  if (!(error instanceof StoreError) || error.code !== 'ERR_STORE_REFUSED') return error
  return new FunctionError('ERR_FUNCTION_REFUSED', error.message, { function: name, cause: error })
}
