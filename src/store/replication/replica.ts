import type { Version } from '../version.ts'
import type { Action, LocalRequest, Meta, ReplicaOptions } from './action.ts'
import { ArrivingTable } from './arriving-table.ts'
import { claimedEpoch, MOST_AHEAD } from './claimed-epoch.ts'
import { type Epoch, noEpoch } from './epoch.ts'
import { Log } from './log.ts'
import type { Hello, LeaseRequest, Message, RefusalCode, SnapshotPart } from './messages.ts'
import type { LogEntry, Operation } from './operation.ts'
import { Ordering } from './ordering.ts'
import { Outflows } from './outflow.ts'
import { OwnRequests, type Refusal } from './own-requests.ts'
import { Saves } from './saves.ts'
import { Table, type TableChange, type TableState } from './table.ts'
import type { TableImage } from './table-image.ts'

/**
 * What both kinds of replicas have in common: a log, the table that comes of it, the requests of this node on their way,
 * the leases it holds or, as the loader, grants.
 *
 * A replica is a state machine. It is told what happens by its methods, each with the time by the node's own clock, and
 * leaves in `actions` what is to be done. It never waits, and knows no clock, disk or node. `flush` ends a turn: what was
 * ordered in it leaves in one message to each follower, and in one save.
 */
export abstract class Replica {
  readonly table: Table
  /** What is to be done, in this order. Whoever does it takes it out. */
  actions: Action[] = []
  protected readonly options: ReplicaOptions
  protected readonly log = new Log()
  /** What this node does when it leads. */
  protected readonly ordering: Ordering
  protected readonly saves: Saves
  protected readonly own: OwnRequests
  /** What the loader sends to each node that follows. */
  protected readonly outflows = new Outflows()
  /** Nodes that have said hello. */
  protected readonly peers = new Map<string, Hello>()
  /** The epoch followed, or led. */
  protected epoch: Epoch = noEpoch
  /** Who takes requests, if known. */
  protected loaderName: string | undefined
  /** A majority has all up to here. */
  protected commit = 0
  /** All have all up to here. */
  protected all = 0
  /** The time of the event that is handled. */
  protected now = Number.NEGATIVE_INFINITY
  #arriving: ArrivingTable | undefined
  #lastWall = 0
  /** Whose change is being applied. */
  #source = ''

