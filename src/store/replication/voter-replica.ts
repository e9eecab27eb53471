import { Version } from '../version.ts'
import type { Candidacy } from './candidacy.ts'
import { compareEpochs } from './epoch.ts'
import type { Appended, Hello, Message } from './messages.ts'
import { Outflow } from './outflow.ts'
import type { Refusal } from './own-requests.ts'
import { VoterFollower } from './voter-follower.ts'

/** How much of its lease a loader uses: clocks may run up to a tenth faster or slower than each other. */
const LEASE_USED = 0.9

/**
 * A replica of a store with fixed voters.
 *
 * The protocol is Raft's (Ongaro and Ousterhout, 2014), with its trial votes and hand-over, and with these differences.
 *
 * **Epochs** are a term and the candidate's name, ordered by both. Two candidates never share one, so that a vote is just a
 * promise to follow nothing earlier, and there is nothing like a vote given twice.
 *
 * **Time** is used for two things. A voter that has heard of a loader votes for no other within `lease`. A loader that has
 * not heard of a majority for nine tenths of `lease`, counted from when it sent what they answered, is none any more and
 * refuses writes. Neither is needed for safety: writes are acknowledged and readable when a majority has them, whatever
 * the clocks say. Clocks that differ in speed by more than a tenth cost availability only.
 *
 * **Who leads**: those in `loader` take writes, in that order of preference. Any voter can be elected, since the only ones that
 * have all that was acknowledged may be others; such a stand-in takes no writes, brings a proper loader up to date and
 * hands over to it.
 *
 * **Voters without their state** (no disk, or a lost one) have forgotten what they promised and acknowledged. Until restored
 * they neither vote nor count. They are restored by either of two ways.
 * 1. A majority of restored voters says what it has promised to; the latest of that is the least epoch to be followed. The loader
 *    of such an epoch says how long its log was when it heard of the voter's new incarnation. With all of that log the
 *    voter has everything it may ever have acknowledged. A vote that an earlier incarnation gave may still be under way:
 *    so votes carry which incarnations their sender has heard of, and a candidate takes none of an earlier one. Without
 *    that, recovery of this kind loses writes (Michael, Ports, Sharma, Szekeres: Recovering Shared Objects Without Stable
 *    Storage, DISC 2017). Incarnations are numbered; one that is not above what a voter remembers is told so.
 * 2. All voters, restored or not, have elected a loader: then there is no other state than what they have, and the
 *    longest log of a restored one is in that loader. This is also how a store begins: its first loader needs all voters,
 *    since an empty voter cannot know whether it is new. With disks that is so once, without them whenever a majority
 *    was gone.
 *
 * Nodes that are no voters follow in the same way; nobody counts them.
 */
export class VoterReplica extends VoterFollower {
  #leading = false
  #leaseUntil = Number.NEGATIVE_INFINITY
  #beatAt = Number.NEGATIVE_INFINITY
  #beat = false

  get leads(): boolean {
    return this.#leading && this.accepts
  }

  protected get grants(): boolean {
    return this.leads && compareEpochs(this.table.position, this.epoch) === 0
  }

  protected get leadsUntil(): number | undefined {
    return this.#leading ? this.#leaseUntil : undefined
  }

  get ready(): boolean {
    if (this.leads) return this.grants
    return this.loaderName !== undefined && this.current && (this.restored || !this.members.areOwn)
  }

  get role(): 'loader' | 'follower' | 'recovering' | 'joining' {
    if (this.leads) return 'loader'
    if (this.members.areOwn && !this.restored) return 'recovering'
    return this.loaderName === undefined ? 'joining' : 'follower'
  }

  override receive(peer: string, message: Message, now: number): void {
    this.#checkLease(now)
    super.receive(peer, message, now)
  }

  override flush(now: number): void {
    this.#checkLease(now)
    super.flush(now)
  }

  peerDown(peer: string, now: number): void {
    this.now = now
    this.peers.delete(peer)
    this.outflows.delete(peer)
    if (this.#leading) {
      this.ordering.flights.nodeDown(peer, now)
      return
    }
    if (this.epoch.loader === peer) {
      this.dropParts()
      this.lost()
    }
    if (this.elections.promised.loader === peer) this.elections.lost(now)
  }

