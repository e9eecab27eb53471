import {
  type Atom,
  atom,
  type ExternalFun,
  type Fun,
  isAtom,
  isTuple,
  Pid,
  type Term,
  type Tuple,
  tuple,
} from '../../term/index.ts'
import { isList } from '../../term/tuple.ts'
import { readMethod } from './messages.ts'

// The calls a name server answers (lib/kernel/src/global.erl, `handle_call`).

const SET_LOCK = atom('set_lock')
const DEL_LOCK = atom('del_lock')
const REGISTER = atom('register')
const UNREGISTER = atom('unregister')
const REGISTER_EXT = atom('register_ext')
const SYNC = atom('sync')
const PLAIN = new Set([
  'get_known',
  'get_synced',
  'get_protocol_version',
  'get_names_ext',
  'info',
  'high_level_trace_start',
  'high_level_trace_stop',
  'high_level_trace_get',
] as const)

type PlainRequest = typeof PLAIN extends Set<infer Name> ? Name : never

/** A lock: who asks for it, and for what. Requesters with the same id share the lock. */
export interface LockId {
  readonly resource: Term
  readonly requester: Term
}

/** What can be asked of a name server. */
export type ServerRequest =
  | { kind: 'set_lock' | 'del_lock'; id: LockId }
  | { kind: 'register'; name: Term; pid: Pid; method: ExternalFun | Fun; node?: Atom }
  | { kind: 'unregister'; name: Term }
  | { kind: 'sync'; nodes: readonly Atom[] }
  | { kind: PlainRequest }

/** Reads a request; undefined for what is none, or is misshapen. */
export function readRequest(request: Term): ServerRequest | undefined {
  if (isAtom(request)) {
    const kind = request.name as PlainRequest
    return PLAIN.has(kind) ? { kind } : undefined
  }
  if (!isTuple(request)) return undefined
  const [label, second, third, fourth, fifth] = request
  switch (label) {
    case SET_LOCK:
    case DEL_LOCK: {
      if (request.length !== 2 || !isTuple(second) || second.length !== 2) return undefined
      const kind = label === SET_LOCK ? 'set_lock' : 'del_lock'
      return { kind, id: { resource: second[0], requester: second[1] } }
    }
    case REGISTER:
    case REGISTER_EXT: {
      const external = label === REGISTER_EXT
      const method = readMethod(fourth)
      if (request.length !== (external ? 5 : 4) || !(third instanceof Pid) || method === undefined) return undefined
      if (!external) return { kind: 'register', name: second, pid: third, method }
      return isAtom(fifth) ? { kind: 'register', name: second, pid: third, method, node: fifth } : undefined
    }
    case UNREGISTER:
      return request.length === 2 ? { kind: 'unregister', name: second } : undefined
    case SYNC: {
      if (request.length !== 2 || !isList(second)) return undefined
      return { kind: 'sync', nodes: second.filter((node) => isAtom(node)) as Atom[] }
    }
    default:
      return undefined
  }
}

/** Our own side of them. */
export const serverRequest = {
  setLock: (id: LockId): Tuple => tuple(SET_LOCK, lockTerm(id)),
  delLock: (id: LockId): Tuple => tuple(DEL_LOCK, lockTerm(id)),
  register: (name: Term, pid: Pid, method: ExternalFun | Fun): Tuple => tuple(REGISTER, name, pid, method),
  unregister: (name: Term): Tuple => tuple(UNREGISTER, name),
} as const

/** `{ResourceId, LockRequesterId}`. */
export function lockTerm({ resource, requester }: LockId): Tuple {
  return tuple(resource, requester)
}
