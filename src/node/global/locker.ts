import type { Atom, Pid, Tuple } from '../../term/index.ts'
import { type Asker, LockClient, type LockHost } from './lock-client.ts'
import { LockerInbox, type LockerMessage, type Partner } from './locker-inbox.ts'
import { GLOBAL, serverMessage } from './messages.ts'
import type { LockId } from './requests.ts'
import { bossOf, comparePids } from './term-order.ts'

/** What a locker needs of its name server. */
export interface LockerHost extends LockHost {
  /** Sends to the name server of another node. */
  cast(node: Atom, message: Tuple): void
  /** Our partition and the partner's are both locked: the names may be exchanged. */
  lockIsSet(node: Atom, tag: number, id: LockId): void
  /** Something failed that should not. */
  failed(error: unknown): void
}

/** How long a locker leaves others the first move, in ms (`loop_the_locker`). */
const FIRST_WAIT = 200
const WAIT = 1000
const WAIT_PER_NODE = 100
const LONGEST_WAIT = 3000

/**
 * Joins partitions one at a time: sets the lock of the names on all nodes of ours while the partner's locker does so in
 * his, and keeps it until the name server has exchanged the names (`the_locker` of OTP's global). Both lock with the same
 * requester, made of both lockers, so that nodes that are in both partitions do not stand in the way.
 */
export class Locker {
  readonly #host: LockerHost
  readonly #asker: Asker
  readonly #client: LockClient
  readonly #inbox: LockerInbox
  readonly #partners: Partner[] = []
  #known: Atom[] = []
  #justSynced = false

  constructor(host: LockerHost, asker: Asker) {
    this.#host = host
    this.#asker = asker
    this.#client = new LockClient(host, asker)
    this.#inbox = new LockerInbox(host.clock)
  }

  /** What peers know it by. */
  get pid(): Pid {
    return this.#asker.pid
  }

  post(message: LockerMessage): void {
    this.#inbox.post(message)
  }

  close(): void {
    this.#inbox.close()
  }

