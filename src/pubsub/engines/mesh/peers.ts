import type { PgScope } from '../../../node/pg/pg-scope.ts'
import type { Atom, Pid, Term } from '../../../term/index.ts'
import type { GroupNames } from './groups.ts'
import type { Peer } from './peer.ts'

/** Hears of the nodes that take part. */
export interface PeersEvents {
  up(peer: Peer): void
  down(peer: Peer): void
  /** A peer is in a group that numbers this high. */
  pool(member: number): void
}

/** The other nodes that take part, by what their scopes tell of the groups. */
export class Peers {
  readonly #scope: PgScope
  readonly #names: GroupNames
  readonly #events: PeersEvents
  readonly #make: (node: Atom) => Peer
  readonly #self: Atom
  readonly #byNode = new Map<Atom, Peer>()
  #list: readonly Peer[] = []

  constructor(scope: PgScope, names: GroupNames, make: (node: Atom) => Peer, events: PeersEvents) {
    this.#scope = scope
    this.#names = names
    this.#make = make
    this.#events = events
    this.#self = scope.pid.nodeAtom
  }

  /** Follows the scope from now on; tells of those who are there at once. */
  start(): void {
    this.#scope.on('join', this.#joined)
    this.#scope.on('leave', this.#left)
    for (const group of this.#scope.groups()) this.#joined(group, this.#scope.members(group))
  }

  stop(): void {
    this.#scope.off('join', this.#joined)
    this.#scope.off('leave', this.#left)
    this.#byNode.clear()
    this.#list = []
  }

  /** All of them; another array whenever they change. */
  get list(): readonly Peer[] {
    return this.#list
  }

  get(node: Atom): Peer | undefined {
    return this.#byNode.get(node)
  }

  readonly #joined = (group: Term, pids: readonly Pid[]): void => {
    const member = this.#names.memberOf(group)
    if (member === undefined) return
    for (const pid of pids) {
      const { nodeAtom } = pid
      if (nodeAtom === this.#self) continue
      const known = this.#byNode.get(nodeAtom)
      const peer = known ?? this.#make(nodeAtom)
      peer.joined(member, pid)
      if (known === undefined) {
        this.#byNode.set(nodeAtom, peer)
        this.#list = [...this.#byNode.values()]
        this.#events.up(peer)
      }
      this.#events.pool(member)
    }
  }

  readonly #left = (group: Term, pids: readonly Pid[]): void => {
    const member = this.#names.memberOf(group)
    if (member === undefined) return
    for (const pid of pids) {
      const peer = this.#byNode.get(pid.nodeAtom)
      if (peer === undefined) continue
      peer.left(member, pid)
      if (!peer.gone) continue
      this.#byNode.delete(peer.node)
      this.#list = [...this.#byNode.values()]
      this.#events.down(peer)
    }
  }
}
