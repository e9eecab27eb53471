import type { Version } from '../version.ts'
import type { Action, LocalRequest } from './action.ts'
import type { LeaseRequest, LeaseVerdict, RefusalCode, Request } from './messages.ts'
import { type Operation, type Outcome, weigh } from './operation.ts'

interface Outstanding {
  readonly operation: Operation
  readonly durability: LocalRequest['durability']
  readonly bytes: number
  /** Only until the loader changes: then the conditions of the writes have to do. */
  lease: number | undefined
  sent: boolean
  outcome: Outcome | undefined
  /** Where the outcome was decided, in the order of this loader. */
  sequence: number
}

/** How much a node asks of a loader at once; what is more waits here. */
export interface RequestWindow {
  readonly requests: number
  readonly bytes: number
}

/** Why requests cannot be ordered. */
export interface Refusal {
  readonly code: RefusalCode | 'ERR_NO_LOADER'
  readonly message: string
}

/**
 * What this node asks for: writes on their way to the loader and back, leases it waits for, and leases it holds. Requests
 * have numbers, each higher than the one before, for writes and leases alike.
 */
export class OwnRequests {
  readonly #client: string
  readonly #window: RequestWindow
  readonly #emit: (action: Action) => void
  readonly #outstanding = new Map<number, Outstanding>()
  readonly #unsent = new Set<number>()
  /** Sent, and not decided. */
  #under = { requests: 0, bytes: 0 }
  /** Carried out here, but not yet as durable as asked. */
  readonly #undurable = new Set<number>()
  readonly #waiting = new Map<number, LeaseRequest>()
  readonly #unsentLeases = new Set<number>()
  /** Leases that turned out to be values, which may have to arrive here first. */
  readonly #arriving = new Map<number, Version>()
  readonly #held = new Set<number>()

  constructor(client: string, window: RequestWindow, emit: (action: Action) => void) {
    this.#client = client
    this.#window = window
    this.#emit = emit
  }

  /** Nothing waits to be sent. */
  get allSent(): boolean {
    return this.#unsent.size === 0 && this.#unsentLeases.size === 0
  }

