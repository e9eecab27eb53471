import type { Meta, ReplicaOptions, Saved } from './action.ts'
import { compareEpochs, noEpoch } from './epoch.ts'
import { Joiners } from './joiners.ts'
import type { Appended, Hello, Join, Message } from './messages.ts'
import { OpenFollower } from './open-follower.ts'
import { Outflow } from './outflow.ts'
import type { Refusal } from './own-requests.ts'
import { type Candidate, firstInLine } from './succession.ts'

/** Options of an {@link OpenReplica}. */
export interface OpenOptions extends ReplicaOptions {
  /** Milliseconds since 1970 at which the store was opened: of several that could be loader the oldest is. */
  readonly born: number
}

/**
 * A replica of a store without fixed voters: whoever is connected takes part, and availability comes first.
 *
 * **The loader** of connected nodes is, if `loader` names some, the first of those; else the oldest. Nodes that have taken part
 * before come before those that have not, so that an empty node never leads where there is data; and without names
 * who leads already comes before who does not. Everybody applies the same rule to what the others said in their hello.
 * Who finds that it is another one's turn joins that one; who finds that it is its own begins an epoch.
 *
 * **Writes** are applied by the loader at once, and by each follower as they come. A majority, or all, are those of the nodes
 * that follow at that moment, the loader included.
 *
 * **Partitions**: both sides go on, each with a loader and epochs of its own. Every replica knows of each epoch how far its own
 * state covers it. Who joins says so; if that is more than the loader covers, the joiner first offers its state: all its
 * keys with their versions, and the values of those versions that the loader does not cover. Two such states tell of
 * each key who knew what: a version that the other side covers and does not have any more was replaced or deleted
 * there; one that it does not cover is news. Of news on both sides the loader's stays and the other is discarded, with
 * a conflict event. What the offer changes, and what stood against it, is written anew with higher versions, in an
 * epoch above all of both sides. Then the joiner takes over the loader's state. So the side that wins is that of the
 * loader that goes first by the rule above.
 *
 * **Silence**: who should lead and has not been heard of for a `lease`, and a follower the loader has not heard of for as
 * long, is treated as if its connection were gone, until it is heard of again. A node that was paused itself gives the
 * others another `lease`.
 *
 * Epochs are named after the incarnation of their loader: a node that lost its state may begin with the same number again.
 *
 * It is the same when a loader dies and its followers had got differently far: nothing that one of them had is lost.
 */
export class OpenReplica extends OpenFollower {
  readonly #joiners: Joiners
  readonly #born: number
  #leading = false
  /** Until then it waits for others to be found, before it leads alone. */
  #graceUntil: number | undefined
  /** When it was last heard of who is followed, or to be. */
  #aliveAt = Number.NEGATIVE_INFINITY
  #tickedAt = Number.NEGATIVE_INFINITY
  /** Not heard of for a lease when they should have led. They are asked again and again whether they are there. */
  readonly #silent = new Set<string>()
  #askedAt = Number.NEGATIVE_INFINITY
  /** Those that have values which this loader may not have yet, and until when they are waited for. */
  readonly #awaited = new Set<string>()
  #awaitUntil = Number.NEGATIVE_INFINITY
  #beatAt = Number.NEGATIVE_INFINITY
  #beat = false