  tick(now: number): void {
    this.now = now
    this.#checkLease(now)
    if (this.#leading) {
      if (now - this.#beatAt >= this.options.heartbeat) {
        this.#beat = true
        this.#beatAt = now
      }
      if (this.accepts) this.ordering.tick(now)
      else this.#handOver(now)
    } else if (this.loaderName !== undefined && this.elections.isSilent(now)) this.lost()
    this.elections.tick(now)
    this.restoration.tick(now)
  }

  override close(now: number): void {
    if (this.#leading) this.#handOver(now)
    super.close(now)
  }

  protected receiveOwn(peer: string, message: Message, now: number): void {
    if (message.kind === 'appended') return this.#appended(peer, message, now)
    if (message.kind === 'snapshot-received') return this.outflows.get(peer)?.received(message.id, message.index)
    // All else is the business of voters.
    if (!this.members.has(peer)) return
    switch (message.kind) {
      case 'append':
        return this.follow(peer, message, now)
      case 'snapshot':
        return this.followPart(peer, message, now)
      case 'vote-request':
        if (this.members.areOwn) this.elections.requested(peer, message, now)
        return
      case 'vote':
        return this.elections.answered(peer, message, now)
      case 'recover':
        if (this.members.areOwn) this.#recoverAsked(peer, message.incarnation)
        return
      case 'recovered':
        return this.restoration.answered(peer, message, now)
      case 'hand-over':
        if (peer !== this.epoch.loader || compareEpochs(message.epoch, this.epoch) !== 0) return
        if (this.restored && !this.saves.failed) this.elections.campaign(false, message.epoch, now)
    }
  }

  protected greeted(peer: string, _hello: Hello, known: Hello | undefined): void {
    if (known !== undefined) return
    if (this.#leading) this.outflows.set(peer, new Outflow(this.log.last.sequence + 1, true))
    this.restoration.greeted(peer)
  }

  // Beginning and ending to lead.

  protected reign({ epoch, since }: Candidacy, unanimous: boolean, now: number): void {
    this.#leading = true
    this.accepts = this.candidates.includes(this.options.self)
    this.epoch = epoch
    this.unanimous = unanimous
    this.#leaseUntil = since + this.options.lease * LEASE_USED
    this.start = this.log.last.sequence + 1
    this.all = 0
    this.dropParts()
    this.beginReign()
    for (const peer of this.peers.keys()) this.outflows.set(peer, new Outflow(this.start, true))
    if (!this.restored) this.restoration.restore()
    this.ordering.orderOwn({ kind: 'none' }, now)
    this.setLoader(this.accepts ? this.options.self : undefined)
    this.#beat = true
    this.#beatAt = now
  }

  protected abdicate(): void {
    if (!this.#leading) return
    this.#leading = false
    this.accepts = false
    this.endReign()
    this.elections.wait(this.now, this.options.heartbeat)
    this.setLoader(undefined)
  }

  #checkLease(now: number): void {
    this.now = now
    // Alone it is always a majority.
    if (this.members.quorum === 1) this.#leaseUntil = Number.POSITIVE_INFINITY
    if (this.#leading && now >= this.#leaseUntil) this.abdicate()
  }

  #handOver(now: number): void {
    if (this.commit !== this.log.last.sequence) return
    for (const candidate of this.candidates) {
      const outflow = this.outflows.get(candidate)
      if (outflow?.counts !== true || outflow.match !== this.log.last.sequence) continue
      this.send(candidate, { kind: 'hand-over', epoch: this.epoch })
      this.abdicate()
      this.elections.wait(now)
      return
    }
  }

  protected logSaved(now: number): void {
    if (this.#leading) this.#advance(now)
    else this.answerDue = true
  }

  protected restoredNow(): void {
    if (this.#leading) this.#advance(this.now)
  }

  protected ordered(): void {}

  // Leading.

  protected replicate(now: number): void {
    if (!this.#leading) {
      this.answerLoader()
      this.trimLog(Number.POSITIVE_INFINITY)
      return
    }
    this.#advance(now)
    const { epoch, commit, all } = this
    const [accepts, start, unanimous] = [this.accepts, this.start, this.unanimous]
    const head = { epoch, commit, all, sentAt: now, accepts, start, unanimous }
    this.sendAll(head, this.#beat)
    this.#beat = false
  }

  #appended(peer: string, answer: Appended, now: number): void {
    const outflow = this.outflows.get(peer)
    if (outflow === undefined || !this.#leading) return
    if (compareEpochs(answer.epoch, this.epoch) !== 0) return
    if (this.members.isGone(peer, answer.incarnation)) return
    this.members.learn([[peer, answer.incarnation]])
    // It has promised to somebody who was not elected, or all voters have begun anew. Only a later epoch can have it back.
    if (compareEpochs(answer.promised, this.epoch) > 0) return this.elections.promise(answer.promised)
    outflow.counts = answer.restored && this.members.has(peer)
    if (answer.match === undefined) return outflow.mismatched(answer.hint, answer.sentAt)
    outflow.heardAt = Math.max(outflow.heardAt, Math.min(answer.sentAt, now))
    outflow.matched(Math.min(answer.match, this.log.last.sequence))
    const heard = this.#reached((voter) => (voter.counts ? voter.heardAt : Number.NEGATIVE_INFINITY), now)
    this.#leaseUntil = Math.max(this.#leaseUntil, heard + this.options.lease * LEASE_USED)
    this.#advance(now)
  }

  /** What a majority of voters has at least reached. */
  #reached(of: (voter: Outflow) => number, own: number): number {
    return this.members.reached((voter) => {
      if (voter === this.options.self) return own
      const outflow = this.outflows.get(voter)
      return outflow === undefined ? Number.NEGATIVE_INFINITY : of(outflow)
    })
  }

  #advance(now: number): void {
    const own = this.restored && !this.saves.failed ? this.saves.savedTo : 0
    const reached = this.#reached((voter) => (voter.counts ? voter.match : 0), own)
    // What earlier epochs left is committed by an operation of this one: Raft, section 5.4.2.
    if (reached < this.start) return
    this.commitTo(reached, now)
    let all = own
    for (const voter of this.members.names) {
      if (voter === this.options.self) continue
      const outflow = this.outflows.get(voter)
      all = Math.min(all, outflow?.counts ? outflow.match : 0)
    }
    this.all = Math.max(this.all, Math.min(all, this.commit))
  }

  /** Of those that are there it can be waited for that they catch up. */
  protected canAll(): boolean {
    return this.members.names.every((voter) => voter === this.options.self || this.peers.has(voter))
  }

  protected refusal(): Refusal | undefined {
    const { self, loader } = this.options
    const there = (name: string): boolean => name === self || this.peers.has(name)
    const voters = this.members.names.filter(there).length
    if (voters < this.members.quorum) {
      return { code: 'ERR_NO_QUORUM', message: `${voters} of ${this.members.names.length} members are there` }
    }
    if (loader?.some(there) !== false) return undefined
    return { code: 'ERR_NO_LOADER', message: `${loader.join(', ')}: not there, and no other node may order writes` }
  }

  // Voters that have lost their state.

  #recoverAsked(peer: string, incarnation: number): void {
    const known = this.members.incarnationOf(peer)
    const answer = (): void => {
      const { log, epoch } = this
      const leads = this.#leading ? new Version(epoch.epoch, epoch.loader, log.last.sequence) : undefined
      const [promised, restored] = [this.elections.promised, this.restored && !this.saves.failed]
      const { incarnations } = this.members
      const highest = Math.max(known, incarnation)
      this.send(peer, { kind: 'recovered', incarnation, known: highest, promised, restored, incarnations, leads })
    }
    if (incarnation <= known) return answer()
    this.members.learn([[peer, incarnation]])
    this.elections.forget(peer)
    if (this.#leading && this.peers.has(peer)) {
      this.outflows.set(peer, new Outflow(this.log.last.sequence + 1, true))
    }
    this.saves.saveMeta(answer)
  }
}