  submit(request: number, operation: Operation, { durability, lease }: LocalRequest): void {
    // It is spent by that.
    if (lease !== undefined && !this.#held.delete(lease)) {
      return this.#emit({
        kind: 'refused',
        request,
        code: 'ERR_COMPUTE_TIMEOUT',
        message: 'the lease was lost before the value was there',
      })
    }
    const bytes = weigh({ operation })
    const rest = { sent: false, outcome: undefined, sequence: 0 }
    this.#outstanding.set(request, { operation, durability, bytes, lease, ...rest })
    this.#unsent.add(request)
  }

  /** Nobody waits for it any more. It may still happen. */
  forget(request: number): void {
    const outstanding = this.#outstanding.get(request)
    if (outstanding === undefined) return
    this.#landed(outstanding)
    this.#outstanding.delete(request)
    this.#unsent.delete(request)
    this.#undurable.delete(request)
  }

  requestLease(request: LeaseRequest): void {
    this.#waiting.set(request.request, request)
    this.#unsentLeases.add(request.request)
  }

  /** Gives a lease up, or the wait for it. True when the loader is to hear of it. */
  endLease(request: number): boolean {
    this.#arriving.delete(request)
    if (this.#waiting.delete(request)) return !this.#unsentLeases.delete(request)
    return this.#held.delete(request)
  }

  /** Others take requests from now on. Those under way are sent again, and leases are lost. */
  loaderChanged(): void {
    for (const request of [...this.#held]) this.leaseLost(request)
    this.#under = { requests: 0, bytes: 0 }
    for (const [request, outstanding] of this.#outstanding) {
      outstanding.sent = false
      outstanding.lease = undefined
      if (outstanding.outcome === undefined) this.#unsent.add(request)
    }
    this.#arriving.clear()
    for (const request of this.#waiting.keys()) this.#unsentLeases.add(request)
  }

  /** The writes to be sent now; `all`, or as many as fit into the window. */
  *takeWrites(all: boolean): Generator<Request, void, undefined> {
    for (const request of this.#unsent) {
      const outstanding = this.#outstanding.get(request) as Outstanding
      const { requests, bytes } = this.#under
      const isFull = requests >= this.#window.requests || bytes + outstanding.bytes > this.#window.bytes
      if (!all && isFull && requests > 0) return
      this.#unsent.delete(request)
      outstanding.sent = true
      this.#under.requests++
      this.#under.bytes += outstanding.bytes
      const { operation, lease, durability } = outstanding
      const [floor = request] = this.#outstanding.keys()
      yield { client: this.#client, request, floor, operation, lease, all: durability === 'all' }
    }
  }

  /** The requests for leases to be sent now. */
  *takeLeases(): Generator<LeaseRequest, void, undefined> {
    for (const request of this.#unsentLeases) {
      this.#unsentLeases.delete(request)
      yield this.#waiting.get(request) as LeaseRequest
    }
  }

  /** A request was carried out, at this place in the loader's order. */
  decided(request: number, outcome: Outcome, sequence: number): void {
    const outstanding = this.#outstanding.get(request)
    if (outstanding === undefined || outstanding.outcome !== undefined) return
    this.#landed(outstanding)
    outstanding.outcome = outcome
    outstanding.sequence = sequence
    this.#unsent.delete(request)
    this.#undurable.add(request)
  }

  /** The table was replaced: what it says of requests counts, in this loader's order, whatever was before. */
  replaced(position: Version, outcomeOf: (request: number) => Outcome | undefined): void {
    for (const [request, outstanding] of this.#outstanding) {
      outstanding.sequence = position.sequence
      const outcome = outcomeOf(request)
      if (outcome !== undefined) this.decided(request, outcome, position.sequence)
    }
  }

  /** Tells of requests and leases whose time has come. */
  settle(durableTo: (durability: LocalRequest['durability']) => number, position: Version): void {
    if (this.#undurable.size > 0) {
      const reached = { local: durableTo('local'), majority: durableTo('majority'), all: durableTo('all') }
      for (const request of this.#undurable) {
        const { outcome, sequence, durability } = this.#outstanding.get(request) as Outstanding
        if (outcome === undefined || reached[durability] < sequence) continue
        this.forget(request)
        this.#emit({ kind: 'settled', request, outcome })
      }
    }
    for (const [request, version] of this.#arriving) {
      // Compared by place: what was asked for is in this loader's order.
      if (position.compare(version) < 0) continue
      this.#arriving.delete(request)
      this.#waiting.delete(request)
      this.#emit({ kind: 'lease', request, verdict: { kind: 'value', version } })
    }
  }

  refuse(request: number, { code, message }: Refusal): void {
    if (this.#outstanding.has(request)) this.forget(request)
    else if (!this.#waiting.delete(request)) return
    this.#unsentLeases.delete(request)
    this.#arriving.delete(request)
    this.#emit({ kind: 'refused', request, code, message })
  }

  /** Refuses what waits to be sent, and what waits for a lease. */
  refuseAll(refusal: Refusal): void {
    for (const request of [...this.#unsent, ...this.#waiting.keys()]) this.refuse(request, refusal)
  }

  leaseAnswered(request: number, verdict: LeaseVerdict): void {
    if (!this.#waiting.has(request)) return
    if (verdict.kind === 'value') {
      this.#arriving.set(request, verdict.version)
      return
    }
    this.#waiting.delete(request)
    this.#unsentLeases.delete(request)
    if (verdict.kind === 'granted') this.#held.add(request)
    this.#emit({ kind: 'lease', request, verdict })
  }

  leaseLost(request: number): void {
    if (this.#held.delete(request)) this.#emit({ kind: 'lease-lost', request })
  }

  #landed(outstanding: Outstanding): void {
    if (!outstanding.sent || outstanding.outcome !== undefined) return
    outstanding.sent = false
    this.#under.requests--
    this.#under.bytes -= outstanding.bytes
  }
}
