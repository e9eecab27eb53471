import type { Version } from '../version.ts'
import type { Meta, ReplicaOptions, Saved } from './action.ts'
import type { Candidacy } from './candidacy.ts'
import { Elections, type ElectionsHost } from './elections.ts'
import { compareEpochs, type Epoch, laterEpoch } from './epoch.ts'
import { Members } from './members.ts'
import type { Append, Appended, Hello, SnapshotPart } from './messages.ts'
import type { LogEntry } from './operation.ts'
import { Replica } from './replica.ts'
import { Restoration } from './restoration.ts'

/** Options of a {@link VoterReplica}. */
export interface VoterOptions extends ReplicaOptions {
  /** The fixed voters. */
  readonly members: readonly string[]
}

/** How a replica of a store with fixed voters follows its loader, and votes. See {@link VoterReplica}. */
export abstract class VoterFollower extends Replica {
  protected readonly members: Members
  /** Those that may take writes, in that order. */
  protected readonly candidates: readonly string[]
  protected readonly elections: Elections
  protected readonly restoration: Restoration
  /** Of the epoch: what its first operation is, whether all voters elected its loader, and whether that takes writes. */
  protected start = 0
  protected unanimous = false
  protected accepts = false
  /** All that was committed when the loader was last heard of is applied here. */
  protected current = false
  /** The loader is to be told how far this node is. */
  protected answerDue = false
  /** The log is the loader's own, up to here; undefined as long as it is not known where it follows on. */
  #verified: number | undefined
  /** What is applied here the loader has never had. */
  #foreign = false
  /** The epoch is written down, so that answers may be given in it. */
  #epochSaved = true
  #lastSentAt = 0

