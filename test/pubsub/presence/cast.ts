import type { Entry, Tracked } from '../../../src/pubsub/presence/entry.ts'
import { type ReplicaKey, replicaKey } from '../../../src/pubsub/presence/replica.ts'
import { PresenceState } from '../../../src/pubsub/presence/state.ts'
import { Pid, type Term } from '../../../src/term/index.ts'

let pids = 0

/** A process nobody else is. */
export const newPid = (node = 'a@host'): Pid => new Pid(node, ++pids, 0, 1)

/** The key of a replica of that name. */
export const ref = (name: string, version = 1): ReplicaKey => replicaKey(name, version)

export const A = ref('a')
export const B = ref('b')
export const C = ref('c')

/** The states of replicas that all know each other. */
export function connected(...replicas: ReplicaKey[]): PresenceState[] {
  return replicas.map((replica) => {
    const state = new PresenceState(replica)
    for (const other of replicas) if (other !== replica) state.replicaUp(other)
    return state
  })
}

export function someone(key: Term, topic: Term = 'lobby', meta: Term = {}): Tracked {
  return { pid: newPid(), topic, key, meta }
}

/** All that one has, as the other one is sent it when it asks. */
export const sync = (to: PresenceState, from: PresenceState) => to.merge(from.extract(to.context))

/** The keys of entries, sorted. */
export const keys = (entries: Iterable<Entry>): Term[] => Array.from(entries, ({ key }) => key).sort()

/** What a diff is about. */
export const told = ({ joins, leaves }: { joins: readonly Entry[]; leaves: readonly Entry[] }) => ({
  joins: keys(joins),
  leaves: keys(leaves),
})

export const nothing = { joins: [], leaves: [] }
