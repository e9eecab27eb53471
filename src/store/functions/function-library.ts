import type { Clock } from '../../base/clock.ts'
import { abortable, withDeadline } from '../../base/deadline.ts'
import { OptionError, TsunagiError } from '../../base/errors.ts'
import type { Limits } from '../../base/limits.ts'
import type { Logger } from '../../base/logger.ts'
import { type CompiledFunction, compile, fileOf } from './compile.ts'
import type { FunctionDefinition } from './definition.ts'
import { FunctionError, quoted } from './function-error.ts'
import type { ResolvedFunctionOptions } from './function-options.ts'
import { FunctionThreads } from './function-threads.ts'
import { type CheckedSource, SourceChecker } from './source-checker.ts'

/** What a library has of its node. */
export interface LibraryHost {
  readonly clock: Clock
  readonly logger: Logger
  readonly limits: Pick<Limits, 'functionBytes'>
}

/** How a function is run. */
export interface RunOptions {
  /** Milliseconds. Default: the `timeout` of the options. */
  readonly timeout?: number
  /** Gives up: the call rejects with its reason, and a function in a worker is ended. */
  readonly signal?: AbortSignal | undefined
  /** Runs it in a thread even where `functions.isolate` does not ask for it. */
  readonly isolate?: 'worker'
}

/** A function as one node has it. */
export interface FunctionInfo {
  readonly name: string
  readonly version: number | undefined
  readonly hash: string
  readonly submitter: string
  /** Length of its source in characters. */
  readonly size: number
  /** The file it is in, in stack traces. */
  readonly file: string
  /** `'refused'`: this node does not run it; `error` says why. */
  readonly state: 'loading' | 'ready' | 'refused'
  readonly error: FunctionError | undefined
  /** How often it was called here, in all its versions. */
  readonly calls: number
}

/** What is under one name. */
interface Slot {
  /** The newest. */
  definition: FunctionDefinition
  state: FunctionInfo['state']
  error: FunctionError | undefined
  /** What calls get now: while a new version loads, the one before. */
  current: { readonly fn: CompiledFunction; readonly checked: CheckedSource } | undefined
  /** Settles when the newest is no longer loading. */
  loaded: Promise<void>
  calls: number
}

/**
 * The functions of one node: each compiled once, replaced in one step. Calls that run finish on the version they began with;
 * calls that begin after a version was installed get that one. Versions come in the order in which they are installed.
 */
export class FunctionLibrary {
  readonly #options: ResolvedFunctionOptions
  readonly #host: LibraryHost
  readonly #slots = new Map<string, Slot>()
  readonly #threads: FunctionThreads
  #checker: SourceChecker | undefined
  #loading: Promise<SourceChecker> | undefined
  #closed = false

  constructor(options: ResolvedFunctionOptions, host: LibraryHost) {
    this.#options = options
    this.#host = host
    this.#threads = new FunctionThreads(options)
  }

  /** Checks sources by this node's rules; loaded when first asked for. */
  async checker(): Promise<SourceChecker> {
    const { globals, modules } = this.#options
    const { functionBytes } = this.#host.limits
    this.#loading ??= SourceChecker.load({ functionBytes, globals, imports: new Set(modules.keys()) })
    this.#checker = await this.#loading
    return this.#checker
  }

  /** The newest definition under a name, run here or not. */
  definition(name: string): FunctionDefinition | undefined {
    return this.#slots.get(name)?.definition
  }

