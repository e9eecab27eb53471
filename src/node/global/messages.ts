import { splitNodeName } from '../../base/node-name.ts'
import {
  type Atom,
  atom,
  type DecodeOptions,
  ExternalFun,
  Fun,
  isAtom,
  isTuple,
  Pid,
  type Term,
  type Tuple,
  tuple,
} from '../../term/index.ts'
import { isList } from '../../term/tuple.ts'

// The messages between the name servers of a cluster (lib/kernel/src/global.erl, "Messages in the protocol").

/** Under this name every node's server of global names is registered. */
export const NAME_SERVER = 'global_name_server'

/** The protocol version of OTP 25 and later. */
export const VERSION = 8
/** From this version on nodes keep partitions from overlapping; older ones (before OTP 25) are not admitted. */
export const OLDEST_VERSION = 7
/** From this version on both sides confirm which exchange is under way. */
export const VERIFIED_VERSION = 8

/** How everything is decoded here, so that what is passed on is what came. */
export const EXACT: DecodeOptions = { binaries: 'auto', floats: 'exact', maps: 'map' }

/** The resource that every change of the names locks. */
export const GLOBAL = atom('global')

const INIT_CONNECT = atom('init_connect')
const INIT_CONNECT_ACK = atom('init_connect_ack')
const LOCKER = atom('locker')
const NO_LONGER_A_PID = atom('no_longer_a_pid')
const LOCK_SET = atom('lock_set')
const EXCHANGE = atom('exchange')
const RESOLVED = atom('resolved')
const UNUSED = atom('unused')
const NEW_NODES = atom('new_nodes')
const IN_SYNC = atom('in_sync')
const LOST_CONNECTION = atom('lost_connection')
const REMOVE_CONNECTION = atom('remove_connection')
const CANCEL_CONNECT = atom('cancel_connect')
const INSERT = atom('insert')
const DELETE = atom('delete')
const VSN = atom('vsn')
const LOCK = atom('lock')
const METHODS = 3

/** A registered name: `{Name, Pid, Method}`. */
export interface NameEntry {
  readonly name: Term
  readonly pid: Pid
  /** What decides when two partitions meet that both have the name: a fun of arity 3. */
  readonly method: ExternalFun | Fun
}

/** A change of the names: `{insert, {Name, Pid, Method}}` or `{delete, Name}`. */
export type Operation = { readonly insert: NameEntry } | { readonly remove: Term }

/** A name of a C node: `{Name, Pid, RegNode}`, gone when `RegNode` is. */
export interface ExternalName {
  readonly name: Term
  readonly pid: Pid
  readonly node: Atom
}

/** A node with its protocol version; 0 while that is not known. */
export type KnownNode = readonly [node: Atom, version: number]

/** What a name server is told by another one. */
export type ServerMessage =
  | { kind: 'init_connect'; node: Atom; version: number; tag: Term; locker: Pid }
  | { kind: 'init_connect_ack'; node: Atom; ourTag: Term; theirTag: Term }
  | { kind: 'lock_set'; locker: Pid; set: boolean; tag: Term; tagged: boolean }
  | { kind: 'exchange'; node: Atom; names: readonly NameEntry[]; tag: Term }
  | {
      kind: 'resolved'
      node: Atom
      operations: readonly Operation[]
      known: readonly KnownNode[]
      external: readonly ExternalName[]
      tag: Term
    }
  | {
      kind: 'new_nodes'
      node: Atom
      operations: readonly Operation[]
      external: readonly ExternalName[]
      nodes: readonly KnownNode[]
      lock: Term
    }
  | { kind: 'in_sync'; node: Atom }
  | { kind: 'lost_connection'; from: Atom; creation: number | bigint; operation: number | bigint; to: Atom }
  | { kind: 'remove_connection'; node: Atom }
  | { kind: 'cancel_connect'; node: Atom; tag: Term }

