import { OptionError } from '../../base/errors.ts'
import { boolean, duration, fn, instance, integer, knownOnly, oneOf } from '../../base/options.ts'
import { type Atom, isAtom } from '../../term/atom.ts'
import { GenServer, type ServerSource } from '../gen-server.ts'
import { checkSpawnOptions, spawnOptions } from '../make-process.ts'
import type { ProcessBody, SpawnOptions } from '../process.ts'
import type { ResourceStart } from './resource.ts'

/** When a child that has ended is started again. */
export type Restart = 'permanent' | 'transient' | 'temporary'

/** What every child has, whatever it is. `name`, `trapExit`, `overflow` and `terms` are those of `node.spawn`. */
export interface ChildOptions extends SpawnOptions {
  /**
   * What the supervisor knows it by. `'a'` and `atom('a')` are the same one; the BEAM sees a string as a binary. A child
   * without is known by its pid, and forgotten when it has ended for good: for those that come and go (Elixir's
   * `DynamicSupervisor`).
   */
  readonly id?: string | Atom
  /**
   * `'permanent'` (default): always; `'transient'`: unless it ended with `normal`, `shutdown` or `{shutdown, _}`;
   * `'temporary'`: never, and it is forgotten.
   */
  readonly restart?: Restart
  /**
   * How the supervisor ends it: with an exit signal `shutdown`, and `kill` when that takes longer than so many
   * milliseconds; or with `kill` at once. Default 5000; `Infinity` for a supervisor.
   */
  readonly shutdown?: number | 'brutal_kill'
  /** Counts for {@link SupervisorOptions.autoShutdown}. Not for permanent children. Default false. */
  readonly significant?: boolean
}

/** A GenServer: its class, a function that makes one, or an object of handlers. */
export interface ServerChild extends ChildOptions {
  readonly server: ServerSource
}

/** A process that runs a function, as `node.spawn` does. */
export interface ProcessChild extends ChildOptions {
  readonly process: ProcessBody
}

/** A supervisor with children of its own. */
export interface SupervisorChild extends Omit<ChildOptions, 'name' | 'trapExit' | 'overflow' | 'terms'> {
  readonly supervisor: SupervisorOptions
}

/**
 * Anything else that is started and closed, such as a topology, a store or an HTTP server: a process stands for it,
 * which calls `start`, and `close` when it ends.
 */
export interface ResourceChild extends Omit<ChildOptions, 'trapExit'> {
  readonly start: ResourceStart
}

/** How a supervisor starts, restarts and ends a child; exactly one of `server`, `process`, `supervisor` and `start`. */
export type ChildSpec = ServerChild | ProcessChild | SupervisorChild | ResourceChild

/** Options of `node.supervise`. */
export interface SupervisorOptions {
  /** The name it is registered under. */
  readonly name?: string
  /**
   * Who is restarted with a child: itself only (`'one_for_one'`, default), all (`'one_for_all'`), or it and those that
   * were started after it (`'rest_for_one'`).
   */
  readonly strategy?: 'one_for_one' | 'one_for_all' | 'rest_for_one'
  /** More restarts than these within `maxSeconds` end the supervisor, with `shutdown`. Default 3, as in Elixir. */
  readonly maxRestarts?: number
  /** Seconds. Default 5. */
  readonly maxSeconds?: number
  /**
   * Whether the supervisor ends, with `shutdown`, when a significant child has ended for good (`'any_significant'`), or
   * the last of them has (`'all_significant'`). Default `'never'`.
   */
  readonly autoShutdown?: 'never' | 'any_significant' | 'all_significant'
  /** Started in this order, ended in the reverse of it. */
  readonly children?: readonly ChildSpec[]
}

/** A child specification that was checked, with its defaults. */
export interface ResolvedChild {
  readonly id: string | Atom | undefined
  readonly type: 'worker' | 'supervisor'
  readonly restart: Restart
  readonly shutdown: number | 'brutal_kill'
  readonly significant: boolean
  readonly spawn: SpawnOptions
  readonly server?: ServerSource
  readonly process?: ProcessBody
  readonly supervisor?: ResolvedSupervisor
  readonly start?: ResourceStart
}

/** Options of a supervisor that were checked, with their defaults. */
export interface ResolvedSupervisor extends Required<Omit<SupervisorOptions, 'name' | 'children'>> {
  readonly spawn: SpawnOptions
  readonly children: readonly ResolvedChild[]
}

const kinds = ['server', 'process', 'supervisor', 'start'] as const