  constructor(options: ReplicaOptions) {
    const { client, durable, limits, reader, self } = options
    this.options = options
    const emit = (action: Action): void => this.emit(action)
    this.table = new Table(reader, {
      change: (change) => this.#changed(change),
      replaced: (changes) => this.emit({ kind: 'replaced', changes, source: this.#source }),
      conflict: (conflict) => this.emit({ kind: 'conflict', conflict }),
    })
    this.saves = new Saves({ durable, meta: () => this.meta(), emit })
    const window = { requests: Math.ceil(limits.requests / 2), bytes: Math.ceil(limits.requestBytes / 2) }
    this.own = new OwnRequests(client, window, emit)
    const replica = this
    this.ordering = new Ordering({
      options,
      table: this.table,
      log: this.log,
      get epoch() {
        return replica.epoch
      },
      get failed() {
        return replica.saves.failed
      },
      get time() {
        return replica.#wall()
      },
      canAll: () => this.canAll(),
      ordered: (now) => this.ordered(now),
      answerLease: (node, request, verdict) => {
        if (node === self) this.own.leaseAnswered(request, verdict)
        else this.send(node, { kind: 'lease-answer', request, answer: verdict })
      },
      loseLease: (node, request) => {
        if (node === self) this.own.leaseLost(request)
        else this.send(node, { kind: 'lease-lost', request })
      },
      refuse: (...refusal) => this.refuseRequest(...refusal),
    })
  }

  /** Who orders writes now. */
  get loader(): string | undefined {
    return this.loaderName
  }

  get currentEpoch(): Epoch {
    return this.epoch
  }

  /** Nodes that take part, without this one. */
  get nodes(): readonly string[] {
    return [...this.peers.keys()]
  }

  /** Something is to be done that takes more than a turn: {@link flush} does a part of it each time. */
  get busy(): boolean {
    return false
  }

  /** This node orders writes, and takes them. */
  abstract get leads(): boolean
  /** It can grant leases: its table has all that earlier loaders have ordered. */
  protected abstract get grants(): boolean
  /** Values can be read as they are now, and written. */
  abstract get ready(): boolean
  abstract get role(): 'loader' | 'follower' | 'recovering' | 'joining' | 'alone'

  // What happens.

  /** There is a link to a node; whether it has a store is not known. */
  peerUp(peer: string, _now: number): void {
    this.send(peer, this.hello(true))
  }

  /** The link is gone, or the store on that node. */
  abstract peerDown(peer: string, now: number): void
  /** Time has passed: to be called a few times in each heartbeat. */
  abstract tick(now: number): void
  protected abstract hello(answer: boolean): Hello
  /** A node has said hello; `known`: what this incarnation of its store has said before. */
  protected abstract greeted(peer: string, hello: Hello, known: Hello | undefined, now: number): void
  protected abstract receiveOwn(peer: string, message: Message, now: number): void
  /** Sends what is to be sent to followers. */
  protected abstract replicate(now: number): void
  /** The highest number of an epoch known here. */
  protected abstract get highestEpoch(): number
  /** Why requests cannot be ordered, as long as they cannot; undefined: they may wait. */
  protected abstract refusal(): Refusal | undefined
  /** Whether `all` can be had. */
  protected abstract canAll(): boolean
  /** The entries were put into the log by this loader. */
  protected abstract ordered(now: number): void
  protected abstract meta(): Meta
  /** The log is on the disk further than before. */
  protected abstract logSaved(now: number): void
  protected abstract diskLost(now: number): void
  protected abstract installed(position: Version, from: string, now: number): void
  /** Whether a table of this position is of no use any more. */
  protected abstract isStale(position: Version): boolean
  /** What of the log stays when a table of this position replaces what is before it. */
  protected abstract tailAfter(position: Version): readonly LogEntry[]
  /** A table that is of no use was sent. */
  protected caughtUp(_position: Version, _now: number): void {}

  receive(peer: string, message: Message, now: number): void {
    this.now = now
    if (message.kind !== 'hello' && !this.peers.has(peer)) return
    if (claimedEpoch(message) > this.highestEpoch + MOST_AHEAD) {
      this.peerDown(peer, now)
      return this.emit({ kind: 'estranged', peer, why: 'the epochs it speaks of are too high' })
    }
    if (message.kind === 'hello') return this.#greet(peer, message, now)
    switch (message.kind) {
      case 'bye':
        return this.peerDown(peer, now)
      case 'submit':
        if (!this.leads) return
        for (const request of message.requests) {
          // Nobody asks in another one's name.
          if (request.client === this.peers.get(peer)?.client) this.ordering.order(peer, request, now)
        }
        return
      case 'refused':
        if (peer === this.loaderName) this.own.refuse(message.request, message)
        return
      case 'lease-request':
        if (this.leads) this.ordering.flights.request(peer, message, now)
        return
      case 'lease-answer':
        if (peer === this.loaderName) this.own.leaseAnswered(message.request, message.answer)
        return
      case 'lease-end':
        if (this.leads) this.ordering.flights.end(peer, message.request, message.failure, now)
        return
      case 'lease-lost':
        if (peer === this.loaderName) this.own.leaseLost(message.request)
        return
      default:
        this.receiveOwn(peer, message, now)
    }
  }

  #greet(peer: string, hello: Hello, now: number): void {
    const own = this.hello(false)
    if (hello.setup !== own.setup) {
      this.peerDown(peer, now)
      this.emit({ kind: 'estranged', peer, why: `its options are ${hello.setup}, and not ${own.setup}` })
      return
    }
    let known = this.peers.get(peer)
    if (known !== undefined && known.client !== hello.client) {
      known = undefined
      this.peerDown(peer, now)
    }
    if (hello.answer) this.send(peer, own)
    this.peers.set(peer, hello)
    this.greeted(peer, hello, known, now)
  }

  /** A save is on the disk, and all before it. */
  saved(id: number, now: number): void {
    this.now = now
    if (this.saves.saved(id)) this.logSaved(now)
    this.saves.runAfter(id)
  }

  /** The disk does not take anything any more. Nothing is acknowledged from here on. */
  diskFailed(now: number): void {
    this.now = now
    this.saves.fail()
    this.diskLost(now)
  }

  /** A request of this node. `request` is higher than all before. */
  submit(request: number, operation: Operation, options: LocalRequest): void {
    this.own.submit(request, operation, options)
  }

  /** Nobody waits for it any more. It may still happen. */
  forget(request: number): void {
    this.own.forget(request)
  }

  requestLease(request: LeaseRequest): void {
    this.own.requestLease(request)
  }

  /** Gives a lease of this node up, or the wait for it: with a message for all who wait, or to whoever is next. */
  endLease(request: number, failure: string | undefined, now: number): void {
    this.now = now
    if (!this.own.endLease(request)) return
    if (this.leads) this.ordering.flights.end(this.options.self, request, failure, now)
    else if (this.loaderName !== undefined) this.send(this.loaderName, { kind: 'lease-end', request, failure })
  }

  /** Refuses a request that was held back before it reached {@link receive}. */
  refuseRequest(node: string, request: number, code: RefusalCode, message: string): void {
    if (node === this.options.self) this.own.refuse(request, { code, message })
    else this.send(node, { kind: 'refused', request, code, message })
  }

  /** Ends a turn. */
  flush(now: number): void {
    this.now = now
    this.#dispatch(now)
    const after = (sequence: number): readonly LogEntry[] => this.log.after(sequence, Number.POSITIVE_INFINITY)
    if (this.saves.issue(this.log.last.sequence, after)) this.logSaved(now)
    this.replicate(now)
    this.own.settle((durability) => this.durableTo(durability), this.table.position)
    // What the window has room for by now.
    if (!this.leads) this.#dispatch(now)
  }

  /** Leaves. The replica is of no use afterwards. */
  close(_now: number): void {
    for (const peer of this.peers.keys()) this.send(peer, { kind: 'bye' })
  }

  /** What a new log on the disk has to begin with. */
  get image(): { readonly meta: Meta; readonly state: TableImage; readonly entries: readonly LogEntry[] } {
    const state = this.table.image()
    return { meta: this.meta(), state, entries: this.log.after(state.position.sequence, Number.POSITIVE_INFINITY) }
  }

  // For the kinds of replicas.

  protected emit(action: Action): void {
    this.actions.push(action)
  }

  protected send(to: string, message: Message): void {
    this.actions.push({ kind: 'send', to, message })
  }

  /** Others take requests from now on. Those under way are sent again. */
  protected setLoader(name: string | undefined): void {
    const changed = this.loaderName !== name
    this.loaderName = name
    this.own.loaderChanged()
    if (changed) this.emit({ kind: 'loader', name })
  }

  /** This node begins to lead. */
  protected beginReign(): void {
    this.outflows.clear()
    this.ordering.begin()
  }

  protected endReign(): void {
    this.outflows.clear()
    this.ordering.end()
  }

  /** Applies the log up to a sequence. */
  protected applyTo(sequence: number, source: string, now: number): void {
    this.#source = source
    const { leads } = this
    for (let next = this.table.position.sequence + 1; next <= sequence; next++) {
      const entry = this.log.entry(next)
      if (entry === undefined) return
      const outcome = this.table.apply(entry)
      if (outcome !== undefined && entry.client === this.options.client) this.own.decided(entry.request, outcome, next)
      if (leads) this.ordering.applied(entry, now)
    }
  }

  /** Takes away what is in the log after a sequence. */
  protected truncate(sequence: number): void {
    this.log.truncate(sequence)
    this.saves.truncated(sequence)
  }

  /** Where a restart found the log. */
  protected restoreLog(state: TableState | undefined, entries: readonly LogEntry[]): void {
    if (state !== undefined) {
      this.table.load(state)
      this.log.reset(state.position)
    }
    for (const entry of entries) this.log.append(entry)
    this.saves.restored(this.log.last.sequence)
  }

  /** A part of the loader's table. */
  protected takePart(peer: string, part: SnapshotPart, now: number): void {
    if (part.index === 0) this.#arriving = new ArrivingTable(peer, part.id)
    if (!this.#arriving?.isNext(peer, part)) return
    const state = this.#arriving.add(part)
    this.send(peer, { kind: 'snapshot-received', id: part.id, index: part.index })
    if (state === undefined) return
    this.#arriving = undefined
    if (this.isStale(state.position)) return this.caughtUp(state.position, now)
    this.#install(state, peer, now)
  }

  protected dropParts(): void {
    this.#arriving = undefined
  }

  /** Sends to the nodes that follow what they are to have. `beat`: something, in any case. */
  protected sendAll(head: Parameters<Outflows['fill']>[1], beat: boolean): void {
    for (const [peer, message] of this.outflows.fill(this.log, head, beat, () => this.table.image())) {
      this.send(peer, message)
    }
    this.trimLog(this.outflows.pinned)
  }

  /** Entries that nobody needs any more go, once they are applied and saved. */
  protected trimLog(pinned: number): void {
    const saved = this.saves.failed ? Number.POSITIVE_INFINITY : this.saves.savedTo
    this.log.trim(Math.min(this.table.position.sequence, saved, pinned), this.options.bounds)
  }

  /** What this node asked for with less than the durability that has been reached by now is settled. */
  protected durableTo(durability: LocalRequest['durability']): number {
    return durability === 'all' ? this.all : durability === 'majority' ? this.commit : this.table.position.sequence
  }

  #install(state: TableState, from: string, now: number): void {
    this.#source = from
    const { position } = state
    const entries = this.tailAfter(position)
    this.table.install(state)
    this.log.reset(position)
    for (const entry of entries) this.log.append(entry)
    this.saves.replaced(() => this.table.image(), entries, this.log.last.sequence)
    this.own.replaced(position, (request) => this.table.outcome(this.options.client, request))
    this.installed(position, from, now)
  }

  #changed(change: TableChange): void {
    if (this.leads && change.entry !== undefined) this.ordering.valued(change.entry)
    this.emit({ kind: 'change', change, source: this.#source })
  }

  /** By a clock that never goes back. */
  #wall(): number {
    this.#lastWall = Math.max(this.#lastWall, Math.floor(this.now + this.options.wallOffset))
    return this.#lastWall
  }

  /** Sends what waits to the loader; or orders it, being the loader. */
  #dispatch(now: number): void {
    const { self } = this.options
    if (this.leads) {
      for (const request of this.own.takeWrites(true)) this.ordering.order(self, request, now)
      if (this.grants) this.ordering.flights.begin(now)
      for (const request of this.own.takeLeases()) this.ordering.flights.request(self, request, now)
      return
    }
    if (this.own.allSent) return
    const { loaderName } = this
    if (loaderName === undefined || !this.peers.has(loaderName)) {
      const refusal = this.refusal()
      if (refusal !== undefined) this.own.refuseAll(refusal)
      return
    }
    const requests = [...this.own.takeWrites(false)]
    if (requests.length > 0) this.send(loaderName, { kind: 'submit', requests })
    for (const request of this.own.takeLeases()) this.send(loaderName, request)
  }
}
