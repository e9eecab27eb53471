import { Version } from '../version.ts'
import type { Meta, ReplicaOptions, Saved } from './action.ts'
import type { Candidacy } from './candidacy.ts'
import { Elections, type ElectionsHost } from './elections.ts'
import { compareEpochs, type Epoch, laterEpoch } from './epoch.ts'
import { Members } from './members.ts'
import type { Append, Appended, Hello, Message, SnapshotPart } from './messages.ts'
import type { LogEntry } from './operation.ts'
import { Outflow } from './outflow.ts'
import type { Refusal } from './own-requests.ts'
import { Replica } from './replica.ts'
import { Restoration } from './restoration.ts'

/** Options of a {@link VoterReplica}. */
export interface VoterOptions extends ReplicaOptions {
  /** The fixed voters. */
  readonly members: readonly string[]
}

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
export class VoterReplica extends Replica {
  readonly #members: Members
  readonly #candidates: readonly string[]
  readonly #elections: Elections
  readonly #restoration: Restoration
  #leading = false
  #leaseUntil = Number.NEGATIVE_INFINITY
  #beatAt = Number.NEGATIVE_INFINITY
  #beat = false
  /** Of the epoch: what its first operation is, and whether all voters elected its loader. */
  #start = 0
  #unanimous = false
  #accepts = false
  /** All that was committed when the loader was last heard of is applied here. */
  #current = false
  /** The log is the loader's own, up to here; undefined as long as it is not known where it follows on. */
  #verified: number | undefined
  /** What is applied here the loader has never had. */
  #foreign = false
  /** The epoch is written down, so that answers may be given in it. */
  #epochSaved = true
  #answerDue = false
  #lastSentAt = 0

