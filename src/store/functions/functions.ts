import { OptionError } from '../../base/errors.ts'
import { knownOnly } from '../../base/options.ts'
import type { CompiledFunction } from './compile.ts'
import { type FunctionDefinition, isFunctionName, isVersion, staleness } from './definition.ts'
import { FunctionError, quoted } from './function-error.ts'
import { type FunctionInfo, FunctionLibrary, type LibraryHost, type RunOptions } from './function-library.ts'
import { type FunctionOptions, resolveFunctionOptions } from './function-options.ts'

/** A function value that can be distributed. */
export type Distributable<A extends readonly unknown[] = never[], R = unknown> = (...args: A) => R

/** A function with its version, as `define` takes it. */
export interface VersionedSource<F = Distributable> {
  /** A function, or the text of a function expression in JavaScript. */
  readonly source: F | string
  /** An integer that is not negative: a lower one does not replace a higher one. Without: the last one written stands. */
  readonly version?: number
}

/** How long to wait for a definition to be in effect. */
export interface DefineOptions {
  /** Milliseconds. Default: the store's. */
  readonly timeout?: number
  readonly signal?: AbortSignal | undefined
}

/** What carries definitions to the other nodes; a store's engine. */
export interface FunctionReplicator {
  /**
   * Has a definition ordered and replicated. Who orders it calls {@link Functions.admit} before, each node that gets it
   * {@link Functions.install}. Resolves when this node has installed it, and rejects as `admit` does. With `ifAbsent` a
   * definition that is there stays, and that is no error.
   */
  define(definition: FunctionDefinition, options: DefineOptions & { readonly ifAbsent: boolean }): Promise<void>
  /** Takes a function away everywhere. False when there was none. */
  remove(name: string, options: DefineOptions): Promise<boolean>
}

/** What the functions of a store have of it. */
export interface FunctionHost extends LibraryHost {
  /** The node's full name. */
  readonly self: string
  readonly replicator: FunctionReplicator
}

/**
 * The distributed functions of one store on one node: `store.define`, `call` and `run` are these. Without options functions
 * are off: definitions of others are kept but not compiled, and everything here rejects with `ERR_FUNCTION_REFUSED`.
 */
export class Functions {
  readonly #host: FunctionHost
  readonly #from: ReadonlySet<string> | undefined
  readonly #library: FunctionLibrary

  constructor(options: FunctionOptions | undefined, host: FunctionHost) {
    const resolved = resolveFunctionOptions(options ?? { from: [] })
    this.#host = host
    this.#from = options === undefined ? undefined : resolved.from
    this.#library = new FunctionLibrary(resolved, host)
  }

  /**
   * Defines a function on every node that takes it from this one, in place of the one before.
   *
   * @throws FunctionError `ERR_FUNCTION_SOURCE` with all that is wrong with it, `ERR_FUNCTION_REFUSED` when the node that
   * orders definitions does not take it, or has a newer version
   */
  async define(
    name: string,
    given: Distributable | string | VersionedSource,
    options: DefineOptions = {},
  ): Promise<FunctionInfo> {
    await this.#submit(await this.#definition(name, given), { ...options, ifAbsent: false })
    const info = this.#library.list().find((info) => info.name === name)
    if (info === undefined) throw missing(name)
    if (info.error !== undefined) throw info.error
    return info
  }

