import { OptionError, TsunagiError } from '../../base/errors.ts'
import { integer, knownOnly } from '../../base/options.ts'
import type { Process } from '../../process/process.ts'
import { type AtomValue, atomName } from '../../term/atom.ts'
import { atom, type DecodeOptions, type Pid } from '../../term/index.ts'
import { isPlainObject } from '../../term/map-like.ts'

/** Who calls an exposed function, and the process it runs in: what it has as `this`. */
export interface CallContext {
  /** The node that asks, as the link proves over which the request came. */
  readonly caller: string
  /** The process that asks; this node's `rex` where nobody is told of the result and that hides who asked. */
  readonly from: Pid
  /** The process the function runs in. */
  readonly self: Process
  /**
   * Aborts when the process was ended from outside, and when nobody waits for the result any more: the caller gave up,
   * ended, or its node is gone.
   */
  readonly signal: AbortSignal
}

/**
 * A function peers may call. What it returns, or what a promise it returns resolves to, must be a term.
 *
 * What it throws reaches the caller as an Erlang exception: an `ErlangError` as `error` with its reason, any other `Error`
 * as `error` with `{Name, Message}`, an `ExitError` (as `self.exit(reason)` throws) as `exit`, and anything else, such as
 * `throw atom('not_found')`, as `throw`.
 */
// biome-ignore lint/suspicious/noExplicitAny: peers send what they like; the function says what it hopes for.
export type ExposedFunction = (this: CallContext, ...args: any[]) => unknown

/** A function with the number of its parameters spelt out, where `fn.length` does not tell: defaults and rest parameters. */
export interface ExposedWithArity {
  /** How many arguments it takes, or all the numbers it may be called with. */
  readonly arity: number | readonly number[]
  readonly call: ExposedFunction
}

/** Functions by the names peers call them by. Only own enumerable properties count. */
export type ExposedFunctions = Readonly<Record<string, ExposedFunction | ExposedWithArity>>

/** Options of `node.expose`. */
export interface ExposeOptions {
  /** How arguments are decoded for these functions. Default: as the node's other terms. */
  readonly terms?: DecodeOptions
}

/** Exposed functions, until it is closed. */
export interface Exposure extends AsyncDisposable {
  readonly module: string
  /** Takes them back: who calls them now is told that they are undefined. Calls that run go on. Idempotent. */
  close(): Promise<void>
}

/** One function as peers can call it. */
export interface ExposedEntry {
  readonly call: ExposedFunction
  readonly terms: DecodeOptions | undefined
}

/** The functions of a node that peers may call, by module, name and arity. There is no other way to reach one. */
export class Exposed {
  readonly #entries = new Map<string, Map<string, Map<number, ExposedEntry>>>()

  /**
   * Exposes functions under a module's name.
   *
   * @throws TsunagiError `ERR_NAME_TAKEN` when one of them is exposed already; nothing is then. OptionError.
   */
  expose(module: string, functions: ExposedFunctions, options: ExposeOptions = {}): Exposure {
    checkAtom(module, 'module')
    knownOnly(options, ['terms'])
    if (typeof functions !== 'object' || functions === null) {
      throw new OptionError('functions', functions, 'an object of functions')
    }
    if (Object.keys(functions).length === 0 && !isPlainObject(functions)) {
      throw new OptionError('functions', functions, 'functions as own properties; methods of a class are not exposed')
    }
    const { terms } = options
    const made: [name: string, arity: number, entry: ExposedEntry][] = []
    for (const [name, given] of Object.entries(functions)) {
      checkAtom(name, 'functions')
      const { call, arities } = spelt(given, `functions.${name}`)
      for (const arity of arities) made.push([name, arity, { call, terms }])
    }
    for (const [name, arity] of made) {
      if (this.#at(module, name)?.has(arity) === true) {
        throw new TsunagiError('ERR_NAME_TAKEN', `${module}:${name}/${arity} is exposed already`)
      }
    }
    for (const [name, arity, entry] of made) this.#add(module, name, arity, entry)
    let closed = false
    const close = async (): Promise<void> => {
      if (closed) return
      closed = true
      for (const [name, arity] of made) this.#remove(module, name, arity)
    }
    return { module, close, [Symbol.asyncDispose]: close }
  }

  /** What peers reach under this name; undefined: nothing. */
  find(module: AtomValue, name: AtomValue, arity: number): ExposedEntry | undefined {
    const [moduleName, functionName] = [atomName(module), atomName(name)]
    if (moduleName === undefined || functionName === undefined) return undefined
    return this.#at(moduleName, functionName)?.get(arity)
  }

  #at(module: string, name: string): Map<number, ExposedEntry> | undefined {
    return this.#entries.get(module)?.get(name)
  }

  #add(module: string, name: string, arity: number, entry: ExposedEntry): void {
    const functions = this.#entries.get(module) ?? new Map<string, Map<number, ExposedEntry>>()
    this.#entries.set(module, functions)
    const arities = functions.get(name) ?? new Map<number, ExposedEntry>()
    functions.set(name, arities)
    arities.set(arity, entry)
  }

  #remove(module: string, name: string, arity: number): void {
    const functions = this.#entries.get(module)
    const arities = functions?.get(name)
    arities?.delete(arity)
    if (arities?.size === 0) functions?.delete(name)
    if (functions?.size === 0) this.#entries.delete(module)
  }
}

/** Erlang's own bound on the parameters of a function. */
const arityOf = integer(0, 255, 'a number of arguments')

function spelt(given: unknown, option: string): { call: ExposedFunction; arities: readonly number[] } {
  if (typeof given === 'function') return { call: given as ExposedFunction, arities: [given.length] }
  const { arity, call } = (given ?? {}) as Partial<ExposedWithArity>
  if (typeof call !== 'function' || arity === undefined) {
    throw new OptionError(option, given, 'a function, or { arity, call }')
  }
  knownOnly(given as object, ['arity', 'call'], `${option}.`)
  const arities = typeof arity === 'number' ? [arity] : arity
  if (!Array.isArray(arities) || arities.length === 0) {
    throw new OptionError(`${option}.arity`, arity, 'a number of arguments, or a list of them')
  }
  return { call, arities: [...new Set(arities.map((each: unknown) => arityOf(each, `${option}.arity`)))] }
}

/** Checks the name of a module or function. */
export function checkAtom(name: unknown, option: string): string {
  if (typeof name !== 'string' || name === '') throw new OptionError(option, name, 'a name')
  atom(name)
  return name
}