  constructor(options: VoterOptions, saved: Saved | undefined) {
    super(options)
    const { loader, members, self } = options
    this.#members = new Members(members, self)
    this.#candidates = loader ?? members
    this.#elections = new Elections(this.#electionsHost())
    this.#restoration = new Restoration(
      {
        members: this.#members,
        heartbeat: options.heartbeat,
        isThere: (voter) => this.peers.has(voter),
        send: (to, message) => this.send(to, message),
        saveMeta: (then) => this.saves.saveMeta(then),
        raise: (barrier) => {
          if (compareEpochs(barrier, this.#elections.promised) > 0) this.#elections.promise(barrier)
        },
        restored: () => {
          this.#answerDue = true
          if (this.#leading) this.#advance(this.now)
        },
      },
      options.incarnation,
    )
    if (saved === undefined || !options.durable) return
    const { meta, state, entries } = saved
    this.#restoration.incarnation = meta.incarnation
    this.#members.learn(meta.incarnations)
    this.restoreLog(state, entries)
    this.#elections.promised = laterEpoch(meta.promised, this.log.last)
    this.#restoration.restored = meta.restored
    this.commit = this.table.position.sequence
  }

  #electionsHost(): ElectionsHost {
    const { heartbeat, lease, self } = this.options
    const place = this.#candidates.indexOf(self)
    const rank = place >= 0 ? place : this.#candidates.length + this.#members.names.indexOf(self)
    const replica = this
    return {
      ...{ self, members: this.#members, rank, heartbeat, lease },
      get restored() {
        return replica.restored
      },
      get failed() {
        return replica.saves.failed
      },
      get last() {
        return replica.log.last
      },
      get epoch() {
        return replica.epoch
      },
      get leadsUntil() {
        return replica.#leading ? replica.#leaseUntil : undefined
      },
      get ballot() {
        const { incarnation, restored } = replica.#restoration
        return { restored, incarnation, incarnations: replica.#members.incarnations }
      },
      isThere: (voter) => this.peers.has(voter),
      send: (to, message) => this.send(to, message),
      saveMeta: (then) => this.saves.saveMeta(then),
      outdated: () => this.#abdicate(),
      elected: (...election) => this.#reign(...election),
    }
  }

  get leads(): boolean {
    return this.#leading && this.#accepts
  }

  protected get grants(): boolean {
    return this.leads && compareEpochs(this.table.position, this.epoch) === 0
  }

  protected get highestEpoch(): number {
    return Math.max(this.#elections.promised.epoch, this.epoch.epoch)
  }

  get ready(): boolean {
    if (this.leads) return this.grants
    return this.loaderName !== undefined && this.#current && (this.restored || !this.#members.areOwn)
  }

  get role(): 'loader' | 'follower' | 'recovering' | 'joining' {
    if (this.leads) return 'loader'
    if (this.#members.areOwn && !this.restored) return 'recovering'
    return this.loaderName === undefined ? 'joining' : 'follower'
  }

  /** Whether this voter may vote and be counted. */
  get restored(): boolean {
    return this.#restoration.restored
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
      this.#lost()
    }
    if (this.#elections.promised.loader === peer) this.#elections.lost(now)
  }

  /** Nobody known takes writes, until a loader is heard of. */
  #lost(): void {
    this.#accepts = false
    this.#current = false
    if (this.loaderName !== undefined) this.setLoader(undefined)
  }

  tick(now: number): void {
    this.now = now
    this.#checkLease(now)
    if (this.#leading) {
      if (now - this.#beatAt >= this.options.heartbeat) {
        this.#beat = true
        this.#beatAt = now
      }
      if (this.#accepts) this.ordering.tick(now)
      else this.#handOver(now)
    } else if (this.loaderName !== undefined && this.#elections.isSilent(now)) this.#lost()
    this.#elections.tick(now)
    this.#restoration.tick(now)
  }

  override close(now: number): void {
    if (this.#leading) this.#handOver(now)
    super.close(now)
  }

  protected receiveOwn(peer: string, message: Message, now: number): void {
    if (message.kind === 'appended') return this.#appended(peer, message, now)
    if (message.kind === 'snapshot-received') return this.outflows.get(peer)?.received(message.id, message.index)
    // All else is the business of voters.
    if (!this.#members.has(peer)) return
    switch (message.kind) {
      case 'append':
        return this.#append(peer, message, now)
      case 'snapshot':
        return this.#part(peer, message, now)
      case 'vote-request':
        if (this.#members.areOwn) this.#elections.requested(peer, message, now)
        return
      case 'vote':
        return this.#elections.answered(peer, message, now)
      case 'recover':
        if (this.#members.areOwn) this.#recoverAsked(peer, message.incarnation)
        return
      case 'recovered':
        return this.#restoration.answered(peer, message, now)
      case 'hand-over':
        if (peer !== this.epoch.loader || compareEpochs(message.epoch, this.epoch) !== 0) return
        if (this.restored && !this.saves.failed) this.#elections.campaign(false, message.epoch, now)
    }
  }

  protected hello(answer: boolean): Hello {
    const { client, loader } = this.options
    const setup = JSON.stringify([[...this.#members.names].sort(), loader])
    const highest = this.#elections.promised.epoch
    return { kind: 'hello', setup, client, born: 0, established: this.restored, leads: this.#leading, highest, answer }
  }

  protected greeted(peer: string, _hello: Hello, known: Hello | undefined): void {
    if (known !== undefined) return
    if (this.#leading) this.outflows.set(peer, new Outflow(this.log.last.sequence + 1, true))
    this.#restoration.greeted(peer)
  }

  // Beginning and ending to lead.

  #reign({ epoch, since }: Candidacy, unanimous: boolean, now: number): void {
    this.#leading = true
    this.#accepts = this.#candidates.includes(this.options.self)
    this.epoch = epoch
    this.#unanimous = unanimous
    this.#leaseUntil = since + this.options.lease * LEASE_USED
    this.#start = this.log.last.sequence + 1
    this.all = 0
    this.dropParts()
    this.beginReign()
    for (const peer of this.peers.keys()) this.outflows.set(peer, new Outflow(this.#start, true))
    if (!this.restored) this.#restoration.restore()
    this.ordering.orderOwn({ kind: 'none' }, now)
    this.setLoader(this.#accepts ? this.options.self : undefined)
    this.#beat = true
    this.#beatAt = now
  }

  #abdicate(): void {
    if (!this.#leading) return
    this.#leading = false
    this.#accepts = false
    this.endReign()
    this.#elections.wait(this.now, this.options.heartbeat)
    this.setLoader(undefined)
  }

  #checkLease(now: number): void {
    this.now = now
    // Alone it is always a majority.
    if (this.#members.quorum === 1) this.#leaseUntil = Number.POSITIVE_INFINITY
    if (this.#leading && now >= this.#leaseUntil) this.#abdicate()
  }

  #handOver(now: number): void {
    if (this.commit !== this.log.last.sequence) return
    for (const candidate of this.#candidates) {
      const outflow = this.outflows.get(candidate)
      if (outflow?.counts !== true || outflow.match !== this.log.last.sequence) continue
      this.send(candidate, { kind: 'hand-over', epoch: this.epoch })
      this.#abdicate()
      this.#elections.wait(now)
      return
    }
  }

  // Following.

  /** Whether what a loader sends is to be heeded. */
  #follow(peer: string, epoch: Epoch, now: number): boolean {
    const order = compareEpochs(epoch, this.#elections.promised)
    if (order < 0 || epoch.loader !== peer) return false
    if (compareEpochs(epoch, this.epoch) !== 0) {
      this.#elections.promise(epoch)
      this.epoch = epoch
      this.#verified = undefined
      this.#foreign = false
      this.#accepts = false
      this.#current = false
      this.#unanimous = false
      this.dropParts()
      this.setLoader(undefined)
      if (this.#members.areOwn && !this.saves.failed) {
        this.#epochSaved = false
        this.saves.saveMeta(() => {
          if (compareEpochs(this.epoch, epoch) !== 0) return
          this.#epochSaved = true
          this.#answerDue = true
        })
      }
    }
    this.#elections.heard(now)
    return true
  }

  #append(peer: string, append: Append, now: number): void {
    if (!this.#follow(peer, append.epoch, now)) return this.#reject(peer, append)
    const { previous, entries, accepts } = append
    if (accepts !== this.#accepts) {
      this.#accepts = accepts
      this.setLoader(accepts ? peer : undefined)
    }
    this.#start = append.start
    this.#unanimous = append.unanimous
    this.#lastSentAt = append.sentAt
    if (this.log.at(previous.sequence)?.equals(previous) !== true) {
      // All voters have begun anew: what is here is of another history.
      if (previous.sequence <= this.table.position.sequence && !this.restored) this.#foreign = true
      return this.#reject(peer, append)
    }
    for (const entry of entries) {
      const { sequence } = entry.version
      if (sequence <= this.table.position.sequence) continue
      const there = this.log.at(sequence)
      if (there?.equals(entry.version)) continue
      if (there !== undefined) this.truncate(sequence - 1)
      this.log.append(entry)
    }
    const verified = Math.max(this.#verified ?? 0, previous.sequence + entries.length)
    this.#verified = verified
    this.#answerDue = true
    this.all = append.all
    this.#commitTo(Math.min(append.commit, verified), now)
    const isOfEpoch = compareEpochs(this.table.position, append.epoch) === 0
    if (isOfEpoch && verified >= append.commit) this.#current = true
  }

  #reject(peer: string, { epoch, sentAt, previous }: Append): void {
    const applied = this.table.position.sequence
    const hint = previous.sequence > this.log.last.sequence ? this.log.last.sequence : applied
    this.send(peer, { ...this.#answer(epoch, sentAt), match: undefined, hint })
  }

  #part(peer: string, part: SnapshotPart, now: number): void {
    if (this.#follow(peer, part.epoch, now)) this.takePart(peer, part, now)
  }

  protected isStale(position: Version): boolean {
    return !this.#foreign && position.sequence <= this.table.position.sequence
  }

  /** Acknowledged, it may be committed by now: Raft, figure 13, step 6. */
  protected tailAfter(position: Version): readonly LogEntry[] {
    if (this.log.at(position.sequence)?.equals(position) !== true) return []
    return this.log.after(position.sequence, Number.POSITIVE_INFINITY)
  }

  protected override caughtUp(position: Version): void {
    this.#verified = Math.max(this.#verified ?? 0, position.sequence)
    this.#answerDue = true
  }

  protected installed(position: Version, _from: string, _now: number): void {
    this.commit = this.#foreign ? position.sequence : Math.max(this.commit, position.sequence)
    this.#foreign = false
    this.caughtUp(position)
  }

  #commitTo(sequence: number, now: number): void {
    if (sequence <= this.commit) return
    this.commit = sequence
    this.applyTo(sequence, this.epoch.loader, now)
  }

  #answer(epoch: Epoch, sentAt: number): Appended {
    const restored = this.restored && !this.saves.failed
    const [promised, incarnation] = [this.#elections.promised, this.#restoration.incarnation]
    // Without its disk it follows on, and nobody counts it.
    const match = Math.min(this.saves.failed ? Number.POSITIVE_INFINITY : this.saves.savedTo, this.#verified ?? 0)
    return { kind: 'appended', epoch, match, hint: match, promised, sentAt, restored, incarnation }
  }

  protected logSaved(now: number): void {
    if (this.#leading) this.#advance(now)
    else this.#answerDue = true
  }

  protected ordered(): void {}

  protected diskLost(): void {
    this.#abdicate()
    this.#elections.withdraw()
    this.#epochSaved = true
    this.#answerDue = true
  }

  protected meta(): Meta {
    const { incarnation, willBe: restored } = this.#restoration
    return { promised: this.#elections.promised, incarnation, incarnations: this.#members.incarnations, restored }
  }

  // Leading.

  protected replicate(now: number): void {
    if (!this.#leading) {
      this.#checkRestored()
      const mayAnswer = this.#epochSaved && this.#verified !== undefined && this.peers.has(this.epoch.loader)
      if (this.#answerDue && mayAnswer) {
        this.#answerDue = false
        this.send(this.epoch.loader, this.#answer(this.epoch, this.#lastSentAt))
      }
      this.trimLog(Number.POSITIVE_INFINITY)
      return
    }
    this.#advance(now)
    const { epoch, commit, all } = this
    const [accepts, start, unanimous] = [this.#accepts, this.#start, this.#unanimous]
    const head = { epoch, commit, all, sentAt: now, accepts, start, unanimous }
    this.sendAll(head, this.#beat)
    this.#beat = false
  }

  #appended(peer: string, answer: Appended, now: number): void {
    const outflow = this.outflows.get(peer)
    if (outflow === undefined || !this.#leading) return
    if (compareEpochs(answer.epoch, this.epoch) !== 0) return
    if (this.#members.isGone(peer, answer.incarnation)) return
    this.#members.learn([[peer, answer.incarnation]])
    // It has promised to somebody who was not elected, or all voters have begun anew. Only a later epoch can have it back.
    if (compareEpochs(answer.promised, this.epoch) > 0) return this.#elections.promise(answer.promised)
    outflow.counts = answer.restored && this.#members.has(peer)
    if (answer.match === undefined) return outflow.mismatched(answer.hint, answer.sentAt)
    outflow.heardAt = Math.max(outflow.heardAt, Math.min(answer.sentAt, now))
    outflow.matched(Math.min(answer.match, this.log.last.sequence))
    const heard = this.#reached((voter) => (voter.counts ? voter.heardAt : Number.NEGATIVE_INFINITY), now)
    this.#leaseUntil = Math.max(this.#leaseUntil, heard + this.options.lease * LEASE_USED)
    this.#advance(now)
  }

  /** What a majority of voters has at least reached. */
  #reached(of: (voter: Outflow) => number, own: number): number {
    return this.#members.reached((voter) => {
      if (voter === this.options.self) return own
      const outflow = this.outflows.get(voter)
      return outflow === undefined ? Number.NEGATIVE_INFINITY : of(outflow)
    })
  }

  #advance(now: number): void {
    const own = this.restored && !this.saves.failed ? this.saves.savedTo : 0
    const reached = this.#reached((voter) => (voter.counts ? voter.match : 0), own)
    // What earlier epochs left is committed by an operation of this one: Raft, section 5.4.2.
    if (reached < this.#start) return
    this.#commitTo(reached, now)
    let all = own
    for (const voter of this.#members.names) {
      if (voter === this.options.self) continue
      const outflow = this.outflows.get(voter)
      all = Math.min(all, outflow?.counts ? outflow.match : 0)
    }
    this.all = Math.max(this.all, Math.min(all, this.commit))
  }

  /** Of those that are there it can be waited for that they catch up. */
  protected canAll(): boolean {
    return this.#members.names.every((voter) => voter === this.options.self || this.peers.has(voter))
  }

  protected refusal(): Refusal | undefined {
    const { self, loader } = this.options
    const there = (name: string): boolean => name === self || this.peers.has(name)
    const voters = this.#members.names.filter(there).length
    if (voters < this.#members.quorum) {
      return { code: 'ERR_NO_QUORUM', message: `${voters} of ${this.#members.names.length} members are there` }
    }
    if (loader?.some(there) !== false) return undefined
    return { code: 'ERR_NO_LOADER', message: `${loader.join(', ')}: not there, and no other node may order writes` }
  }

  // Voters that have lost their state.

  #recoverAsked(peer: string, incarnation: number): void {
    const known = this.#members.incarnationOf(peer)
    const answer = (): void => {
      const { log, epoch } = this
      const leads = this.#leading ? new Version(epoch.epoch, epoch.loader, log.last.sequence) : undefined
      const [promised, restored] = [this.#elections.promised, this.restored && !this.saves.failed]
      const { incarnations } = this.#members
      const highest = Math.max(known, incarnation)
      this.send(peer, { kind: 'recovered', incarnation, known: highest, promised, restored, incarnations, leads })
    }
    if (incarnation <= known) return answer()
    this.#members.learn([[peer, incarnation]])
    this.#elections.forget(peer)
    if (this.#leading && this.peers.has(peer)) {
      this.outflows.set(peer, new Outflow(this.log.last.sequence + 1, true))
    }
    this.saves.saveMeta(answer)
  }

  #checkRestored(): void {
    if (!this.#restoration.isNeeded || this.saves.failed) return
    const { epoch } = this
    const reached = Math.min(this.saves.savedTo, this.#verified ?? 0)
    const unanimous = this.#unanimous && compareEpochs(this.#elections.voted, epoch) === 0
    this.#restoration.check({ epoch, start: this.#start, reached, unanimous })
  }
}