/** Reads a message of either form, cast or plain; undefined for what is none, or is misshapen. */
export function readServerMessage(message: Term): ServerMessage | undefined {
  if (!isTuple(message)) return undefined
  const [label, second, third, fourth, fifth, sixth, seventh] = message
  switch (label) {
    case INIT_CONNECT:
      return message.length === 4 ? readInitConnect(second, third, fourth) : undefined
    case INIT_CONNECT_ACK:
      if (message.length !== 4 || !isNode(second)) return undefined
      return { kind: 'init_connect_ack', node: second, ourTag: third, theirTag: fourth }
    case LOCK_SET: {
      if ((message.length !== 4 && message.length !== 5) || !(second instanceof Pid)) return undefined
      if (typeof third !== 'boolean') return undefined
      return { kind: 'lock_set', locker: second, set: third, tag: fifth, tagged: message.length === 5 }
    }
    case EXCHANGE: {
      const names = readAll(third, readEntry)
      if (message.length !== 5 || !isNode(second) || names === undefined) return undefined
      return { kind: 'exchange', node: second, names, tag: fifth }
    }
    case RESOLVED: {
      const operations = readAll(third, readOperation)
      const known = readAll(fourth, readKnownNode)
      const external = readAll(sixth, readExternalName)
      if (message.length !== 7 || !isNode(second)) return undefined
      if (operations === undefined || known === undefined || external === undefined) return undefined
      return { kind: 'resolved', node: second, operations, known, external, tag: seventh }
    }
    case NEW_NODES: {
      const operations = readAll(third, readOperation)
      const external = readAll(fourth, readExternalName)
      const nodes = readAll(fifth, readKnownNode)
      if (message.length !== 6 || !isNode(second)) return undefined
      if (operations === undefined || nodes === undefined || external === undefined) return undefined
      return { kind: 'new_nodes', node: second, operations, external, nodes, lock: lockOf(sixth) }
    }
    case IN_SYNC:
      return message.length === 3 && isNode(second) ? { kind: 'in_sync', node: second } : undefined
    case LOST_CONNECTION:
      if (message.length !== 5 || !isNode(second) || !isNode(fifth)) return undefined
      if (!isInteger(third) || !isInteger(fourth)) return undefined
      return { kind: 'lost_connection', from: second, creation: third, operation: fourth, to: fifth }
    case REMOVE_CONNECTION:
      return message.length === 2 && isNode(second) ? { kind: 'remove_connection', node: second } : undefined
    case CANCEL_CONNECT:
      if (message.length !== 3 || !isNode(second)) return undefined
      return { kind: 'cancel_connect', node: second, tag: third }
    default:
      return undefined
  }
}

/** `{init_connect, {Version, Tag, …}, Node, {locker, _, _, Locker}}`: later versions may add to the first tuple. */
function readInitConnect(version: Term, node: Term, init: Term): ServerMessage | undefined {
  if (!isTuple(version) || version.length < 2 || !isNode(node)) return undefined
  if (!isTuple(init) || init.length !== 4 || init[0] !== LOCKER) return undefined
  const [number, tag] = version
  const locker = init[3]
  if (typeof number !== 'number' || !Number.isInteger(number)) return undefined
  if (!(locker instanceof Pid) || locker.nodeAtom !== node) return undefined
  return { kind: 'init_connect', node, version: number, tag, locker }
}

/** `ExtraInfo` is `[{vsn, V}, {lock, {global, LockRequester}}]`. */
function lockOf(extra: Term): Term {
  if (!isList(extra)) return undefined
  const found = extra.find((item) => isTuple(item) && item.length === 2 && item[0] === LOCK)
  return isTuple(found) ? found[1] : undefined
}

/** Reads a resolve method: a fun of arity 3. */
export function readMethod(term: Term): ExternalFun | Fun | undefined {
  return (term instanceof ExternalFun || term instanceof Fun) && term.arity === METHODS ? term : undefined
}

function readEntry(term: Term): NameEntry | undefined {
  if (!isTuple(term) || term.length !== 3) return undefined
  const [name, pid] = term
  const method = readMethod(term[2])
  return pid instanceof Pid && method !== undefined ? { name, pid, method } : undefined
}

function readOperation(term: Term): Operation | undefined {
  if (!isTuple(term) || term.length !== 2) return undefined
  if (term[0] === DELETE) return { remove: term[1] }
  const insert = term[0] === INSERT ? readEntry(term[1]) : undefined
  return insert === undefined ? undefined : { insert }
}

