import type { Atom, Pid, Tuple } from '../../../term/index.ts'
import type { Outgoing } from '../../engine.ts'
import type { PeerDispatchers } from './peer-dispatchers.ts'

/** Messages that wait for a node to answer whether it has a dispatcher, so that none overtakes another. */
export interface Held {
  readonly messages: { readonly outgoing: Outgoing; readonly form: Tuple; readonly bytes: number }[]
  bytes: number
}

/** Another node that takes part. */
export class Peer {
  readonly node: Atom
  readonly dispatchers: PeerDispatchers
  held: Held | undefined
  /** Its processes, by the group they are in: 0 for the first one, see `GroupNames.memberOf`. */
  readonly #workers = new Map<number, Pid>()
  #target: Pid | undefined
  readonly #spread: number
  readonly #poolSize: number

  /**
   * @param spread a number by which this node chooses among the peer's groups, always the same
   * @param poolSize how many of them to choose from
   */
  constructor(node: Atom, dispatchers: PeerDispatchers, spread: number, poolSize: number) {
    this.node = node
    this.dispatchers = dispatchers
    this.#spread = spread
    this.#poolSize = poolSize
  }

  /** Its newest process in a group. Of several, those before it are about to be gone: it had them registered by one name. */
  joined(member: number, pid: Pid): void {
    this.#workers.set(member, pid)
  }

  left(member: number, pid: Pid): void {
    if (this.#workers.get(member)?.equals(pid) === true) this.#workers.delete(member)
    if (this.#target?.equals(pid) === true) this.#target = undefined
  }

  /** It is in no group any more. */
  get gone(): boolean {
    return this.#workers.size === 0
  }

  /**
   * Which of its processes gets what this node broadcasts. The same one as long as it is there, since order holds only
   * between two processes; and chosen when it is first needed, when all groups of a node that was there before are known.
   */
  get target(): Pid | undefined {
    this.#target ??= this.#choose()
    return this.#target
  }

  #choose(): Pid | undefined {
    const pool: Pid[] = []
    const first = this.#workers.get(0)
    if (first !== undefined) pool.push(first)
    // From 2.1.1 on the second is `_2`; in 2.1.0 the first is `_1`.
    for (let member = first === undefined ? 1 : 2; pool.length < this.#poolSize; member++) {
      const pid = this.#workers.get(member)
      if (pid === undefined) break
      pool.push(pid)
    }
    if (pool.length > 0) return pool[this.#spread % pool.length]
    return this.#workers.values().next().value
  }
}