/** @throws OptionError naming the option and the value at fault */
export function resolveSupervisor(options: SupervisorOptions): ResolvedSupervisor {
  instance(options, 'supervisor', 'options of a supervisor', () => true)
  knownOnly(options, ['name', 'strategy', 'maxRestarts', 'maxSeconds', 'autoShutdown', 'children'])
  const {
    name,
    strategy = 'one_for_one',
    maxRestarts = 3,
    maxSeconds = 5,
    autoShutdown = 'never',
    children = [],
  } = options
  oneOf('one_for_one', 'one_for_all', 'rest_for_one')(strategy, 'strategy')
  oneOf('never', 'any_significant', 'all_significant')(autoShutdown, 'autoShutdown')
  integer(0, Number.MAX_SAFE_INTEGER)(maxRestarts, 'maxRestarts')
  duration(maxSeconds, 'maxSeconds')
  if (maxSeconds === 0) throw new OptionError('maxSeconds', maxSeconds, 'seconds, more than 0')
  if (!Array.isArray(children)) throw new OptionError('children', children, 'an array of child specifications')
  const spawn = { name, trapExit: true }
  checkSpawnOptions(spawn)
  const resolved = children.map((child: ChildSpec) => resolveChild(child, autoShutdown))
  const keys = new Set<string>()
  for (const { id } of resolved) {
    if (id === undefined) continue
    if (keys.has(keyOf(id))) throw new OptionError('id', id, 'an id that no other child has')
    keys.add(keyOf(id))
  }
  return { spawn, strategy, maxRestarts, maxSeconds, autoShutdown, children: resolved }
}

/** @throws OptionError naming the option and the value at fault */
export function resolveChild(child: ChildSpec, autoShutdown: ResolvedSupervisor['autoShutdown']): ResolvedChild {
  if (typeof child !== 'object' || child === null) throw new OptionError('child', child, 'a child specification')
  knownOnly(child, ['id', 'restart', 'shutdown', 'significant', ...spawnOptions, ...kinds], 'child.')
  const { server, process, supervisor, start } = child as Partial<
    ServerChild & ProcessChild & SupervisorChild & ResourceChild
  >
  const given = [server, process, supervisor, start].filter((kind) => kind !== undefined)
  if (given.length !== 1) throw new OptionError('child', child, `exactly one of ${kinds.join(', ')}`)
  const type = supervisor === undefined ? 'worker' : 'supervisor'
  const { id, restart = 'permanent', significant = false } = child
  const { shutdown = type === 'worker' ? 5000 : Number.POSITIVE_INFINITY } = child
  if (id !== undefined && !isAtom(id) && (typeof id !== 'string' || id === '')) {
    throw new OptionError('id', id, 'a non-empty string or an atom')
  }
  oneOf('permanent', 'transient', 'temporary')(restart, 'restart')
  if (shutdown !== 'brutal_kill') duration(shutdown, 'shutdown')
  boolean(significant, 'significant')
  if (significant && (restart === 'permanent' || autoShutdown === 'never')) {
    throw new OptionError('significant', significant, 'a child that is not permanent, and autoShutdown')
  }
  const common = { id, type, restart, shutdown, significant } as const
  const spawn = Object.fromEntries(Object.entries(child).filter(([name]) => spawnOptions.includes(name as 'name')))
  if (supervisor !== undefined) {
    const [extra] = Object.keys(spawn)
    if (extra !== undefined)
      throw new OptionError(`child.${extra}`, undefined, '', `child.${extra}: set it in supervisor`)
    const resolved = resolveSupervisor(supervisor)
    return { ...common, supervisor: resolved, spawn: resolved.spawn }
  }
  checkSpawnOptions(spawn)
  if (server !== undefined) return { ...common, server: checkServer(server), spawn }
  if (process !== undefined) return { ...common, process: fn(process, 'process'), spawn }
  // It has to trap exits, to close what it stands for.
  return { ...common, start: fn(start, 'start'), spawn: { ...spawn, trapExit: true } }
}

/** What children are found by: an id in either form. */
export function keyOf(id: string | Atom): string {
  return isAtom(id) ? id.name : id
}

function checkServer(server: ServerSource): ServerSource {
  const possible = typeof server === 'function' || (typeof server === 'object' && server !== null)
  if (!possible || server instanceof GenServer) {
    throw new OptionError('server', server, 'a class, a function that makes a server, or an object of handlers')
  }
  return server
}
