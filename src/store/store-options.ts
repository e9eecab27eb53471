import { isDeepStrictEqual } from 'node:util'
import { OptionError, TsunagiError } from '../base/errors.ts'
import { checkNodeName } from '../base/node-name.ts'
import { boolean, duration, fn, instance, integer, knownOnly, oneOf, string } from '../base/options.ts'
import type { TermOptions } from '../term/index.ts'
import { resolveTermOptions, TERM_OPTIONS } from '../term/term-options.ts'
import type { Durability, EngineFactory, EngineOptions, StoreCapabilities } from './engine.ts'
import { mesh } from './engines/mesh.ts'
import { type FunctionOptions, resolveFunctionOptions } from './functions/function-options.ts'

/** What peers may do with a store through the GenServer and the functions it serves; see `docs/store.md`. */
export type Access = 'write' | 'read' | 'none'

/** Options of `node.store`. */
export interface StoreOptions extends TermOptions {
  /**
   * The store's name, by which nodes that have one of the same name share it, and under which a GenServer for Elixir and
   * Erlang is registered. Default `tsunagi_store`.
   */
  readonly name?: string
  /** What keeps the values in step. Default `mesh()`: the links of the nodes. */
  readonly engine?: EngineFactory
  /**
   * Who orders the writes. A name: only that node; while it is away nobody writes (`ERR_NO_LOADER`). A list: the first of
   * them that is there. Default: the node that has been there longest.
   */
  readonly loader?: string | readonly string[]
  /** The fixed voters: durability counts them, and a side without a majority of them refuses writes. Default: none. */
  readonly members?: readonly string[]
  /** When a write counts as done. Default `'majority'`. */
  readonly durability?: Durability
  /** A folder of this node's own that keeps the values over restarts. Default: memory only. */
  readonly directory?: string
  /** With `directory`: whether a write is on the disk itself when it is acknowledged, by `fdatasync`. Default true. */
  readonly sync?: boolean
  /** Milliseconds between two signs of life of the loader. Default 1000. */
  readonly heartbeat?: number
  /** Milliseconds without one after which another loader may take over. At least three heartbeats. Default 5000. */
  readonly lease?: number
  /** Milliseconds until a value is stale, unless its write says otherwise. Default: never. */
  readonly ttl?: number
  /** Milliseconds that a stale value is still served while it is computed anew. Default 0. */
  readonly stale?: number
  /** Milliseconds a computation may take before the next one who waits may try. Default 30,000. */
  readonly computeTimeout?: number
  /** Whose functions are taken, and how they run. Default: functions are off. */
  readonly functions?: FunctionOptions
  /** What others may do with it by `GenServer.call` and `:erpc`. Default `'write'`. */
  readonly access?: Access
}

/** {@link StoreOptions}, checked and completed. */
export interface ResolvedStoreOptions {
  readonly name: string
  readonly engine: EngineFactory
  readonly engineOptions: EngineOptions
  readonly ttl: number | undefined
  readonly stale: number
  readonly computeTimeout: number
  readonly functions: FunctionOptions | undefined
  readonly access: Access
  readonly terms: Required<TermOptions>
}

const DEFAULT_NAME = 'tsunagi_store'

const KNOWN: readonly (keyof StoreOptions)[] = [
  'name',
  'engine',
  'loader',
  'members',
  'durability',
  'directory',
  'sync',
  'heartbeat',
  'lease',
  'ttl',
  'stale',
  'computeTimeout',
  'functions',
  'access',
  ...TERM_OPTIONS,
]

export const checkDurability = oneOf('local', 'majority', 'all')

/** The name a store with these options has. @throws OptionError */
export function storeName(options: StoreOptions): string {
  instance(options, 'options', 'an object of store options', (it) => !Array.isArray(it))
  const { name = DEFAULT_NAME } = options
  if (string(name, 'name').length > 200 || !name.isWellFormed()) {
    throw new OptionError('name', name, 'at most 200 characters')
  }
  return name
}

/** @param terms the node's. @throws OptionError; TsunagiError `ERR_UNSUPPORTED` for what the engine cannot do */
export function resolveStoreOptions(options: StoreOptions, terms: TermOptions): ResolvedStoreOptions {
  const name = storeName(options)
  knownOnly(options, KNOWN)
  const engine = options.engine === undefined ? mesh() : checkEngine(options.engine)
  assertSupported(engine, options)
  if (options.functions !== undefined) resolveFunctionOptions(options.functions)
  return {
    name,
    engine,
    engineOptions: engineOptions(options, engine.capabilities),
    ttl: options.ttl === undefined ? undefined : duration(options.ttl, 'ttl'),
    stale: duration(options.stale ?? 0, 'stale'),
    computeTimeout: duration(options.computeTimeout ?? 30_000, 'computeTimeout'),
    functions: options.functions,
    access: oneOf('write', 'read', 'none')(options.access ?? 'write', 'access'),
    terms: resolveTermOptions(options, terms),
  }
}

/** Whether two sets of options say the same. */
export function sameStoreOptions(a: ResolvedStoreOptions, b: ResolvedStoreOptions): boolean {
  const { engine: engineOfA, ...restOfA } = a
  const { engine: engineOfB, ...restOfB } = b
  return (engineOfA === engineOfB || engineOfA.same?.(engineOfB) === true) && isDeepStrictEqual(restOfA, restOfB)
}

function engineOptions(options: StoreOptions, { durability }: StoreCapabilities): EngineOptions {
  const usual = durability.includes('majority') ? 'majority' : (durability[0] as Durability)
  const heartbeat = integer(1, 2 ** 31, 'milliseconds')(options.heartbeat ?? 1000, 'heartbeat')
  const lease = integer(heartbeat * 3, 2 ** 31, 'at least three heartbeats:')(options.lease ?? 5000, 'lease')
  const { loader, members, directory } = options
  return {
    loader: loader === undefined ? undefined : nodeNames(typeof loader === 'string' ? [loader] : loader, 'loader'),
    members: members === undefined ? undefined : nodeNames(members, 'members'),
    durability: checkDurability(options.durability ?? usual, 'durability'),
    directory: directory === undefined ? undefined : string(directory, 'directory'),
    sync: boolean(options.sync ?? true, 'sync'),
    heartbeat,
    lease,
  }
}

function nodeNames(value: unknown, option: string): readonly string[] {
  if (!Array.isArray(value) || value.length === 0) throw new OptionError(option, value, 'names of nodes')
  const names = value.map((name, i) => checkNodeName(name, `${option}[${i}]`).full)
  if (new Set(names).size < names.length) throw new OptionError(option, value, 'names of nodes, each of them once')
  return names
}

function checkEngine(engine: EngineFactory): EngineFactory {
  instance(engine, 'engine', 'an engine, such as mesh()', (it) => 'open' in it && 'capabilities' in it)
  fn(engine.open, 'engine.open')
  return engine
}

function assertSupported({ capabilities, name }: EngineFactory, options: StoreOptions): void {
  const { durability } = options
  if (durability !== undefined && !capabilities.durability.includes(checkDurability(durability, 'durability'))) {
    throw unsupported(name, `durability: '${durability}'`)
  }
  const asked = [
    ['loader', capabilities.loader],
    ['members', capabilities.members],
    ['directory', capabilities.disk],
    ['functions', capabilities.functions],
  ] as const
  for (const [option, can] of asked) if (!can && options[option] !== undefined) throw unsupported(name, option)
}

function unsupported(engine: string, what: string): TsunagiError {
  return new TsunagiError('ERR_UNSUPPORTED', `a store on ${engine} cannot do ${what}: see \`capabilities\``)
}