function readKnownNode(term: Term): KnownNode | undefined {
  if (isNode(term)) return [term, 0]
  if (!isTuple(term) || term.length !== 2) return undefined
  const [node, version] = term
  return isNode(node) && typeof version === 'number' ? [node, version] : undefined
}

function readExternalName(term: Term): ExternalName | undefined {
  if (!isTuple(term) || term.length !== 3) return undefined
  const [name, pid, node] = term
  return pid instanceof Pid && isNode(node) ? { name, pid, node } : undefined
}

/** All elements of a list, or undefined when it is none or one of them is not what it should be. */
function readAll<T>(list: Term, read: (element: Term) => T | undefined): T[] | undefined {
  if (!isList(list)) return undefined
  const all: T[] = []
  for (const element of list) {
    const one = read(element)
    if (one === undefined) return undefined
    all.push(one)
  }
  return all
}

/** Whether a term is a list that ends with `[]`. */
function isNode(term: Term): term is Atom {
  return isAtom(term) && splitNodeName(term.name) !== undefined
}

function isInteger(term: Term): term is number | bigint {
  return typeof term === 'bigint' || (typeof term === 'number' && Number.isInteger(term))
}

/** Our own side of all of them. */
export const serverMessage = {
  initConnect: (self: Atom, tag: number, known: ReadonlyMap<Atom, number>, locker: Pid): Tuple =>
    tuple(INIT_CONNECT, tuple(VERSION, tag), self, tuple(LOCKER, NO_LONGER_A_PID, new Map<Term, Term>(known), locker)),
  initConnectAck: (self: Atom, theirTag: Term, ourTag: number): Tuple =>
    tuple(INIT_CONNECT_ACK, self, theirTag, ourTag),
  /** Without a tag for peers that know none. */
  lockSet: (locker: Pid, set: boolean, known: readonly Atom[], theirTag: Term, version: number): Tuple =>
    version < VERIFIED_VERSION
      ? tuple(LOCK_SET, locker, set, [...known])
      : tuple(LOCK_SET, locker, set, [...known], theirTag),
  exchange: (self: Atom, names: readonly NameEntry[], theirTag: Term): Tuple =>
    tuple(EXCHANGE, self, names.map(entryTerm), [], theirTag),
  resolved: (
    self: Atom,
    operations: readonly Operation[],
    known: readonly KnownNode[],
    external: readonly ExternalName[],
    theirTag: Term,
  ): Tuple => {
    const changes = operations.map(operationTerm)
    return tuple(RESOLVED, self, changes, known.map(knownTerm), UNUSED, external.map(externalTerm), theirTag)
  },
  newNodes: (
    self: Atom,
    operations: readonly Operation[],
    external: readonly ExternalName[],
    nodes: readonly KnownNode[],
    version: number,
    lock: Term,
  ): Tuple => {
    const extra = [tuple(VSN, version), tuple(LOCK, lock)]
    return tuple(
      NEW_NODES,
      self,
      operations.map(operationTerm),
      external.map(externalTerm),
      nodes.map(knownTerm),
      extra,
    )
  },
  inSync: (self: Atom): Tuple => tuple(IN_SYNC, self, true),
  lostConnection: (from: Atom, creation: number | bigint, operation: number | bigint, to: Atom): Tuple =>
    tuple(LOST_CONNECTION, from, creation, operation, to),
  removeConnection: (self: Atom): Tuple => tuple(REMOVE_CONNECTION, self),
  cancelConnect: (self: Atom, theirTag: Term): Tuple => tuple(CANCEL_CONNECT, self, theirTag),
} as const

function entryTerm({ name, pid, method }: NameEntry): Tuple {
  return tuple(name, pid, method)
}

function operationTerm(operation: Operation): Tuple {
  return 'insert' in operation ? tuple(INSERT, entryTerm(operation.insert)) : tuple(DELETE, operation.remove)
}

function externalTerm({ name, pid, node }: ExternalName): Tuple {
  return tuple(name, pid, node)
}

function knownTerm([node, version]: KnownNode): Tuple {
  return tuple(node, version)
}