  constructor(options: VoterOptions, saved: Saved | undefined) {
    super(options)
    const { loader, members, self } = options
    this.members = new Members(members, self)
    this.candidates = loader ?? members
    this.elections = new Elections(this.#electionsHost())
    this.restoration = new Restoration(
      {
        members: this.members,
        heartbeat: options.heartbeat,
        isThere: (voter) => this.peers.has(voter),
        send: (to, message) => this.send(to, message),
        saveMeta: (then) => this.saves.saveMeta(then),
        raise: (barrier) => {
          if (compareEpochs(barrier, this.elections.promised) > 0) this.elections.promise(barrier)
        },
        restored: () => {
          this.answerDue = true
          this.restoredNow()
        },
      },
      options.incarnation,
    )
    if (saved === undefined || !options.durable) return
    const { meta, state, entries } = saved
    this.restoration.incarnation = meta.incarnation
    this.members.learn(meta.incarnations)
    this.restoreLog(state, entries)
    this.elections.promised = laterEpoch(meta.promised, this.log.last)
    this.restoration.restored = meta.restored
    this.commit = this.table.position.sequence
  }

  #electionsHost(): ElectionsHost {
    const { heartbeat, lease, self } = this.options
    const place = this.candidates.indexOf(self)
    const rank = place >= 0 ? place : this.candidates.length + this.members.names.indexOf(self)
    const replica = this
    return {
      ...{ self, members: this.members, rank, heartbeat, lease },
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
        return replica.leadsUntil
      },
      get ballot() {
        const { incarnation, restored } = replica.restoration
        return { restored, incarnation, incarnations: replica.members.incarnations }
      },
      isThere: (voter) => this.peers.has(voter),
      send: (to, message) => this.send(to, message),
      saveMeta: (then) => this.saves.saveMeta(then),
      outdated: () => this.abdicate(),
      elected: (...election) => this.reign(...election),
    }
  }

  /** Until when this node leads; undefined: it does not. */
  protected abstract get leadsUntil(): number | undefined
  protected abstract reign(candidacy: Candidacy, unanimous: boolean, now: number): void
  protected abstract abdicate(): void
  /** More may be committed: the voter counts from now on. */
  protected abstract restoredNow(): void

  protected get highestEpoch(): number {
    return Math.max(this.elections.promised.epoch, this.epoch.epoch)
  }

  /** Whether this voter may vote and be counted. */
  get restored(): boolean {
    return this.restoration.restored
  }

  protected hello(answer: boolean): Hello {
    const { client, loader } = this.options
    const setup = JSON.stringify([[...this.members.names].sort(), loader])
    const highest = this.elections.promised.epoch
    return {
      kind: 'hello',
      setup,
      client,
      born: 0,
      established: this.restored,
      leads: this.leadsUntil !== undefined,
      highest,
      answer,
    }
  }

  /** Nobody known takes writes, until a loader is heard of. */
  protected lost(): void {
    this.accepts = false
    this.current = false
    if (this.loaderName !== undefined) this.setLoader(undefined)
  }

  /** Whether what a loader sends is to be heeded. */
  #heed(peer: string, epoch: Epoch, now: number): boolean {
    const order = compareEpochs(epoch, this.elections.promised)
    if (order < 0 || epoch.loader !== peer) return false
    if (compareEpochs(epoch, this.epoch) !== 0) {
      this.elections.promise(epoch)
      this.epoch = epoch
      this.#verified = undefined
      this.#foreign = false
      this.accepts = false
      this.current = false
      this.unanimous = false
      this.dropParts()
      this.setLoader(undefined)
      if (this.members.areOwn && !this.saves.failed) {
        this.#epochSaved = false
        this.saves.saveMeta(() => {
          if (compareEpochs(this.epoch, epoch) !== 0) return
          this.#epochSaved = true
          this.answerDue = true
        })
      }
    }
    this.elections.heard(now)
    return true
  }

  protected follow(peer: string, append: Append, now: number): void {
    if (!this.#heed(peer, append.epoch, now)) return this.#reject(peer, append)
    const { previous, entries, accepts } = append
    if (accepts !== this.accepts) {
      this.accepts = accepts
      this.setLoader(accepts ? peer : undefined)
    }
    this.start = append.start
    this.unanimous = append.unanimous
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
    this.answerDue = true
    this.all = append.all
    this.commitTo(Math.min(append.commit, verified), now)
    const isOfEpoch = compareEpochs(this.table.position, append.epoch) === 0
    if (isOfEpoch && verified >= append.commit) this.current = true
  }

  #reject(peer: string, { epoch, sentAt, previous }: Append): void {
    const applied = this.table.position.sequence
    const hint = previous.sequence > this.log.last.sequence ? this.log.last.sequence : applied
    this.send(peer, { ...this.#answer(epoch, sentAt), match: undefined, hint })
  }

  protected followPart(peer: string, part: SnapshotPart, now: number): void {
    if (this.#heed(peer, part.epoch, now)) this.takePart(peer, part, now)
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
    this.answerDue = true
  }

  protected installed(position: Version, _from: string, _now: number): void {
    this.commit = this.#foreign ? position.sequence : Math.max(this.commit, position.sequence)
    this.#foreign = false
    this.caughtUp(position)
  }

  protected commitTo(sequence: number, now: number): void {
    if (sequence <= this.commit) return
    this.commit = sequence
    this.applyTo(sequence, this.epoch.loader, now)
  }

  #answer(epoch: Epoch, sentAt: number): Appended {
    const restored = this.restored && !this.saves.failed
    const [promised, incarnation] = [this.elections.promised, this.restoration.incarnation]
    // Without its disk it follows on, and nobody counts it.
    const match = Math.min(this.saves.failed ? Number.POSITIVE_INFINITY : this.saves.savedTo, this.#verified ?? 0)
    return { kind: 'appended', epoch, match, hint: match, promised, sentAt, restored, incarnation }
  }

  /** Tells the loader how far this node is, once that is due and may be said. */
  protected answerLoader(): void {
    this.#checkRestored()
    const mayAnswer = this.#epochSaved && this.#verified !== undefined && this.peers.has(this.epoch.loader)
    if (!this.answerDue || !mayAnswer) return
    this.answerDue = false
    this.send(this.epoch.loader, this.#answer(this.epoch, this.#lastSentAt))
  }

  protected diskLost(): void {
    this.abdicate()
    this.elections.withdraw()
    this.#epochSaved = true
    this.answerDue = true
  }

  protected meta(): Meta {
    const { incarnation, willBe: restored } = this.restoration
    return { promised: this.elections.promised, incarnation, incarnations: this.members.incarnations, restored }
  }

  #checkRestored(): void {
    if (!this.restoration.isNeeded || this.saves.failed) return
    const { epoch } = this
    const reached = Math.min(this.saves.savedTo, this.#verified ?? 0)
    const unanimous = this.unanimous && compareEpochs(this.elections.voted, epoch) === 0
    this.restoration.check({ epoch, start: this.start, reached, unanimous })
  }
}
