import { TsunagiError } from '../../base/errors.ts'
import { atom, isTuple, Pid, type Term, type Tuple, tuple } from '../../term/index.ts'
import { entries, isMapLike } from '../../term/map-like.ts'
import { termKey } from '../../term/term-key.ts'
import { isList } from '../../term/tuple.ts'
import type { Membership } from './groups.ts'

// What scopes say to each other. Source: OTP lib/kernel/src/pg.erl, and from OTP 29 on data_publisher.erl beside it.

const GEN_CAST = atom('$gen_cast')
const DISCOVER = atom('discover')
const SYNC = atom('sync')
const JOIN = atom('join')
const LEAVE = atom('leave')
const LOCAL_DATA = atom('local_data')
const UPDATE = atom('update')

/**
 * What one leave may ask for, groups times pids. Scopes send one process that leaves many groups, or many that leave one;
 * a message with a lot of both would only keep us busy.
 */
const MOST_LEAVES = 10_000_000

/** One group's part of an update: first those who leave go, then those who join come. */
export interface Update extends Membership {
  readonly key: unknown
  readonly type: 'join' | 'leave'
}

/** A message of a peer's scope, in the form both versions of the protocol have in common. */
export type ScopeMessage =
  /** It asks for a sync. */
  | { readonly kind: 'discover'; readonly scope: Pid }
  /** All its members, in place of what it said before. */
  | { readonly kind: 'sync'; readonly scope: Pid; readonly groups: ReadonlyMap<unknown, Membership> }
  | { readonly kind: 'update'; readonly scope: Pid; readonly updates: readonly Update[] }

/** `{discover, Scope}`, of version 0; with a version behind it OTP 25 does not understand it. */
export function discover(scope: Pid): Tuple {
  return tuple(DISCOVER, scope)
}

/** `{'$gen_cast', {sync, Scope, [{Group, [Pid]}]}}`. */
export function sync(scope: Pid, groups: readonly Membership[]): Tuple {
  return tuple(
    GEN_CAST,
    tuple(
      SYNC,
      scope,
      groups.map(({ name, pids }) => tuple(name, pids)),
    ),
  )
}

/** `{join, Scope, Group, Pid | [Pid]}`. */
export function join(scope: Pid, { name, pids }: Membership): Tuple {
  return tuple(JOIN, scope, name, pids.length === 1 ? pids[0] : pids)
}

/** `{leave, Scope, Pid | [Pid], [Group]}`: all pids leave each of the groups, as often as it is listed. */
export function leave(scope: Pid, pids: readonly Pid[], names: readonly Term[]): Tuple {
  return tuple(LEAVE, scope, pids.length === 1 ? pids[0] : pids, names)
}

/**
 * Reads a message; undefined for what is none. The scope named in it must have been checked before its members are used:
 * only pids of its own node and incarnation are taken over.
 *
 *     {discover, Scope} | {discover, Scope, Version}
 *     {sync, Scope, [{Group, [Pid]}]}                    cast
 *     {join, Scope, Group, Pid | [Pid]}
 *     {leave, Scope, Pid | [Pid], [Group]}
 *     {local_data, Scope, Version, #{Group => [Pid]}}    cast; version 1
 *     {update, Scope, [{Group, Add, Remove}]}            version 1
 */
export function readMessage(message: Term): ScopeMessage | undefined {
  const said = isTuple(message) && message.length === 2 && message[0] === GEN_CAST ? message[1] : message
  if (!isTuple(said)) return undefined
  const scope = said[1]
  if (!(scope instanceof Pid)) return undefined
  switch (said[0]) {
    case DISCOVER:
      return said.length === 2 || said.length === 3 ? { kind: 'discover', scope } : undefined
    case SYNC: {
      if (said.length !== 3 || !isList(said[2])) return undefined
      const list: readonly Term[] = said[2]
      const pairs = list.filter((pair) => isTuple(pair)).filter(({ length }) => length === 2)
      return { kind: 'sync', scope, groups: readGroups(scope, pairs) }
    }
    case LOCAL_DATA:
      if (said.length !== 4 || !isMapLike(said[3])) return undefined
      return { kind: 'sync', scope, groups: readGroups(scope, entries(said[3])) }
    case JOIN: {
      const updates: Update[] = []
      if (said.length === 4) addUpdate(updates, 'join', said[2], readPids(scope, said[3]))
      return { kind: 'update', scope, updates }
    }
    case LEAVE: {
      const updates: Update[] = []
      const pids = readPids(scope, said[2])
      const groups = said.length === 4 && isList(said[3]) ? said[3] : []
      if (pids.length * groups.length > MOST_LEAVES) return undefined
      for (const group of groups) addUpdate(updates, 'leave', group, pids)
      return { kind: 'update', scope, updates }
    }
    case UPDATE:
      return said.length === 3 && isList(said[2])
        ? { kind: 'update', scope, updates: readUpdates(scope, said[2]) }
        : undefined
    default:
      return undefined
  }
}

function readGroups(scope: Pid, pairs: Iterable<Iterable<Term>>): Map<unknown, Membership> {
  const groups = new Map<unknown, Membership>()
  for (const [name, members] of pairs) {
    const key = keyOf(name)
    const pids = readPids(scope, members)
    if (key !== undefined && pids.length > 0) groups.set(key.key, { name, pids })
  }
  return groups
}

function readUpdates(scope: Pid, list: readonly Term[]): Update[] {
  const updates: Update[] = []
  for (const update of list) {
    if (!isTuple(update) || update.length !== 3) continue
    const [group, add, remove] = update
    addUpdate(updates, 'leave', group, readPids(scope, remove))
    addUpdate(updates, 'join', group, readPids(scope, add))
  }
  return updates
}

function addUpdate(updates: Update[], type: Update['type'], name: Term, pids: readonly Pid[]): void {
  const key = pids.length === 0 ? undefined : keyOf(name)
  if (key !== undefined) updates.push({ type, key: key.key, name, pids })
}

/** The pids among a pid or a list of them that live where the scope does: it speaks for no others. */
function readPids(scope: Pid, term: Term): readonly Pid[] {
  const list = term instanceof Pid ? [term] : isList(term) ? term : []
  return list.filter((pid): pid is Pid => isBeside(scope, pid))
}

function isBeside(scope: Pid, pid: Term): boolean {
  return pid instanceof Pid && pid.nodeAtom === scope.nodeAtom && pid.creation === scope.creation
}

/** Nothing for a name that nests too deep to have a key. */
function keyOf(name: Term): { readonly key: unknown } | undefined {
  try {
    return { key: termKey(name) }
  } catch (error) {
    if (error instanceof TsunagiError) return undefined
    throw error
  }
}
