import type { Epoch } from './epoch.ts'
import type { Members } from './members.ts'
import type { Message, Recovered } from './messages.ts'
import { type Progress, Recovery } from './recovery.ts'

/** What the restoration needs of the voter. */
export interface RestorationHost {
  readonly members: Members
  readonly heartbeat: number
  isThere(voter: string): boolean
  send(to: string, message: Message): void
  saveMeta(then: () => void): void
  /** Nothing of an earlier epoch is to be followed. */
  raise(barrier: Epoch): void
  /** The voter has the state it should have, from now on. */
  restored(): void
}

/** Whether a voter has the state it should have, and how it gets it back when it has lost it. See {@link VoterReplica}. */
export class Restoration {
  /** Counts how often the state was lost. */
  incarnation: number
  /** It may vote and be counted. */
  restored = false
  readonly #host: RestorationHost
  /** It is being written down that it is restored. */
  #restoring = false
  #recovery: Recovery
  #askedAt = Number.NEGATIVE_INFINITY

  constructor(host: RestorationHost, incarnation: number) {
    this.#host = host
    this.incarnation = incarnation
    this.#recovery = new Recovery(host.members.quorum)
  }

  /** Restored, or about to be: as it is written down. */
  get willBe(): boolean {
    return this.restored || this.#restoring
  }

  /** Nothing has begun that would restore it. */
  get isNeeded(): boolean {
    return this.#host.members.areOwn && !this.willBe
  }

  tick(now: number): void {
    if (this.#host.members.areOwn && !this.restored && now - this.#askedAt >= this.#host.heartbeat) this.#ask(now)
  }

  /** A node has said hello. */
  greeted(peer: string): void {
    const { members, send } = this.#host
    if (members.areOwn && !this.restored && members.has(peer)) {
      send(peer, { kind: 'recover', incarnation: this.incarnation })
    }
  }

  answered(peer: string, answer: Recovered, now: number): void {
    if (this.restored || answer.incarnation !== this.incarnation) return
    const { members, raise } = this.#host
    members.learn(answer.incarnations)
    if (answer.known > this.incarnation) {
      this.incarnation = answer.known + 1
      this.#recovery = new Recovery(members.quorum)
      return this.#ask(now)
    }
    const barrier = this.#recovery.answered(peer, answer)
    if (barrier !== undefined) raise(barrier)
  }

  /** Whether it has by now what it needs. */
  check(progress: Progress): void {
    if (this.#recovery.isOver(progress)) this.restore()
  }

  restore(): void {
    this.#restoring = true
    this.#host.saveMeta(() => {
      this.restored = true
      this.#restoring = false
      this.#host.restored()
    })
  }

  #ask(now: number): void {
    const { isThere, members, send } = this.#host
    this.#askedAt = now
    for (const voter of members.names) {
      if (isThere(voter)) send(voter, { kind: 'recover', incarnation: this.incarnation })
    }
  }
}