  /**
   * Puts a definition in place of the one before. It is checked anew, since it came from elsewhere; with `refusal` it is
   * not taken, whatever it is. Never throws: a definition that cannot be run here makes `run` reject and is logged.
   */
  install(definition: FunctionDefinition, refusal?: FunctionError, level: 'warn' | 'debug' = 'warn'): void {
    if (this.#closed) return
    const before = this.#slots.get(definition.name)
    const slot: Slot = {
      definition,
      state: 'loading',
      error: undefined,
      current: before?.current,
      loaded: Promise.resolve(),
      calls: before?.calls ?? 0,
    }
    this.#slots.set(definition.name, slot)
    if (refusal !== undefined) this.#refuse(slot, refusal, level)
    else if (this.#checker !== undefined) this.#load(slot, this.#checker)
    else slot.loaded = this.checker().then((checker) => this.#load(slot, checker))
  }

  /** Takes a function away; calls that run go on. True when it was there. */
  uninstall(name: string): boolean {
    return this.#slots.delete(name)
  }

  /** Resolves when what was installed under a name can be called, or is known to be refused. */
  async settled(name: string): Promise<void> {
    await this.#slots.get(name)?.loaded
  }

  /**
   * Runs a function in this node. What it throws is thrown as it is.
   *
   * In this thread arguments and result are passed as they are, and `timeout` and `signal` only end the wait for an
   * `async` function. In a worker they cross as terms, and the worker is ended.
   *
   * @throws FunctionError `ERR_FUNCTION_MISSING`, `ERR_FUNCTION_REFUSED`, `ERR_FUNCTION_SOURCE`, `ERR_FUNCTION_ENDED`;
   * EncodeError for arguments or a result that cannot cross to and from a worker; TsunagiError `ERR_TIMEOUT`, `ERR_CLOSED`
   */
  async run(name: string, args: readonly unknown[], options?: RunOptions): Promise<unknown> {
    if (!Array.isArray(args)) throw new OptionError('args', args, 'an array of arguments')
    const slot = this.#slots.get(name)
    if (slot?.current === undefined) return this.#runWhenLoaded(name, args, options)
    if (this.#closed) throw new TsunagiError('ERR_CLOSED', 'the store is closed')
    if (options?.signal?.aborted) throw options.signal.reason
    slot.calls++
    const { fn, checked } = slot.current
    if (this.#options.isolate === 'worker' || options?.isolate === 'worker') {
      const what = { ...checked, name, modules: this.#options.modules }
      return this.#within(name, options, (signal) => this.#threads.run(what, args, signal))
    }
    const result = fn(...args)
    if (!isThenable(result)) return result
    return this.#settle(name, result, options)
  }

  /**
   * The function itself as it is now, for loops that cannot wait: it stays this version. Undefined when it is not here, or
   * is to be run in a worker.
   */
  local(name: string): CompiledFunction | undefined {
    return this.#options.isolate === 'worker' ? undefined : this.#slots.get(name)?.current?.fn
  }

  /** All functions, in the order in which their names came. */
  list(): FunctionInfo[] {
    return Array.from(this.#slots.values(), ({ definition, state, error, calls }) => {
      const { name, version, hash, submitter, source } = definition
      return { name, version, hash, submitter, size: source.length, file: fileOf(definition), state, error, calls }
    })
  }

  /** Ends the threads; calls in them reject with `ERR_CLOSED`. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#threads.close()
  }

  #load(slot: Slot, checker: SourceChecker): void {
    const { definition } = slot
    const { name, source, hash, submitter } = definition
    // Something newer has come meanwhile; or it was taken away.
    if (this.#slots.get(name) !== slot) return
    try {
      const checked = checker.check(source, name)
      if (checked.source !== source || checked.hash !== hash) {
        const message = `${quoted(name)}, as ${submitter} defined it, is not what its hash says`
        throw new FunctionError('ERR_FUNCTION_REFUSED', message, { function: name })
      }
      if (slot.current?.checked.hash !== hash) {
        slot.current = { fn: compile({ ...checked, name, modules: this.#options.modules }), checked }
      }
      slot.state = 'ready'
    } catch (error) {
      this.#refuse(slot, error as FunctionError, 'warn')
    }
  }

  #refuse(slot: Slot, error: FunctionError, level: 'warn' | 'debug'): void {
    const { name, submitter } = slot.definition
    slot.state = 'refused'
    slot.error = error
    // Rather none than one that the others no longer run.
    slot.current = undefined
    this.#host.logger[level]({ err: error, function: name, node: submitter }, error.message)
  }

  async #runWhenLoaded(name: string, args: readonly unknown[], options: RunOptions | undefined): Promise<unknown> {
    await this.#within(name, options, (signal) => abortable(this.settled(name), signal))
    const slot = this.#slots.get(name)
    if (slot?.error !== undefined) throw slot.error
    if (slot !== undefined) return this.run(name, args, options)
    throw new FunctionError('ERR_FUNCTION_MISSING', `there is no function ${JSON.stringify(name)}`, { function: name })
  }

  /** What {@link withDeadline} does, without a signal of its own, which nobody would hear: many functions are `async`. */
  #settle(name: string, result: PromiseLike<unknown>, options: RunOptions | undefined): Promise<unknown> {
    const timeout = options?.timeout ?? this.#options.timeout
    const signal = options?.signal
    return new Promise((resolve, reject) => {
      const onAbort = (): void => end(() => reject(signal?.reason))
      const onTime = (): void => end(() => reject(timedOut(name, timeout)))
      const timer = timeout === Infinity ? undefined : this.#host.clock.after(timeout, onTime, { keepAlive: true })
      const end = (how: () => void): void => {
        timer?.cancel()
        signal?.removeEventListener('abort', onAbort)
        how()
      }
      signal?.addEventListener('abort', onAbort, { once: true })
      Promise.resolve(result).then(
        (value) => end(() => resolve(value)),
        (error) => end(() => reject(error)),
      )
    })
  }

  #within<T>(name: string, options: RunOptions | undefined, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const timeout = options?.timeout ?? this.#options.timeout
    return withDeadline(
      { timeout, clock: this.#host.clock, signal: options?.signal },
      () => timedOut(name, timeout),
      work,
    )
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as PromiseLike<unknown>).then === 'function'
}

function timedOut(name: string, timeout: number): TsunagiError {
  return new TsunagiError('ERR_TIMEOUT', `${quoted(name)} has not answered within ${timeout} ms`)
}
