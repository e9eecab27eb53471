import { isBuiltin } from 'node:module'
import { isAbsolute } from 'node:path'
import { pathToFileURL } from 'node:url'
import { OptionError } from '../../base/errors.ts'
import { type Check, duration, integer, knownOnly, oneOf, string } from '../../base/options.ts'
import { isPlainObject } from '../../term/map-like.ts'

/** Options of `functions` of a store. */
export interface FunctionOptions {
  /**
   * The nodes whose functions this node takes, by their full names: those that define them, and those that may be loader
   * and pass them on. Its own it takes anyway. Whoever is listed can run any code here.
   */
  readonly from: readonly string[]
  /**
   * Modules that functions may `import()`, and where each is: `{ 'node:crypto': 'node:crypto', 'date-fns':
   * import.meta.resolve('date-fns') }`. Default none.
   */
  readonly imports?: Readonly<Record<string, string>>
  /** Globals that functions may use beyond the usual list, such as `['process']`. They must be there on every node. */
  readonly globals?: readonly string[]
  /** `'worker'` runs functions in threads of their own, with `timeout` and `memory`. Default `'none'`: in this one. */
  readonly isolate?: 'none' | 'worker'
  /** Milliseconds a call may take. A function in a worker is ended then; others are only waited for no longer. Default 5000. */
  readonly timeout?: number
  /** Most threads. Each runs one call at a time. Default 2. */
  readonly workers?: number
  /** Bytes of JavaScript heap a thread may use. Default 64 MiB. */
  readonly memory?: number
}

/** Options with their defaults. */
export interface ResolvedFunctionOptions {
  readonly from: ReadonlySet<string>
  readonly modules: ReadonlyMap<string, string>
  readonly globals: readonly string[]
  readonly isolate: 'none' | 'worker'
  readonly timeout: number
  readonly workers: number
  readonly memory: number
}

const MiB = 1024 * 1024
const IDENTIFIER = /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u

const checkIsolate = oneOf('none', 'worker')
const checkWorkers = integer(1, 1024, 'a number of threads')
const checkMemory = integer(8 * MiB, 2 ** 40, 'bytes')

/**
 * Checks `functions` of a store's options.
 *
 * @throws OptionError
 */
export function resolveFunctionOptions(options: FunctionOptions): ResolvedFunctionOptions {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new OptionError('functions', options, 'an object such as { from: [names] }')
  }
  knownOnly(options, ['from', 'imports', 'globals', 'isolate', 'timeout', 'workers', 'memory'], 'functions.')
  return {
    from: new Set(list(options.from, 'functions.from', nodeName)),
    modules: new Map(Object.entries(modules(options.imports ?? {}))),
    globals: list(options.globals ?? [], 'functions.globals', identifier),
    isolate: checkIsolate(options.isolate ?? 'none', 'functions.isolate'),
    timeout: duration(options.timeout ?? 5000, 'functions.timeout'),
    workers: checkWorkers(options.workers ?? 2, 'functions.workers'),
    memory: checkMemory(options.memory ?? 64 * MiB, 'functions.memory'),
  }
}

function list<T>(value: unknown, option: string, check: Check<T>): T[] {
  if (!Array.isArray(value)) throw new OptionError(option, value, 'an array of names')
  return value.map((element, i) => check(element, `${option}[${i}]`))
}

const nodeName: Check<string> = (value, option) => {
  const name = string(value, option)
  if (!/^[^@\s]+@[^@\s]+$/.test(name))
    throw new OptionError(option, value, 'the full name of a node, such as app1@host')
  return name
}

const identifier: Check<string> = (value, option) => {
  if (!IDENTIFIER.test(string(value, option))) throw new OptionError(option, value, 'the name of a global')
  if (!Object.hasOwn(globalThis, value as string)) throw new OptionError(option, value, 'a global that is there')
  return value as string
}

function modules(value: unknown): Record<string, string> {
  if (!isPlainObject(value)) {
    throw new OptionError('functions.imports', value, 'an object from what functions import to where it is')
  }
  return Object.fromEntries(Object.entries(value).map(([name, url]) => [name, location(name, url)]))
}

/** A package is looked up by the program, whose it is: here only this package's own could be found. */
function location(name: string, value: unknown): string {
  const option = `functions.imports[${JSON.stringify(name)}]`
  const place = string(value, option)
  if (isBuiltin(place)) return place
  if (isAbsolute(place)) return pathToFileURL(place).href
  if (/^(?:file|data):/.test(place) && URL.canParse(place)) return place
  throw new OptionError(option, value, 'a built-in module, an absolute path or a URL, as import.meta.resolve gives it')
}
