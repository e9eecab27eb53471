import { type Atom, atom, isAtom, isTuple, type Term, tuple } from '../../term/index.ts'

/**
 * One incarnation of a tracker on one node, `{Name, Vsn}` on the wire: the key of all maps here. A tracker that restarts
 * is another replica of the same name.
 */
export type ReplicaKey = string

let made = 0

/** A version that no earlier tracker of the same node had: microseconds since 1970, and a bit. */
export function freshVersion(): number {
  return Math.floor((performance.timeOrigin + performance.now()) * 1000) + made++
}

export function replicaKey(name: string, version: number | bigint): ReplicaKey {
  return `${version} ${name}`
}

/** The name of the node it lives on. */
export function replicaName(replica: ReplicaKey): string {
  return replica.slice(replica.indexOf(' ') + 1)
}

export function replicaTerm(replica: ReplicaKey): Term {
  const version = BigInt(replica.slice(0, replica.indexOf(' ')))
  return tuple(atom(replicaName(replica)), version)
}

/** Reads `{Name, Vsn}`; undefined for anything else. */
export function readReplica(term: Term): ReplicaKey | undefined {
  if (!isTuple(term) || term.length !== 2) return undefined
  const [name, version] = term as unknown as [Term, Term]
  if (!isAtom(name) || !isInteger(version)) return undefined
  return replicaKey((name as Atom).name, version)
}

function isInteger(term: Term): term is number | bigint {
  return typeof term === 'bigint' || (typeof term === 'number' && Number.isSafeInteger(term) && !Object.is(term, -0))
}
