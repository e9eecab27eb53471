import { Version } from '../version.ts'
import type { Action, LocalRequest, Meta, ReplicaOptions } from './action.ts'
import { compareEpochs, type Epoch, noEpoch } from './epoch.ts'
import { Expiries } from './expiries.ts'
import { Flights } from './flights.ts'
import { Log } from './log.ts'
import type { Hello, LeaseRequest, LeaseVerdict, Message, RefusalCode, Request, SnapshotPart } from './messages.ts'
import type { LogEntry, Operation, Outcome } from './operation.ts'
import type { StoredEntry } from './stored-entry.ts'
import { Table, type TableChange, type TableState } from './table.ts'

interface Outstanding {
  readonly operation: Operation
  readonly durability: LocalRequest['durability']
  /** Only until the loader changes: then the conditions of the writes have to do. */
  lease: number | undefined
  sent: boolean
  outcome: Outcome | undefined
  /** Where the outcome was decided, in the order of this loader. */
  sequence: number
}

interface Incoming {
  readonly from: string
  readonly id: number
  readonly entries: StoredEntry[]
  next: number
}

interface Saving {
  readonly id: number
  sequence: number
}

/** Operations a loader has ordered and not committed; more are refused. */
const MOST_UNCOMMITTED = 1_000_000
const MOST_UNCOMMITTED_BYTES = 256 * 1024 * 1024
const EXPIRED_AT_ONCE = 1000

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
  protected readonly flights: Flights
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
  /** The log is on the disk up to here; without a disk: in memory. */
  protected savedTo = 0
  protected failed = false
  /** The time of the event that is handled. */
  protected now = Number.NEGATIVE_INFINITY
  /** Came before leases could be granted. */
  #early: { readonly node: string; readonly request: LeaseRequest }[] = []
  readonly #outstanding = new Map<number, Outstanding>()
  readonly #unsent = new Set<number>()
  /** Carried out here, but not yet as durable as asked. */
  readonly #undurable = new Set<number>()
  readonly #leaseRequests = new Map<
    number,
    { readonly request: LeaseRequest; sent: boolean; value: Version | undefined }
  >()
  readonly #leases = new Set<number>()
  readonly #expiries = new Expiries()
  readonly #saves: Saving[] = []
  readonly #afterSave: { readonly id: number; readonly run: () => void }[] = []
  #saveId = 0
  #issuedTo = 0
  #incoming: Incoming | undefined
  #transferId = 0
  #lastWall = 0
  /** Whose change is being applied. */
  #source = ''

  constructor(options: ReplicaOptions) {
    this.options = options
    this.table = new Table(options.reader, {
      change: (change) => this.#changed(change),
      conflict: (conflict) => this.emit({ kind: 'conflict', conflict }),
    })
    this.flights = new Flights({
      current: (key) => this.table.live(key, this.wall(this.now))?.version,
      answer: (node, request, answer) => this.#answerLease(node, request, answer),
      lost: (node, lease) => {
        if (node === this.options.self) this.#loseLease(lease)
        else this.send(node, { kind: 'lease-lost', lease })
      },
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

  /** This node orders writes, and takes them. */
  abstract get leads(): boolean
  /** It can grant leases: its table has all that earlier loaders have ordered. */
  protected abstract get grants(): boolean
  /** Values can be read as they are now, and written. */
  abstract get ready(): boolean
  abstract get role(): 'loader' | 'follower' | 'recovering' | 'joining' | 'alone'

  // What happens.

  /** There is a link to a node; whether it has a store is not known. */
  abstract peerUp(peer: string, now: number): void
  /** The link is gone, or the store on that node. */
  abstract peerDown(peer: string, now: number): void
  /** Time has passed: to be called a few times in each heartbeat. */
  abstract tick(now: number): void
  protected abstract receiveOwn(peer: string, message: Message, now: number): void
  /** Sends what is to be sent to followers. */
  protected abstract replicate(now: number): void
  /** Why requests cannot be ordered, as long as they cannot; undefined: they may wait. */
  protected abstract refusal(): { readonly code: RefusalCode | 'ERR_NO_LOADER'; readonly message: string } | undefined
  /** Whether `all` can be had. */
  protected abstract canAll(): boolean
  /** The entries were put into the log by this loader. */
  protected abstract ordered(now: number): void
  protected abstract meta(): Meta
  /** The log is on the disk up to {@link savedTo}. */
  protected abstract logSaved(now: number): void
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
    switch (message.kind) {
      case 'bye':
        return this.peerDown(peer, now)
      case 'submit':
        if (!this.leads) return
        for (const request of message.requests) {
          // Nobody asks in another one's name.
          if (request.client === this.peers.get(peer)?.client) this.#order(peer, request, now)
        }
        return
      case 'refused':
        if (peer === this.loaderName) this.#refuse(message.request, message.code, message.message)
        return
      case 'lease-request':
        if (this.grants) this.flights.request(peer, message, now)
        else if (this.leads) this.#early.push({ node: peer, request: message })
        return
      case 'lease-answer':
        if (peer === this.loaderName) this.#leaseAnswered(message.request, message.answer)
        return
      case 'lease-end':
        if (this.leads) this.flights.end(message.lease, peer, message.failure, now)
        return
      case 'lease-cancel':
        if (this.leads) this.flights.cancel(peer, message.request)
        return
      case 'lease-lost':
        if (peer === this.loaderName) this.#loseLease(message.lease)
        return
      default:
        this.receiveOwn(peer, message, now)
    }
  }

  /** A save is on the disk, and all before it. */
  saved(id: number, now: number): void {
    this.now = now
    let sequence = 0
    while ((this.#saves[0]?.id ?? Number.POSITIVE_INFINITY) <= id) sequence = (this.#saves.shift() as Saving).sequence
    if (sequence > this.savedTo) {
      this.savedTo = sequence
      this.logSaved(now)
    }
    while ((this.#afterSave[0]?.id ?? Number.POSITIVE_INFINITY) <= id) this.#afterSave.shift()?.run()
  }

  /** The disk does not take anything any more. Nothing is acknowledged from here on. */
  diskFailed(now: number): void {
    this.failed = true
    this.#saves.length = 0
    this.#afterSave.length = 0
    this.diskLost(now)
  }

  protected abstract diskLost(now: number): void

  /** A request of this node. `request` is higher than all before. */
  submit(request: number, operation: Operation, { durability, lease }: LocalRequest): void {
    this.#outstanding.set(request, { operation, durability, lease, sent: false, outcome: undefined, sequence: 0 })
    this.#unsent.add(request)
  }

  /** Nobody waits for it any more. It may still happen. */
  forget(request: number): void {
    this.#outstanding.delete(request)
    this.#unsent.delete(request)
    this.#undurable.delete(request)
  }

  requestLease(request: LeaseRequest): void {
    this.#leaseRequests.set(request.request, { request, sent: false, value: undefined })
  }

  /** Nobody waits for the lease any more. */
  cancelLease(request: number): void {
    const known = this.#leaseRequests.get(request)
    if (known === undefined) return
    this.#leaseRequests.delete(request)
    if (!known.sent) return
    if (this.leads) this.flights.cancel(this.options.self, request)
    else if (this.loaderName !== undefined) this.send(this.loaderName, { kind: 'lease-cancel', request })
  }

  /** Gives a lease of this node up. */
  endLease(lease: number, failure: string | undefined, now: number): void {
    if (!this.#leases.delete(lease)) return
    if (this.leads) this.flights.end(lease, this.options.self, failure, now)
    else if (this.loaderName !== undefined) this.send(this.loaderName, { kind: 'lease-end', lease, failure })
  }

  /** Refuses a request that was held back before it reached {@link receive}. */
  refuseRequest(client: string, request: number, code: RefusalCode, message: string): void {
    if (client === this.options.self) this.#refuse(request, code, message)
    else this.send(client, { kind: 'refused', request, code, message })
  }

  /** Ends a turn. */
  flush(now: number): void {
    this.now = now
    this.#dispatch(now)
    this.#issueSave(now)
    this.replicate(now)
    this.#settle()
  }

  /** Leaves. The replica is of no use afterwards. */
  close(_now: number): void {
    for (const peer of this.peers.keys()) this.send(peer, { kind: 'bye' })
  }

  /** What a new log on the disk has to begin with. */
  get image(): { readonly meta: Meta; readonly state: TableState; readonly entries: readonly LogEntry[] } {
    const state = this.table.state()
    return { meta: this.meta(), state, entries: this.log.after(state.position.sequence, Number.POSITIVE_INFINITY) }
  }

  // For the kinds of replicas.

  protected emit(action: Action): void {
    this.actions.push(action)
  }

  protected send(to: string, message: Message): void {
    this.actions.push({ kind: 'send', to, message })
  }

  protected wall(now: number): number {
    this.#lastWall = Math.max(this.#lastWall, Math.floor(now + this.options.wallOffset))
    return this.#lastWall
  }

  /** Others take requests from now on. Those under way are sent again. */
  protected setLoader(name: string | undefined): void {
    const changed = this.loaderName !== name
    this.loaderName = name
    for (const lease of [...this.#leases]) this.#loseLease(lease)
    for (const [request, outstanding] of this.#outstanding) {
      outstanding.sent = false
      outstanding.lease = undefined
      if (outstanding.outcome === undefined) this.#unsent.add(request)
    }
    for (const lease of this.#leaseRequests.values()) {
      lease.sent = false
      lease.value = undefined
    }
    if (changed) this.emit({ kind: 'loader', name })
  }

  /** This node begins to lead: the epoch's flights and expiries. */
  protected beginReign(): void {
    this.flights.clear()
    this.#expiries.clear()
    for (const [, entry] of this.table.entries()) this.#expiries.add(entry)
  }

  protected endReign(): void {
    this.#early = []
    this.flights.clear()
    this.#expiries.clear()
  }

  /** Puts an operation of this loader into the log. */
  protected orderOwn(operation: Operation, now: number): Version {
    return this.#append({ client: '', request: 0, floor: 0 }, operation, now)
  }

  protected collectExpired(now: number): void {
    const due = this.#expiries.due(this.wall(now), EXPIRED_AT_ONCE)
    const expired = due.filter(({ key, version }) => version.equals(this.table.read(key)?.version))
    if (expired.length > 0) this.orderOwn({ kind: 'expire', expired }, now)
  }

  /** Applies the log up to a sequence. */
  protected applyTo(sequence: number, source: string, now: number): void {
    this.#source = source
    for (let next = this.table.position.sequence + 1; next <= sequence; next++) {
      const entry = this.log.entry(next)
      if (entry === undefined) return
      const outcome = this.table.apply(entry)
      if (outcome !== undefined && entry.client === this.options.client) this.#decided(entry.request, outcome, next)
      if (this.leads && entry.operation.kind === 'write') {
        for (const { key } of entry.operation.writes) this.flights.applied(key, entry.version, now)
      }
    }
  }

  /** Takes away what is in the log after a sequence. */
  protected truncate(sequence: number): void {
    this.log.truncate(sequence)
    this.savedTo = Math.min(this.savedTo, sequence)
    this.#issuedTo = Math.min(this.#issuedTo, sequence)
    for (const save of this.#saves) save.sequence = Math.min(save.sequence, sequence)
  }

  /** Runs something when the meta data as it is now is on the disk; at once without a disk. */
  protected saveMeta(then: () => void): void {
    if (!this.options.durable) return then()
    if (this.failed) return
    const id = ++this.#saveId
    this.emit({ kind: 'save', id, meta: this.meta(), state: undefined, entries: [] })
    this.#saves.push({ id, sequence: this.#issuedTo })
    this.#afterSave.push({ id, run: then })
  }

  /** Where a restart found the log. */
  protected restoreLog(state: TableState | undefined, entries: readonly LogEntry[]): void {
    if (state !== undefined) {
      this.table.install(state)
      this.log.reset(state.position)
    }
    for (const entry of entries) this.log.append(entry)
    this.savedTo = this.log.last.sequence
    this.#issuedTo = this.savedTo
  }

  protected snapshot(): { readonly id: number; readonly state: TableState } {
    return { id: ++this.#transferId, state: this.table.state() }
  }

  /** A part of the loader's table. */
  protected takePart(peer: string, part: SnapshotPart, now: number): void {
    if (part.index === 0) this.#incoming = { from: peer, id: part.id, entries: [], next: 0 }
    const incoming = this.#incoming
    if (incoming === undefined || incoming.from !== peer || incoming.id !== part.id || incoming.next !== part.index)
      return
    incoming.next++
    // Not one by one: spreading has its limits.
    for (const entry of part.entries) incoming.entries.push(entry)
    this.send(peer, { kind: 'snapshot-received', id: part.id, index: part.index })
    if (part.last === undefined) return
    this.#incoming = undefined
    const { reaches, sessions } = part.last
    if (this.isStale(part.position)) return this.caughtUp(part.position, now)
    this.#install({ position: part.position, entries: incoming.entries, reaches, sessions }, peer, now)
  }

  protected dropParts(): void {
    this.#incoming = undefined
  }

  /** Entries that nobody needs any more go, once they are applied and saved. */
  protected trimLog(pinned: number): void {
    const saved = this.failed ? Number.POSITIVE_INFINITY : this.savedTo
    this.log.trim(Math.min(this.table.position.sequence, saved, pinned), this.options.bounds)
  }

  /** What this node asked for with less than the durability that has been reached by now is settled. */
  protected durableTo(durability: LocalRequest['durability']): number {
    return durability === 'all' ? this.all : durability === 'majority' ? this.commit : this.table.position.sequence
  }

  #install(state: TableState, from: string, now: number): void {
    this.#source = from
    const entries = this.tailAfter(state.position)
    this.table.install(state)
    this.truncate(0)
    this.log.reset(state.position)
    for (const entry of entries) this.log.append(entry)
    const last = this.log.last.sequence
    this.#issuedTo = last
    if (this.options.durable && !this.failed) {
      const id = ++this.#saveId
      this.emit({ kind: 'save', id, meta: this.meta(), state, entries })
      this.#saves.push({ id, sequence: last })
    } else if (!this.failed) this.savedTo = last
    for (const [request, outstanding] of this.#outstanding) {
      // Counted in this loader's order from now on, whatever it was before.
      outstanding.sequence = state.position.sequence
      const outcome = this.table.outcome(this.options.client, request)
      if (outcome !== undefined) this.#decided(request, outcome, state.position.sequence)
    }
    this.installed(state.position, from, now)
  }

  #changed(change: TableChange): void {
    if (this.leads && change.entry !== undefined) this.#expiries.add(change.entry)
    this.emit({ kind: 'change', change, source: this.#source })
  }

  #append(origin: { client: string; request: number; floor: number }, operation: Operation, now: number): Version {
    const version = new Version(this.epoch.epoch, this.epoch.loader, this.log.last.sequence + 1)
    const { client, request, floor } = origin
    this.log.append({ version, at: this.wall(now), client, request, floor, operation })
    this.ordered(now)
    return version
  }

  #order(node: string, request: Request, now: number): void {
    const refuse = (code: RefusalCode, message: string): void =>
      this.refuseRequest(node, request.request, code, message)
    if (this.failed) return refuse('ERR_STORE_DISK', `the disk of the loader ${this.options.self} failed`)
    if (request.all && !this.canAll()) return refuse('ERR_NO_QUORUM', 'not all members are there')
    const uncommitted = this.log.last.sequence - this.table.position.sequence
    if (uncommitted > MOST_UNCOMMITTED || (uncommitted > 1000 && this.log.bytes > MOST_UNCOMMITTED_BYTES * 2)) {
      return refuse('ERR_LIMIT', 'the loader has more writes than it gets rid of')
    }
    const { lease, operation } = request
    if (lease !== undefined) {
      const key = operation.kind === 'write' ? operation.writes[0]?.key : undefined
      if (key === undefined || !this.flights.isLive(lease, key, node)) {
        return refuse('ERR_COMPUTE_TIMEOUT', 'the lease was lost before the value was there')
      }
    }
    const sequence = this.log.last.sequence + 1
    // Before it is ordered, since an open store applies it at once.
    if (lease !== undefined) {
      this.flights.landing(lease, new Version(this.epoch.epoch, this.epoch.loader, sequence))
    }
    this.#append(request, operation, now)
  }

  /** Sends what waits to the loader; or orders it, being the loader. */
  #dispatch(now: number): void {
    const { self, client } = this.options
    if (this.leads) {
      for (const request of [...this.#unsent]) {
        const outstanding = this.#take(request)
        if (outstanding !== undefined) this.#order(self, this.#request(request, outstanding, client), now)
      }
      if (!this.grants) return
      for (const { node, request } of this.#early.splice(0)) {
        if (this.peers.has(node)) this.flights.request(node, request, now)
      }
      for (const { request, mark } of this.#unsentLeases()) {
        mark()
        this.flights.request(self, request, now)
      }
      return
    }
    const { loaderName } = this
    if (loaderName !== undefined && this.peers.has(loaderName)) {
      const requests: Request[] = []
      for (const request of this.#unsent) {
        const outstanding = this.#take(request)
        if (outstanding !== undefined) requests.push(this.#request(request, outstanding, client))
      }
      if (requests.length > 0) this.send(loaderName, { kind: 'submit', requests })
      for (const { request, mark } of this.#unsentLeases()) {
        mark()
        this.send(loaderName, request)
      }
      return
    }
    if (this.#unsent.size === 0 && this.#leaseRequests.size === 0) return
    const refusal = this.refusal()
    if (refusal === undefined) return
    for (const request of [...this.#unsent]) this.#refuse(request, refusal.code, refusal.message)
    for (const request of [...this.#leaseRequests.keys()]) {
      this.#leaseRequests.delete(request)
      this.emit({ kind: 'refused', request, ...refusal })
    }
  }

  *#unsentLeases(): Generator<{ readonly request: LeaseRequest; readonly mark: () => void }> {
    for (const waiting of [...this.#leaseRequests.values()]) {
      if (waiting.sent) continue
      yield {
        request: waiting.request,
        mark: () => {
          waiting.sent = true
        },
      }
    }
  }

  #take(request: number): Outstanding | undefined {
    this.#unsent.delete(request)
    const outstanding = this.#outstanding.get(request)
    if (outstanding !== undefined) outstanding.sent = true
    return outstanding
  }

  #request(request: number, { operation, durability, lease }: Outstanding, client: string): Request {
    const [floor = request] = this.#outstanding.keys()
    return { client, request, floor, operation, lease, all: durability === 'all' }
  }

  #issueSave(now: number): void {
    const last = this.log.last.sequence
    if (!this.options.durable) {
      if (this.savedTo === last) return
      this.savedTo = last
      this.#issuedTo = last
      return this.logSaved(now)
    }
    if (this.failed || this.#issuedTo === last) return
    const id = ++this.#saveId
    const entries = this.log.after(this.#issuedTo, Number.POSITIVE_INFINITY)
    this.emit({ kind: 'save', id, meta: undefined, state: undefined, entries })
    this.#saves.push({ id, sequence: last })
    this.#issuedTo = last
  }

  #decided(request: number, outcome: Outcome, sequence: number): void {
    const outstanding = this.#outstanding.get(request)
    if (outstanding === undefined || outstanding.outcome !== undefined) return
    outstanding.outcome = outcome
    outstanding.sequence = sequence
    this.#unsent.delete(request)
    this.#undurable.add(request)
  }

  /** Tells of requests and leases whose time has come. */
  #settle(): void {
    for (const request of this.#undurable) {
      const { outcome, sequence, durability } = this.#outstanding.get(request) as Outstanding
      if (outcome === undefined || this.durableTo(durability) < sequence) continue
      this.forget(request)
      this.emit({ kind: 'settled', request, outcome })
    }
    for (const [request, { value }] of this.#leaseRequests) {
      // Compared by place: what was asked for is in this loader's order.
      if (value === undefined || this.table.position.compare(value) < 0) continue
      this.#leaseRequests.delete(request)
      this.emit({ kind: 'lease', request, verdict: { kind: 'value', version: value } })
    }
  }

  #refuse(request: number, code: RefusalCode | 'ERR_NO_LOADER', message: string): void {
    if (!this.#outstanding.has(request)) return
    this.forget(request)
    this.emit({ kind: 'refused', request, code, message })
  }

  #answerLease(node: string, request: number, answer: LeaseVerdict): void {
    if (node === this.options.self) this.#leaseAnswered(request, answer)
    else this.send(node, { kind: 'lease-answer', request, answer })
  }

  #leaseAnswered(request: number, verdict: LeaseVerdict): void {
    const waiting = this.#leaseRequests.get(request)
    if (waiting === undefined) {
      // Given up meanwhile: somebody else may have it.
      if (verdict.kind === 'granted') {
        this.#leases.add(verdict.lease)
        this.endLease(verdict.lease, undefined, this.now)
      }
      return
    }
    if (verdict.kind === 'value') {
      waiting.value = verdict.version
      return
    }
    this.#leaseRequests.delete(request)
    if (verdict.kind === 'granted') this.#leases.add(verdict.lease)
    this.emit({ kind: 'lease', request, verdict })
  }

  #loseLease(lease: number): void {
    if (this.#leases.delete(lease)) this.emit({ kind: 'lease-lost', lease })
  }
}

/** The later of two epochs. */
export function laterEpoch(a: Epoch, b: Epoch): Epoch {
  return compareEpochs(a, b) >= 0 ? a : b
}