  /** Runs until it is closed. */
  async run(): Promise<void> {
    while (!this.#inbox.closed) {
      try {
        await this.#step()
      } catch (error) {
        // Partitions that come later must still find a locker.
        if (!this.#inbox.closed) this.#host.failed(error)
      }
    }
  }

  async #step(): Promise<void> {
    let message = this.#inbox.poll(() => true)
    if (message === undefined) {
      const patience = this.#patience()
      this.#justSynced = false
      message = await this.#inbox.next(() => true, patience)
    }
    if (message !== undefined) await this.#handle(message)
    else if (!this.#inbox.closed && !this.#host.locks.globalIsSet) await this.#begin()
  }

  /** After a success the next begins at once; otherwise others get their chance to lock first. */
  #patience(): number {
    if (this.#partners.length === 0) return Number.POSITIVE_INFINITY
    if (this.#justSynced) return 0
    if (this.#known.length === 0) return FIRST_WAIT
    return Math.min(WAIT + WAIT_PER_NODE * this.#known.length, LONGEST_WAIT)
  }

  async #handle(message: LockerMessage): Promise<void> {
    if (message.kind === 'partner') this.#partners.push(message.partner)
    else if (message.kind === 'cancel') this.#forget(message.node, message.tag)
    else if (message.kind === 'lock_set') await this.#answer(message)
    else this.#updateKnown(message)
  }

  /** The partner's locker has set its lock and asks for ours. */
  async #answer({ locker, set: asks, tag, tagged }: LockerMessage & { kind: 'lock_set' }): Promise<void> {
    // A late refusal of what we gave up.
    if (!asks) return
    const node = locker.nodeAtom
    const partner = this.#partners.find((it) => it.node === node)
    if (partner === undefined) {
      // As of old, without a tag: we know none of his.
      this.#host.cast(node, serverMessage.lockSet(this.#asker.pid, false, this.#known, undefined, 0))
      return
    }
    if (tagged && partner.ourTag !== tag) return
    const id = this.#lockId(partner)
    const set = await this.#lockPartition(id, [])
    this.#say(partner, set)
    if (!set) {
      this.#justSynced = false
      return
    }
    await this.#whileLocked(partner, id, [this.#host.self, ...this.#known])
    this.#forget(node, partner.ourTag)
  }

  /** Nothing has come for a while: we begin, with one of those who wait. */
  async #begin(): Promise<void> {
    for (const { node, ourTag } of [...this.#partners]) if (this.#known.includes(node)) this.#forget(node, ourTag)
    const partner = this.#choose()
    if (partner === undefined) return
    const id = this.#lockId(partner)
    // With the partner among the locked, two partitions cannot wait for each other.
    const { self } = this.#host
    if (!(await this.#lockPartition(id, [partner.node]))) return
    const locked: [Atom, ...Atom[]] = [self, partner.node, ...this.#known]
    this.#say(partner, true)
    const answer = await this.#inbox.next(
      (message) =>
        isCancelOf(message, partner) ||
        (message.kind === 'lock_set' &&
          message.locker.nodeAtom === partner.node &&
          (!message.tagged || message.tag === partner.ourTag)),
      Number.POSITIVE_INFINITY,
    )
    if (answer?.kind === 'lock_set' && answer.set) {
      await this.#whileLocked(partner, id, locked)
      this.#forget(partner.node, partner.ourTag)
      return
    }
    if (answer?.kind === 'cancel') answer.before?.()
    await this.#client.deleteBossLast(id, locked)
    if (answer?.kind === 'cancel') this.#forget(partner.node, partner.ourTag)
  }

  /** Those on this host are chosen before others. */
  #choose(): Partner | undefined {
    const host = hostOf(this.#host.self)
    const near = this.#partners.filter(({ node }) => hostOf(node) === host)
    const candidates = near.length > 0 ? near : this.#partners
    return candidates[Math.floor(Math.random() * candidates.length)]
  }

  /** The name server exchanges the names; it tells when it is done, or when the partner is gone. */
  async #whileLocked(partner: Partner, id: LockId, locked: readonly [Atom, ...Atom[]]): Promise<void> {
    this.#host.lockIsSet(partner.node, partner.ourTag, id)
    const cancel = await this.#inbox.next((message) => isCancelOf(message, partner), Number.POSITIVE_INFINITY)
    if (cancel?.kind === 'cancel') cancel.before?.()
    await this.#client.deleteBossLast(id, locked)
    this.#justSynced = true
  }

  /** Locks our partition and `extra` (`lock_nodes_safely`): the boss first, so that rivals meet there. */
  async #lockPartition(id: LockId, extra: readonly Atom[]): Promise<boolean> {
    const { locks, self } = this.#host
    const boss = bossOf([self, ...this.#known])
    // Our own lock could stop one who has locked the boss already, so that it is only looked at.
    if (boss !== self && !locks.isFreeFor(id)) return false
    if (!(await this.#client.setOnce(id, [boss]))) return false
    this.#takeKnown()
    const second = [self, ...extra].filter((node) => node !== boss)
    if (!(await this.#client.setOnce(id, second))) {
      await this.#client.delete(id, [boss])
      return false
    }
    const others = this.#known.filter((node) => node !== boss)
    if (await this.#client.setOnce(id, others)) return true
    await this.#client.delete(id, [boss, ...second])
    return false
  }

  #lockId({ locker }: Partner): LockId {
    return { resource: GLOBAL, requester: [this.#asker.pid, locker].sort(comparePids) }
  }

  #say(partner: Partner, set: boolean): void {
    const { node, theirTag, version } = partner
    this.#host.cast(node, serverMessage.lockSet(this.#asker.pid, set, this.#known, theirTag, version))
  }

  /** Takes over what became known while we were busy. */
  #takeKnown(): void {
    for (;;) {
      const message = this.#inbox.poll(({ kind }) => kind === 'add_to_known' || kind === 'remove_from_known')
      if (message === undefined) return
      this.#updateKnown(message)
    }
  }

  #updateKnown(message: LockerMessage): void {
    if (message.kind === 'add_to_known') this.#known = [...new Set([...message.nodes, ...this.#known])]
    else if (message.kind === 'remove_from_known') this.#known = this.#known.filter((node) => node !== message.node)
  }

  #forget(node: Atom, tag: number): void {
    const at = this.#partners.findIndex((it) => it.node === node && it.ourTag === tag)
    if (at !== -1) this.#partners.splice(at, 1)
  }
}

function isCancelOf(message: LockerMessage, { node, ourTag }: Partner): boolean {
  return message.kind === 'cancel' && message.node === node && message.tag === ourTag
}

function hostOf(node: Atom): string {
  return node.name.slice(node.name.indexOf('@') + 1)
}
