import { OptionError } from '../base/errors.ts'
import { boolean, duration, fn, instance, knownOnly, string } from '../base/options.ts'
import type { Answer, FoundNode, Strategy, StrategyContext } from './strategy.ts'

/** Ends a function that took too long, or whose topology was closed. */
export interface OwnFunctionContext {
  readonly signal: AbortSignal
}

/** Options of a topology. Times in milliseconds. */
export interface TopologyOptions {
  /** Finds the nodes: one of `tsunagi/cluster`, an object of one's own, or just a function that answers names. */
  readonly strategy: Strategy | ((context: StrategyContext) => Promise<Answer> | Answer)
  /** From the end of one lookup to the next. Default 5000; `Infinity`: look once, then only when asked. */
  readonly interval?: number
  /** How long one lookup may take, or a watch until its first answer. Default 5000. */
  readonly timeout?: number
  /**
   * Which of the found nodes are meant, by the name that `mapName` made. It is also asked for names that the mesh hears of:
   * these are dialled if one topology of the node means them. Default: all.
   */
  readonly filter?: (name: string, node: FoundNode) => boolean
  /** Makes the node's real name of what was found: `(name) => name.replace('@ip-', '@')`. Default: as found. */
  readonly mapName?: (name: string, node: FoundNode) => string
  /** Also dial nodes that the strategy marks as hidden: C and Java nodes. Default false. */
  readonly hidden?: boolean
  /**
   * Whether to cut the link to a node that this topology found and that has been absent from good answers for `after` ms.
   * Never done on a failed or partial answer, nor while `connectTo`, `node.connect` or another topology wants the node. Done
   * once: a node that dials this one afterwards wants a link, and has it. Default `'never'`: such a node is only dialled no
   * more once its link is gone.
   */
  readonly prune?: 'never' | { readonly after: number }
  /**
   * Connects in place of the node, for another distribution; `list` is needed beside it. Called once per refresh for each
   * node that is not listed, at most 32 at a time, each for `timeout` ms. It fails when it throws, or answers false.
   */
  readonly connect?: (node: FoundNode, context: OwnFunctionContext) => unknown
  /** Disconnects in place of the node; what `prune` calls. Fails as `connect` does. */
  readonly disconnect?: (name: string, context: OwnFunctionContext) => unknown
  /** The names that are connected, in place of `node.nodes()`. */
  readonly list?: (context: OwnFunctionContext) => Promise<Iterable<string>> | Iterable<string>
}

/** Options to change, those to take back to their defaults being undefined. */
export type TopologyChanges = { readonly [K in keyof TopologyOptions]?: TopologyOptions[K] | undefined }

/** Functions that take the node's place in connecting. */
export interface OwnFunctions {
  readonly connect: NonNullable<TopologyOptions['connect']>
  readonly disconnect: TopologyOptions['disconnect']
  readonly list: NonNullable<TopologyOptions['list']>
}

/** {@link TopologyOptions}, checked and completed. */
export interface ResolvedTopologyOptions {
  readonly strategy: Strategy
  readonly interval: number
  readonly timeout: number
  readonly filter: TopologyOptions['filter']
  readonly mapName: TopologyOptions['mapName']
  readonly hidden: boolean
  /** Milliseconds; `Infinity`: never. */
  readonly pruneAfter: number
  readonly own: OwnFunctions | undefined
}

const KNOWN: readonly (keyof TopologyOptions)[] = [
  'strategy',
  'interval',
  'timeout',
  'filter',
  'mapName',
  'hidden',
  'prune',
  'connect',
  'disconnect',
  'list',
]

const EXPECTED = 'an object of topology options such as { strategy: localEpmd() }'

/** `path` is put before the options' names: `topologies.app.`. @throws OptionError */
export function resolveTopologyOptions(options: TopologyOptions, path = ''): ResolvedTopologyOptions {
  const what = path === '' ? 'options' : path.slice(0, -1)
  instance(options, what, EXPECTED, (it) => !Array.isArray(it))
  if (!('strategy' in options) && ('discover' in options || 'watch' in options)) {
    throw new OptionError(
      what,
      undefined,
      '',
      `${what}: expected ${EXPECTED}, got a strategy without the object around it`,
    )
  }
  knownOnly(options, KNOWN, path)
  const { strategy, interval = 5000, timeout = 5000, filter, mapName, hidden = false, prune = 'never' } = options
  return {
    strategy: strategyOf(strategy, `${path}strategy`),
    interval: positive(interval, `${path}interval`),
    timeout: positive(timeout, `${path}timeout`),
    filter: filter === undefined ? undefined : fn(filter, `${path}filter`),
    mapName: mapName === undefined ? undefined : fn(mapName, `${path}mapName`),
    hidden: boolean(hidden, `${path}hidden`),
    pruneAfter: pruneOf(prune, `${path}prune`),
    own: ownOf(options, path),
  }
}

/** Whether two sets of options say the same. Functions and strategies are the same only when they are the same object. */
export function sameOptions(a: TopologyOptions, b: TopologyOptions): boolean {
  const after = ({ prune }: TopologyOptions): unknown => (typeof prune === 'object' ? prune.after : (prune ?? 'never'))
  return KNOWN.every((key) =>
    key === 'prune' ? after(a) === after(b) : (a[key] ?? DEFAULTS[key]) === (b[key] ?? DEFAULTS[key]),
  )
}

const DEFAULTS: Partial<TopologyOptions> = { interval: 5000, timeout: 5000, hidden: false }

function strategyOf(value: TopologyOptions['strategy'], option: string): Strategy {
  if (typeof value === 'function') return { name: value.name === '' ? 'custom' : value.name, discover: value }
  const what = 'a strategy, such as localEpmd(), or a function that answers node names'
  instance<Strategy>(value, option, what, (it) => 'discover' in it !== 'watch' in it)
  string(value.name, `${option}.name`)
  if ('watch' in value) fn(value.watch, `${option}.watch`)
  else fn(value.discover, `${option}.discover`)
  return value
}

function positive(value: unknown, option: string): number {
  const ms = duration(value, option)
  if (ms < 1) throw new OptionError(option, value, 'at least 1 millisecond')
  return ms
}

function pruneOf(prune: NonNullable<TopologyOptions['prune']>, option: string): number {
  if (prune === 'never') return Number.POSITIVE_INFINITY
  instance(prune, option, '"never" or { after: milliseconds }', (it) => !Array.isArray(it))
  knownOnly(prune, ['after'], `${option}.`)
  return duration(prune.after, `${option}.after`)
}

function ownOf({ connect, disconnect, list, prune }: TopologyOptions, path: string): OwnFunctions | undefined {
  if (disconnect !== undefined) fn(disconnect, `${path}disconnect`)
  if (connect === undefined && list === undefined) {
    if (disconnect === undefined) return undefined
    throw new OptionError(`${path}disconnect`, disconnect, 'to come with connect and list')
  }
  fn(connect, `${path}connect`)
  fn(list, `${path}list`)
  if (typeof prune === 'object') fn(disconnect, `${path}disconnect`)
  return { connect, disconnect, list } as OwnFunctions
}
