import { equal, type Pid, type Term } from '../../term/index.ts'
import { termKey } from '../../term/term-key.ts'
import { GLOBAL } from './messages.ts'
import { type LockId, lockTerm } from './requests.ts'
import type { Watch, Watches } from './watches.ts'

interface Lock {
  readonly id: LockId
  readonly holders: Map<string, Watch>
}

const GLOBAL_KEY = termKey(GLOBAL)

/** The locks set on this node. A lock is free again when all processes that share it have deleted it or are gone. */
export class LockTable {
  readonly #watches: Watches
  readonly #locks = new Map<unknown, Lock>()
  #globalLockDown = false

  constructor(watches: Watches) {
    this.#watches = watches
  }

  get size(): number {
    return this.#locks.size
  }

  /** Whether the lock that guards the names is set. */
  get globalIsSet(): boolean {
    return this.#locks.has(GLOBAL_KEY)
  }

  /** Whether the lock that guards the names was freed because its holder went, not because it was deleted. */
  get globalLockDown(): boolean {
    return this.#globalLockDown
  }

  /** Whether a requester could have a lock now. */
  isFreeFor({ resource, requester }: LockId): boolean {
    const lock = this.#locks.get(termKey(resource))
    return lock === undefined || equal(lock.id.requester, requester)
  }

  /** Sets a lock for a process. False when another requester has it. */
  set(id: LockId, holder: Pid): boolean {
    const key = termKey(id.resource)
    let lock = this.#locks.get(key)
    if (lock !== undefined && !equal(lock.id.requester, id.requester)) return false
    if (lock?.holders.has(holder.key) === true) return true
    const watch = this.#watches.add(holder, () => {
      watch.cancel()
      this.#release(key, holder.key, true)
    })
    if (lock === undefined) {
      lock = { id, holders: new Map() }
      this.#locks.set(key, lock)
    }
    lock.holders.set(holder.key, watch)
    return true
  }

  /** Takes a process off a lock. Nothing happens when it has no part in it. */
  delete({ resource, requester }: LockId, holder: Pid): void {
    const key = termKey(resource)
    const lock = this.#locks.get(key)
    if (lock === undefined || !equal(lock.id.requester, requester)) return
    lock.holders.get(holder.key)?.cancel()
    this.#release(key, holder.key, false)
  }

  /** Whether a process is among those that hold the lock of the names; true also when nobody had it taken from him. */
  guardsFor(holder: Pid): boolean {
    const lock = this.#locks.get(GLOBAL_KEY)
    return lock === undefined ? !this.#globalLockDown : lock.holders.has(holder.key)
  }

  /** The same, asked by the requester `{global, Requester}` that a message names. */
  guardsForLock(id: Term): boolean {
    const lock = this.#locks.get(GLOBAL_KEY)
    if (lock === undefined) return !this.#globalLockDown
    return equal(lockTerm(lock.id), id)
  }

  #release(key: unknown, holder: string, down: boolean): void {
    const lock = this.#locks.get(key)
    if (lock === undefined || !lock.holders.delete(holder) || lock.holders.size > 0) return
    this.#locks.delete(key)
    if (key === GLOBAL_KEY) this.#globalLockDown = down
  }
}
