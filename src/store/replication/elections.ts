import type { Version } from '../version.ts'
import { type Ballot, Candidacy } from './candidacy.ts'
import { compareEpochs, type Epoch, noEpoch } from './epoch.ts'
import type { Members } from './members.ts'
import type { Message, Vote, VoteRequest } from './messages.ts'

/** What elections need of the voter. */
export interface ElectionsHost {
  readonly self: string
  readonly members: Members
  /** Where the voter stands among those that may be elected. */
  readonly rank: number
  readonly heartbeat: number
  readonly lease: number
  /** It has the state it should have. */
  readonly restored: boolean
  /** Its disk does not take anything any more. */
  readonly failed: boolean
  /** The last operation of its log. */
  readonly last: Version
  /** The epoch it follows, or leads. */
  readonly epoch: Epoch
  /** Until when it leads; undefined: it does not. */
  readonly leadsUntil: number | undefined
  readonly ballot: Ballot
  isThere(voter: string): boolean
  send(to: string, message: Message): void
  saveMeta(then: () => void): void
  /** It leads no more: there is a later epoch. */
  outdated(): void
  elected(candidacy: Candidacy, unanimous: boolean, now: number): void
}

/** What a voter has promised, whom it votes for, and when it wants to be elected itself. See {@link VoterReplica}. */
export class Elections {
  /** Nothing earlier is followed. */
  promised: Epoch = noEpoch
  /** The epoch this incarnation has given its vote to last. */
  voted: Epoch = noEpoch
  readonly #host: ElectionsHost
  #candidacy: Candidacy | undefined
  #electionAt: number | undefined
  /** The last sign of life of a loader. */
  #heardAt = Number.NEGATIVE_INFINITY

  constructor(host: ElectionsHost) {
    this.#host = host
  }

  /** Asks for votes when it is time. */
  tick(now: number): void {
    const { heartbeat, members, rank, restored, failed, leadsUntil } = this.#host
    this.#electionAt ??= now + heartbeat + (rank * heartbeat) / 2
    if (leadsUntil !== undefined || now < this.#electionAt || !members.areOwn || failed) return
    // Without its state a voter needs the votes of all, so that it is enough when one of those tries.
    if (restored || rank === 0) this.campaign(true, undefined, now)
  }

  /** Whether there was no sign of life of a loader for a lease. */
  isSilent(now: number): boolean {
    return now >= this.#heardAt + this.#host.lease
  }

  /** There is a loader, and it lives. */
  heard(now: number): void {
    this.#candidacy = undefined
    this.#heardAt = now
    this.wait(now)
  }

  /** There is nobody to be loyal to any more. Those that still hear of the loader will not elect anybody else. */
  lost(now: number): void {
    this.#heardAt = Number.NEGATIVE_INFINITY
    this.#electionAt = now + this.#host.heartbeat / 4 + this.#stagger
  }

  /** Others are to be elected first: it tries itself after so many milliseconds. */
  wait(now: number, time = this.#host.lease): void {
    this.#electionAt = now + time + this.#stagger
  }

  /** Follows nothing earlier from now on. */
  promise(epoch: Epoch): void {
    this.promised = epoch
    if (this.#candidacy !== undefined && compareEpochs(epoch, this.#candidacy.epoch) > 0) this.#candidacy = undefined
    this.#host.outdated()
  }

  withdraw(): void {
    this.#candidacy = undefined
  }

  /** A voter has lost its state: its vote counts no more. */
  forget(voter: string): void {
    this.#candidacy?.withdrawn(voter)
  }

  /** `trial`: asks only whether it would be elected. `handedOver`: the loader of this epoch wants it to be. */
  campaign(trial: boolean, handedOver: Epoch | undefined, now: number): void {
    const { heartbeat, members, rank, self } = this.#host
    this.#electionAt = now + (trial ? heartbeat / 2 : 2 * heartbeat) + (rank * heartbeat) / 4
    const epoch = { epoch: this.promised.epoch + 1, loader: self }
    const candidacy = new Candidacy(epoch, trial, now)
    this.#candidacy = candidacy
    const ask = (): void => {
      if (this.#candidacy !== candidacy) return
      candidacy.voted(self, this.#host.ballot)
      const request: VoteRequest = { kind: 'vote-request', epoch, last: this.#host.last, trial, handedOver }
      for (const voter of members.names) if (this.#host.isThere(voter)) this.#host.send(voter, request)
      this.#count(now)
    }
    if (trial) return ask()
    this.promise(epoch)
    this.voted = epoch
    this.#host.saveMeta(ask)
  }

  requested(peer: string, { epoch, trial, last, handedOver }: VoteRequest, now: number): void {
    const host = this.#host
    if (host.failed || epoch.loader !== peer) return
    const isLater = compareEpochs(epoch, this.promised) > 0
    const granted = isLater && this.#mayFollow(handedOver, now) && (!host.restored || last.compare(host.last) >= 0)
    const answer = (): void => {
      host.send(peer, { kind: 'vote', epoch, trial, granted, promised: this.promised, ...host.ballot })
    }
    if (!granted || trial) return answer()
    this.promise(epoch)
    this.voted = epoch
    if (host.restored) this.#heardAt = now
    this.wait(now)
    host.saveMeta(answer)
  }

  answered(peer: string, vote: Vote, now: number): void {
    const { members } = this.#host
    const candidacy = this.#candidacy
    members.learn(vote.incarnations)
    if (candidacy === undefined || candidacy.trial !== vote.trial) return
    if (compareEpochs(candidacy.epoch, vote.epoch) !== 0) return
    if (!vote.granted) {
      // The next candidacy begins above it. Nothing is promised by that.
      if (compareEpochs(vote.promised, this.promised) > 0) this.promise(vote.promised)
      return
    }
    members.learn([[peer, vote.incarnation]])
    candidacy.voted(peer, vote)
    this.#count(now)
  }

  #count(now: number): void {
    const { members } = this.#host
    const candidacy = this.#candidacy
    if (candidacy === undefined) return
    const { given, restored } = candidacy.count((voter, incarnation) => members.isGone(voter, incarnation))
    const unanimous = given === members.names.length
    if (!unanimous && restored < members.quorum) return
    if (candidacy.trial) return this.campaign(false, undefined, now)
    this.#candidacy = undefined
    this.#host.elected(candidacy, unanimous, now)
  }

  /** Whether a voter owes nothing to another loader. */
  #mayFollow(handedOver: Epoch | undefined, now: number): boolean {
    const { epoch, leadsUntil } = this.#host
    if (handedOver !== undefined && compareEpochs(handedOver, epoch) === 0) return true
    return leadsUntil === undefined ? this.isSilent(now) : now >= leadsUntil
  }

  get #stagger(): number {
    return (this.#host.rank * this.#host.heartbeat) / 2
  }
}
