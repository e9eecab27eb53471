import type { Version } from '../version.ts'
import type { Append, Message } from './messages.ts'
import { Offering } from './offering.ts'
import type { LogEntry } from './operation.ts'
import { Replica } from './replica.ts'
import type { StoredEntry } from './stored-entry.ts'

/** How a replica of an open store joins its loader, and follows it. See {@link OpenReplica}. */
export abstract class OpenFollower extends Replica {
  /** Whom it follows, or wants to. */
  protected target: string | undefined
  /** The target has taken it in. */
  protected following = false
  /** It has taken part before: what it has is worth something. */
  protected established = false
  /** Up to here the loader had a majority's word when it took this node in. */
  #caughtUpAt = 0
  /** The highest number of an epoch that it knows of. */
  protected highest = 0
  /** The loader is to be told how far this node is. */
  protected answerDue = false
  #session = 0
  #joinedAt = Number.NEGATIVE_INFINITY
  #heardAt = Number.NEGATIVE_INFINITY
  #offering: Offering | undefined
  /** What the target discarded of this node's offer; told when its state is here. */
  #discarded: StoredEntry[] = []
  #lastSentAt = 0

  protected get highestEpoch(): number {
    return this.highest
  }

  /** Tells everybody how this node stands now. */
  protected proclaim(): void {
    for (const peer of this.peers.keys()) this.send(peer, this.hello(false))
  }

  /** What only the target may say. */
  protected follow(peer: string, message: Message, now: number): void {
    switch (message.kind) {
      case 'offer-wanted':
        if (message.session !== this.#session) return
        this.#offering = new Offering(this.table, message)
        return this.#offer(peer, now)
      case 'offer-received':
        if (message.session !== this.#offering?.session) return
        this.#offering.received(message.index)
        return this.#offer(peer, now)
      case 'merged':
        if (message.session !== this.#session) return
        for (const { key, version } of message.discarded) {
          const entry = this.table.read(key)
          if (entry?.version.equals(version)) this.#discarded.push(entry)
        }
        return
      case 'append':
        return this.#append(peer, message, now)
      case 'snapshot':
        if (message.session !== this.#session) return
        this.#heardAt = now
        return this.takePart(peer, message, now)
    }
  }

  /** It follows, and has all that was there to be had when it began to. */
  protected get hasCaughtUp(): boolean {
    return this.following && this.loaderName !== undefined && this.table.position.sequence >= this.#caughtUpAt
  }

  /** Lost with a target that was not loader yet, or had not heard of this node. */
  protected isLost(now: number): boolean {
    const { heartbeat, lease } = this.options
    return now - Math.max(this.#joinedAt, this.#heardAt) >= (this.following ? lease : heartbeat)
  }

  /** Tells the loader how far this node is, if that is due. */
  protected answerLoader(): void {
    if (!this.answerDue || this.target === undefined || !this.following) return
    this.answerDue = false
    const { epoch } = this
    // Without its disk it follows on, and nobody counts it.
    const match = this.saves.failed ? this.log.last.sequence : this.saves.savedTo
    this.send(this.target, {
      kind: 'appended',
      epoch,
      match,
      hint: match,
      promised: epoch,
      sentAt: this.#lastSentAt,
      restored: !this.saves.failed,
      incarnation: 0,
    })
  }

  protected join(target: string, now: number): void {
    this.#joinedAt = now
    this.stopFollowing()
    const session = ++this.#session
    this.send(target, { kind: 'join', session, position: this.table.position, reaches: this.table.knowledge.copy() })
  }

  protected stopFollowing(): void {
    this.following = false
    this.#offering = undefined
    this.#discarded = []
    this.dropParts()
  }

  #offer(peer: string, now: number): void {
    this.#heardAt = now
    for (const part of this.#offering?.parts() ?? []) this.send(peer, part)
  }

  #append(peer: string, append: Append, now: number): void {
    this.#heardAt = now
    const { previous, entries, epoch } = append
    if (!previous.equals(this.log.last)) {
      // While the table is on its way, or before the loader has read the join.
      if (this.following) this.join(peer, now)
      return
    }
    this.#lastSentAt = append.sentAt
    this.commit = append.commit
    this.all = append.all
    for (const entry of entries) this.log.append(entry)
    this.#followed(peer, epoch.epoch, append.commit)
    this.epoch = epoch
    this.applyTo(this.log.last.sequence, peer, now)
    this.answerDue = true
  }

  /** `all`: the sequence up to which there was something to be had when the loader spoke. */
  #followed(peer: string, epoch: number, all: number): void {
    this.highest = Math.max(this.highest, epoch)
    if (!this.following || this.loaderName !== peer) {
      this.following = true
      this.#caughtUpAt = all
      this.setLoader(peer)
    }
    if (this.established) return
    this.established = true
    this.proclaim()
  }

  protected isStale(): boolean {
    return false
  }

  /** All of the log is applied already, and may not be in the loader's order. */
  protected tailAfter(): readonly LogEntry[] {
    return []
  }

  protected installed(position: Version, from: string): void {
    for (const discarded of this.#discarded) {
      const kept = this.table.read(discarded.key)
      this.emit({ kind: 'conflict', conflict: { key: discarded.key, discarded, kept } })
    }
    this.#discarded = []
    this.epoch = position
    this.#followed(from, position.epoch, position.sequence)
    this.answerDue = true
  }
}
