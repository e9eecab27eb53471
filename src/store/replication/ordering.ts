import { Version } from '../version.ts'
import type { ReplicaOptions } from './action.ts'
import { Backlog } from './backlog.ts'
import { compareEpochs, type Epoch } from './epoch.ts'
import { Expiries } from './expiries.ts'
import { Flights } from './flights.ts'
import type { Log } from './log.ts'
import type { LeaseVerdict, RefusalCode, Request } from './messages.ts'
import type { LogEntry, Operation, Origin } from './operation.ts'
import type { StoredEntry } from './stored-entry.ts'
import type { Table } from './table.ts'

/** Operations a loader has ordered and not committed; more are refused. */
const MOST_UNCOMMITTED = 1_000_000
const MOST_UNCOMMITTED_BYTES = 512 * 1024 * 1024
const EXPIRED_AT_ONCE = 1000

/** What ordering needs of the replica. */
export interface OrderingHost {
  readonly options: ReplicaOptions
  readonly table: Table
  readonly log: Log
  readonly epoch: Epoch
  /** Its disk does not take anything any more. */
  readonly failed: boolean
  /** Milliseconds since 1970. */
  readonly time: number
  /** Whether `all` can be had. */
  canAll(): boolean
  /** An entry is in the log. */
  ordered(now: number): void
  answerLease(node: string, request: number, verdict: LeaseVerdict): void
  loseLease(node: string, request: number): void
  refuse(node: string, request: number, code: RefusalCode, message: string): void
}

/** What a loader does: it puts writes in their order, grants leases, and takes away what has expired. */
export class Ordering {
  readonly flights: Flights
  readonly #host: OrderingHost
  readonly #backlog: Backlog
  readonly #expiries = new Expiries()

  constructor(host: OrderingHost) {
    const { limits } = host.options
    this.#host = host
    this.#backlog = new Backlog(limits)
    this.flights = new Flights({
      limit: limits.leases,
      current: (key) => host.table.live(key, host.time)?.version,
      answer: (...answer) => host.answerLease(...answer),
      refuse: (...refusal) => host.refuse(...refusal),
      lost: (...lease) => host.loseLease(...lease),
    })
  }

  /** The node begins to lead. */
  begin(): void {
    this.end()
    for (const [, entry] of this.#host.table.entries()) this.#expiries.add(entry)
  }

  end(): void {
    this.flights.clear()
    this.#backlog.clear()
    this.#expiries.clear()
  }

  /** Time has passed. */
  tick(now: number): void {
    const { table, time } = this.#host
    this.flights.tick(now)
    const due = this.#expiries.due(time, EXPIRED_AT_ONCE)
    const expired = due.filter(({ key, version }) => version.equals(table.read(key)?.version))
    if (expired.length > 0) this.orderOwn({ kind: 'expire', expired }, now)
  }

  /** Puts a request of a node into the log, or refuses it; not what is there already. */
  order(node: string, request: Request, now: number): void {
    const { epoch, log, options, table } = this.#host
    const { lease, operation } = request
    const isOwn = node === options.self
    if (!isOwn && this.#backlog.has(request)) return
    const refuse = (code: RefusalCode, message: string): void => this.#host.refuse(node, request.request, code, message)
    if (this.#host.failed) return refuse('ERR_STORE_DISK', `the disk of the loader ${options.self} failed`)
    if (request.all && !this.#host.canAll()) return refuse('ERR_NO_QUORUM', 'not all members are there')
    const uncommitted = log.last.sequence - table.position.sequence
    if (uncommitted > MOST_UNCOMMITTED || (uncommitted > 1000 && log.bytes > MOST_UNCOMMITTED_BYTES)) {
      return refuse('ERR_LIMIT', 'the loader has more writes than it gets rid of')
    }
    if (lease !== undefined) {
      const key = operation.kind === 'write' ? operation.writes[0]?.key : undefined
      if (key === undefined || !this.flights.isLive(node, lease, key)) {
        return refuse('ERR_COMPUTE_TIMEOUT', 'the lease was lost before the value was there')
      }
    }
    if (!isOwn && !this.#backlog.add(request)) {
      return refuse('ERR_LIMIT', 'too many writes of this node are under way')
    }
    if (lease !== undefined) {
      // Before it is ordered, since an open store applies it at once.
      this.flights.landing(node, lease, new Version(epoch.epoch, epoch.loader, log.last.sequence + 1))
    }
    this.#append(request, operation, now)
  }

  /** Puts an operation of the loader itself into the log. */
  orderOwn(operation: Operation, now: number): void {
    this.#append({ client: '', request: 0, floor: 0 }, operation, now)
  }

  /** An entry of the log was applied. */
  applied(entry: LogEntry, now: number): void {
    if (compareEpochs(entry.version, this.#host.epoch) === 0) this.#backlog.applied(entry)
    if (entry.operation.kind !== 'write') return
    for (const { key } of entry.operation.writes) this.flights.applied(key, entry.version, now)
  }

  /** A key has a value. */
  valued(entry: StoredEntry): void {
    this.#expiries.add(entry)
  }

  #append({ client, request, floor }: Origin, operation: Operation, now: number): void {
    const { epoch, log, time } = this.#host
    const version = new Version(epoch.epoch, epoch.loader, log.last.sequence + 1)
    log.append({ version, at: time, client, request, floor, operation })
    this.#host.ordered(now)
  }
}