  constructor(options: OpenOptions, saved: Saved | undefined) {
    super(options)
    this.#born = options.born
    this.#joiners = new Joiners({
      table: this.table,
      heeds: options.heeds,
      send: (to, message) => this.send(to, message),
      order: (operation, now) => this.ordering.orderOwn(operation, now),
      raise: (epoch, now) => {
        if (epoch < this.epoch.epoch) return
        this.highest = Math.max(this.highest, epoch)
        this.#beginEpoch(now)
      },
      takeIn: (peer, join) => this.#takeIn(peer, join),
      estrange: (peer, why) => this.emit({ kind: 'estranged', peer, why }),
    })
    if (saved !== undefined && options.durable) this.restoreLog(saved.state, saved.entries)
    this.applyTo(this.log.last.sequence, options.self, 0)
    this.established = this.table.position.epoch > 0
    this.highest = Math.max(this.table.knowledge.highest, saved?.meta.promised.epoch ?? 0)
    this.epoch = this.table.position.epoch === 0 ? noEpoch : this.table.position
  }

  get leads(): boolean {
    return this.#leading
  }

  protected get grants(): boolean {
    return this.#leading
  }

  get ready(): boolean {
    if (this.#leading) return this.#awaited.size === 0
    return this.hasCaughtUp
  }

  get role(): 'loader' | 'follower' | 'joining' | 'alone' {
    if (this.#leading) return 'loader'
    if (this.target === undefined) return 'alone'
    return this.following ? 'follower' : 'joining'
  }

  override receive(peer: string, message: Message, now: number): void {
    const wasSilent = this.#silent.delete(peer)
    if (peer === this.target) this.#aliveAt = now
    this.outflows.get(peer)?.alive(now)
    super.receive(peer, message, now)
    if (wasSilent) this.#decide(now)
  }

  /** The last part of a merge is done in pieces. */
  override get busy(): boolean {
    return this.#joiners.busy
  }

  peerDown(peer: string, now: number): void {
    this.now = now
    this.peers.delete(peer)
    this.#silent.delete(peer)
    this.#awaited.delete(peer)
    this.#left(peer, now)
    this.#decide(now)
  }

  #left(peer: string, now: number): void {
    this.outflows.delete(peer)
    this.#joiners.left(peer)
    if (this.#leading) this.ordering.flights.nodeDown(peer, now)
  }

  tick(now: number): void {
    this.now = now
    const { heartbeat, lease } = this.options
    this.#graceUntil ??= now + heartbeat
    const wasPaused = now - this.#tickedAt >= lease / 2
    this.#tickedAt = now
    if (wasPaused) this.#allAlive(now)
    if (this.#leading) {
      this.#dropSilent(now)
      if (now - this.#beatAt >= heartbeat) {
        this.#beat = true
        this.#beatAt = now
        // Those that have to wait for others are to know that there is somebody.
        for (const peer of this.#joiners.names) this.send(peer, this.hello(false))
      }
      this.ordering.tick(now)
      this.#joiners.serve(now)
    }
    if (this.target !== undefined && now - this.#aliveAt >= lease) this.#silent.add(this.target)
    if (now - this.#askedAt >= heartbeat) {
      this.#askedAt = now
      for (const peer of this.#silent) this.send(peer, this.hello(true))
    }
    this.#decide(now)
    if (this.target !== undefined && !this.#leading && this.isLost(now)) this.join(this.target, now)
  }

  protected receiveOwn(peer: string, message: Message, now: number): void {
    this.now = now
    switch (message.kind) {
      case 'join':
        this.#left(peer, now)
        // It comes again when it hears that this node leads.
        if (this.#leading) this.#joiners.add(peer, message, now)
        return
      case 'leave':
        this.#left(peer, now)
        if (peer === this.target) this.join(peer, now)
        return
      case 'offer':
        return this.#joiners.offered(peer, message, now)
      case 'appended':
        return this.#appended(peer, message)
      case 'snapshot-received':
        return this.outflows.get(peer)?.received(message.id, message.index)
      default:
        if (peer === this.target) this.follow(peer, message, now)
    }
  }

  // Who leads.

  protected hello(answer: boolean): Hello {
    const { client, loader } = this.options
    return {
      kind: 'hello',
      setup: JSON.stringify([null, loader]),
      client,
      born: this.#born,
      established: this.established,
      leads: this.#leading,
      highest: this.highest,
      answer,
    }
  }

  protected greeted(peer: string, hello: Hello, known: Hello | undefined, now: number): void {
    this.highest = Math.max(this.highest, hello.highest)
    if (known === undefined && hello.established) this.#await(peer, now)
    const target = this.target
    this.#decide(now)
    if (peer === target && peer === this.target && hello.leads && known?.leads === false) this.join(peer, now)
  }

  #decide(now: number): void {
    if (this.#graceUntil === undefined) return
    const target = this.#elect(now)
    const { self } = this.options
    if (target === self) {
      if (!this.#leading) this.#reign(now)
      return
    }
    if (target === this.target && !this.#leading) return
    if (this.target !== undefined && this.peers.has(this.target)) this.send(this.target, { kind: 'leave' })
    this.target = target
    this.#aliveAt = now
    this.stopFollowing()
    if (this.#leading) {
      this.#leading = false
      this.#joiners.clear()
      this.endReign()
      this.proclaim()
    }
    this.setLoader(undefined)
    if (target !== undefined) this.join(target, now)
  }

  /** The loader there should be. Nobody, if nobody may be, or as long as others may still be found. */
  #elect(now: number): string | undefined {
    const { self, loader } = this.options
    const candidates: Candidate[] = []
    for (const [name, hello] of this.peers) if (!this.#silent.has(name)) candidates.push({ name, hello })
    if (!this.saves.failed) candidates.push({ name: self, hello: this.hello(false) })
    const first = firstInLine(candidates, loader)?.name
    return first === self && !this.established && now < (this.#graceUntil as number) ? undefined : first
  }

  #reign(now: number): void {
    if (this.target !== undefined && this.peers.has(this.target)) this.send(this.target, { kind: 'leave' })
    this.target = undefined
    this.stopFollowing()
    this.#leading = true
    this.established = true
    this.commit = 0
    this.all = 0
    this.#awaited.clear()
    for (const [name, { established }] of this.peers) if (established) this.#await(name, now)
    this.beginReign()
    this.#beginEpoch(now)
    this.setLoader(this.options.self)
    this.proclaim()
    this.#joiners.serve(now)
  }

  /** A loader is not ready before it has what this one has, unless that takes longer than a lease. */
  #await(peer: string, now: number): void {
    if (!this.#leading || this.#silent.has(peer)) return
    this.#awaited.add(peer)
    this.#awaitUntil = now + this.options.lease
  }

  #beginEpoch(now: number): void {
    this.highest = Math.max(this.highest, this.table.knowledge.highest) + 1
    this.epoch = { epoch: this.highest, loader: this.options.client }
    this.ordering.orderOwn({ kind: 'none' }, now)
  }

  // Leading.

  protected ordered(now: number): void {
    this.applyTo(this.log.last.sequence, this.options.self, now)
  }

  /** Nobody is to blame for what was not heard while this node was paused. */
  #allAlive(now: number): void {
    this.#aliveAt = now
    for (const outflow of this.outflows.values()) outflow.alive(now)
    this.#joiners.alive(now)
  }

  /** Followers, and joiners whose turn it is, that say nothing hold up the others no longer. They join again when they hear of it. */
  #dropSilent(now: number): void {
    const { lease } = this.options
    if (now >= this.#awaitUntil) this.#awaited.clear()
    for (const [peer, { heardAt }] of this.outflows) if (now - heardAt >= lease) this.#drop(peer, now)
    const silent = this.#joiners.silentSince(now - lease)
    if (silent !== undefined) this.#drop(silent, now)
  }

  #drop(peer: string, now: number): void {
    this.send(peer, { kind: 'leave' })
    this.#left(peer, now)
  }

  #takeIn(peer: string, { position, session }: Join): void {
    const { log } = this
    const outflow = new Outflow(position.sequence + 1, false, session)
    outflow.alive(this.now)
    this.#awaited.delete(peer)
    this.outflows.set(peer, outflow)
    if (log.at(position.sequence)?.equals(position) !== true) outflow.transfer(this.table.image())
    outflow.counts = true
    // So that it hears of its loader at once.
    this.#beat = true
  }

  protected replicate(now: number): void {
    if (!this.#leading) {
      this.answerLoader()
      this.trimLog(Number.POSITIVE_INFINITY)
      return
    }
    this.#joiners.mergeOn(now)
    this.#advance()
    const { epoch, commit, all } = this
    const head = { epoch, commit, all, sentAt: now, accepts: true, start: 0, unanimous: false }
    this.sendAll(head, this.#beat)
    this.#beat = false
  }

  #appended(peer: string, { epoch, match, restored }: Appended): void {
    const outflow = this.outflows.get(peer)
    if (outflow === undefined || !this.#leading || compareEpochs(epoch, this.epoch) > 0) return
    // It has lost its place, and will join again.
    if (match === undefined) return
    outflow.counts = restored
    outflow.matched(Math.min(match, this.log.last.sequence))
    this.#advance()
  }

  #advance(): void {
    const matches = [this.saves.failed ? 0 : this.saves.savedTo]
    for (const outflow of this.outflows.values())
      if (!outflow.transferring) matches.push(outflow.counts ? outflow.match : 0)
    matches.sort((a, b) => b - a)
    this.commit = Math.max(this.commit, matches[Math.floor(matches.length / 2)] as number)
    this.all = Math.max(this.all, matches.at(-1) as number)
  }

  protected canAll(): boolean {
    return true
  }

  protected logSaved(): void {
    if (this.#leading) this.#advance()
    else this.answerDue = true
  }

  protected diskLost(now: number): void {
    this.established = false
    this.#decide(now)
    this.proclaim()
  }

  protected meta(): Meta {
    return {
      promised: { epoch: this.highest, loader: this.options.self },
      incarnation: 0,
      incarnations: [],
      restored: true,
    }
  }

  protected refusal(): Refusal | undefined {
    const { loader, self } = this.options
    if (this.saves.failed && this.peers.size === 0) return { code: 'ERR_STORE_DISK', message: 'the disk failed' }
    const isThere = (name: string): boolean => name === self || (this.peers.has(name) && !this.#silent.has(name))
    if (loader?.some(isThere) !== false) return undefined
    return { code: 'ERR_NO_LOADER', message: `${loader.join(', ')}: not there, and no other node may order writes` }
  }
}