  /**
   * Runs a function in this node; if there is none of the name, `make` gives it, and it is defined everywhere first. When
   * two nodes do so at once, one function is taken, and both run that. `timeout` bounds the definition, and then the run.
   *
   * @throws what {@link define} and {@link run} throw
   */
  async call<A extends unknown[], R>(
    name: string,
    args: A,
    make: () => Distributable<A, R> | string | Promise<Distributable<A, R> | string>,
    options?: RunOptions,
  ): Promise<Awaited<R>> {
    if (this.#library.definition(name) === undefined) {
      this.#checkOn(name)
      if (typeof make !== 'function') throw new OptionError('make', make, 'a function that gives the function')
      const definition = await this.#definition(name, (await make()) as Distributable | string)
      await this.#submit(definition, { ...waitOf(options), ifAbsent: true })
    }
    return (await this.#library.run(name, args, options)) as Awaited<R>
  }

  /**
   * Runs a function in this node. What it throws is thrown as it is.
   *
   * In place, arguments and result are passed as they are, and `timeout` and `signal` only end the wait for an `async`
   * function. In a worker they cross as terms, and the worker is ended.
   *
   * @throws FunctionError `ERR_FUNCTION_MISSING`, `ERR_FUNCTION_REFUSED`, `ERR_FUNCTION_SOURCE`, `ERR_FUNCTION_ENDED`;
   * EncodeError for arguments or a result that cannot cross to and from a worker; TsunagiError `ERR_TIMEOUT`, `ERR_CLOSED`
   */
  run(name: string, args: readonly unknown[], options?: RunOptions): Promise<unknown> {
    return this.#library.run(name, args, options)
  }

  /**
   * The function itself as it is now, for loops that cannot wait: it stays this version. Undefined when it is not here, or
   * is to be run in a worker.
   */
  local(name: string): CompiledFunction | undefined {
    return this.#library.local(name)
  }

  /**
   * Takes a function away everywhere; calls that run go on. False when there was none.
   *
   * @throws FunctionError `ERR_FUNCTION_REFUSED` when this node is not listed where definitions are ordered
   */
  async remove(name: string, options: DefineOptions = {}): Promise<boolean> {
    this.#checkOn(name)
    return this.#host.replicator.remove(name, options)
  }

  /** Whether somebody has defined a function of this name. */
  has(name: string): boolean {
    return this.#library.definition(name) !== undefined
  }

  /** All functions as this node has them. */
  list(): FunctionInfo[] {
    return this.#library.list()
  }

  /**
   * Whether a definition that a node has sent may be ordered; for who orders definitions. `peer` is the name at the other
   * end of the link it came over, or this node's own.
   *
   * @throws FunctionError `ERR_FUNCTION_REFUSED`, `ERR_FUNCTION_SOURCE`
   */
  async admit(definition: FunctionDefinition, peer: string): Promise<void> {
    const { name, submitter, source, hash } = definition
    if (submitter !== peer) throw refused(name, `${peer} sends it in the name of ${submitter}`)
    const refusal = this.#refusal(definition, peer)
    if (refusal !== undefined) throw refusal
    const checked = (await this.#library.checker()).check(source, name)
    if (checked.source !== source || checked.hash !== hash) throw refused(name, 'it is not what its hash says')
    // Last, since something newer may have been installed meanwhile.
    const stale = staleness(this.#library.definition(name), definition)
    if (stale !== undefined) throw stale
  }

  /**
   * Whether a node may take a function away; for who orders definitions.
   *
   * @throws FunctionError `ERR_FUNCTION_REFUSED`
   */
  admitRemoval(name: string, peer: string): void {
    if (this.#from === undefined) throw refused(name, OFF)
    if (!this.trusts(peer)) throw refused(name, `${peer} is not in \`functions.from\` of this node`)
  }

  /** Whether what a node says of functions is taken: it is listed, or this one. */
  trusts(peer: string): boolean {
    return this.#from !== undefined && (peer === this.#host.self || this.#from.has(peer))
  }

  /**
   * Takes what was ordered, in its order. `peer` is the name at the other end of the link it came over, or this node's own:
   * both that node and the submitter must be listed, since the former could say anything of the latter. Never throws.
   */
  install(definition: FunctionDefinition, peer: string): void {
    // A node without functions is no reason for a warning whenever others have some.
    this.#library.install(definition, this.#refusal(definition, peer), this.#from === undefined ? 'debug' : 'warn')
  }

  /** A function was taken away, in order among the installations; `peer` as for {@link Functions.install}. */
  uninstall(name: string, peer: string): void {
    if (this.trusts(peer)) this.#library.uninstall(name)
  }

  /** Ends what runs in threads. Idempotent. */
  close(): Promise<void> {
    return this.#library.close()
  }

  async #definition(name: string, given: Distributable | string | VersionedSource): Promise<FunctionDefinition> {
    if (!isFunctionName(name)) throw new OptionError('name', name, 'a name of 1 to 1024 characters')
    this.#checkOn(name)
    const { source, version } = typeof given === 'object' && given !== null ? versioned(given) : { source: given }
    if (typeof source !== 'string' && typeof source !== 'function') {
      throw new OptionError('source', source, 'a function or the text of one')
    }
    const checked = (await this.#library.checker()).check(source as Distributable | string, name)
    return { name, hash: checked.hash, source: checked.source, version, submitter: this.#host.self }
  }

  async #submit(
    definition: FunctionDefinition,
    options: DefineOptions & { readonly ifAbsent: boolean },
  ): Promise<void> {
    await this.#host.replicator.define(definition, options)
    await this.#library.settled(definition.name)
  }

  #refusal({ name, submitter }: FunctionDefinition, peer: string): FunctionError | undefined {
    if (this.#from === undefined) return refused(name, OFF)
    const stranger = [peer, submitter].find((node) => node !== this.#host.self && !this.#from?.has(node))
    return stranger === undefined ? undefined : refused(name, `${stranger} is not in \`functions.from\` of this node`)
  }

  #checkOn(name: string): void {
    if (this.#from === undefined) throw refused(name, OFF)
  }
}

const OFF = 'functions are off in this store: see `functions.from`'

function refused(name: string, why: string): FunctionError {
  return new FunctionError('ERR_FUNCTION_REFUSED', `${quoted(name)} is refused: ${why}`, { function: name })
}

function missing(name: string): FunctionError {
  return new FunctionError('ERR_FUNCTION_MISSING', `${quoted(name)} was taken away`, { function: name })
}

function waitOf({ timeout, signal }: RunOptions = {}): DefineOptions {
  return timeout === undefined ? { signal } : { timeout, signal }
}

function versioned(given: VersionedSource): { source: unknown; version: number | undefined } {
  knownOnly(given, ['source', 'version'])
  const { source, version } = given
  if (version !== undefined && !isVersion(version)) {
    throw new OptionError('version', version, 'an integer that is not negative')
  }
  return { source, version }
}
