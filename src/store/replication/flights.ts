import type { Version } from '../version.ts'
import type { LeaseRequest, LeaseVerdict, RefusalCode } from './messages.ts'

/** A request that waits for a value, or holds the lease of its key. */
interface Asker {
  readonly node: string
  readonly request: LeaseRequest
  /** Undefined before leases are granted. */
  readonly flight: Flight | undefined
}

interface Flight {
  readonly key: string
  /** Who has the lease; undefined while its result is being ordered. */
  holder: Asker | undefined
  /** When the lease is over. */
  until: number
  /** The result was taken, and is on its way through the replicas. */
  landing: Version | undefined
  /** In the order in which they came. */
  readonly waiting: Set<Asker>
}

/** What flights need of the loader. */
export interface FlightHost {
  /** Leases that one node may hold or wait for at once. */
  readonly limit: number
  /** The version of a key's value as it is applied; undefined: there is none. */
  current(key: string): Version | undefined
  answer(node: string, request: number, verdict: LeaseVerdict): void
  refuse(node: string, request: number, code: RefusalCode, message: string): void
  lost(node: string, request: number): void
}

/** Keys that are computed at once. */
const MOST_FLIGHTS = 1_000_000

/**
 * Single flight: who makes the value of a key. Known to the loader only and gone with it, so that there is at most one
 * live lease per key in an epoch. A result is written on the condition that the key still is as it was when the lease
 * was granted; so of two epochs' results one is taken.
 *
 * A lease is known by the node that holds it and the request that it was asked for with.
 */
export class Flights {
  readonly #host: FlightHost
  readonly #flights = new Map<string, Flight>()
  readonly #askers = new Map<string, Map<number, Asker>>()
  /** Came before leases could be granted. */
  readonly #early = new Set<Asker>()
  #begun = false

  constructor(host: FlightHost) {
    this.#host = host
  }

  /** The table has all that earlier loaders have ordered: leases are granted from now on. */
  begin(now: number): void {
    if (this.#begun) return
    this.#begun = true
    for (const asker of this.#early) {
      this.#done(asker)
      this.request(asker.node, asker.request, now)
    }
  }

  request(node: string, request: LeaseRequest, now: number): void {
    if (!this.#begun) {
      if (this.#hasRoom(node, request)) this.#early.add(this.#ask(node, request, undefined))
      return
    }
    const { key, newerThan } = request
    const current = this.#host.current(key)
    if (current !== undefined && isWanted(current, newerThan)) {
      return this.#host.answer(node, request.request, { kind: 'value', version: current })
    }
    const known = this.#flights.get(key)
    if (known !== undefined && !request.wait) return this.#host.answer(node, request.request, { kind: 'held' })
    if (!this.#hasRoom(node, request)) return
    if (known !== undefined) {
      known.waiting.add(this.#ask(node, request, known))
      return
    }
    const flight: Flight = { key, holder: undefined, until: 0, landing: undefined, waiting: new Set() }
    this.#flights.set(key, flight)
    this.#grant(flight, this.#ask(node, request, flight), now)
  }

  /** Whether a request holds the lease of this key. */
  isLive(node: string, request: number, key: string): boolean {
    const asker = this.#askers.get(node)?.get(request)
    return asker !== undefined && asker.flight?.holder === asker && asker.flight.key === key
  }

  /** The result was ordered at this version. The lease is over; those who wait get what is there when it is applied. */
  landing(node: string, request: number, version: Version): void {
    const asker = this.#askers.get(node)?.get(request)
    const flight = asker?.flight
    if (asker === undefined || flight?.holder !== asker) return
    this.#done(asker)
    flight.holder = undefined
    flight.landing = version
  }

  /** An operation was applied: those who waited for it are told, and who wants something newer goes on. */
  applied(key: string, version: Version, now: number): void {
    const flight = this.#flights.get(key)
    if (flight?.landing === undefined || version.compare(flight.landing) < 0) return
    flight.landing = undefined
    const current = this.#host.current(key)
    for (const asker of flight.waiting) {
      if (current !== undefined && isWanted(current, asker.request.newerThan)) this.#give(asker, current)
    }
    this.#next(flight, now)
  }

  /** Who asked waits no longer, or gives its lease up. */
  end(node: string, request: number, failure: string | undefined, now: number): void {
    const asker = this.#askers.get(node)?.get(request)
    if (asker === undefined) return
    const { flight } = asker
    this.#done(asker)
    if (flight?.holder !== asker) return
    flight.holder = undefined
    if (failure !== undefined) {
      for (const waiting of flight.waiting) {
        this.#done(waiting)
        this.#host.answer(waiting.node, waiting.request.request, { kind: 'failed', message: failure, node })
      }
    }
    this.#next(flight, now)
  }

  /** A node is gone: it waits no more, and what it held passes on. */
  nodeDown(node: string, now: number): void {
    const asking = this.#askers.get(node)
    if (asking === undefined) return
    this.#askers.delete(node)
    const left: Flight[] = []
    for (const asker of asking.values()) {
      this.#early.delete(asker)
      asker.flight?.waiting.delete(asker)
      if (asker.flight?.holder === asker) left.push(asker.flight)
    }
    for (const flight of left) {
      flight.holder = undefined
      this.#next(flight, now)
    }
  }

  /** Leases whose time is over pass on. */
  tick(now: number): void {
    for (const flight of [...this.#flights.values()]) {
      const { holder } = flight
      if (holder === undefined || now < flight.until) continue
      this.#done(holder)
      flight.holder = undefined
      this.#host.lost(holder.node, holder.request.request)
      this.#next(flight, now)
    }
  }

  /** The epoch is over. */
  clear(): void {
    this.#begun = false
    this.#early.clear()
    this.#flights.clear()
    this.#askers.clear()
  }

  #next(flight: Flight, now: number): void {
    if (flight.holder !== undefined || flight.landing !== undefined) return
    const current = this.#host.current(flight.key)
    for (const asker of flight.waiting) {
      if (current === undefined || !isWanted(current, asker.request.newerThan)) {
        flight.waiting.delete(asker)
        return this.#grant(flight, asker, now)
      }
      this.#give(asker, current)
    }
    this.#flights.delete(flight.key)
  }

  #grant(flight: Flight, asker: Asker, now: number): void {
    const { node, request } = asker
    flight.holder = asker
    flight.until = now + request.hold
    const expected = this.#host.current(flight.key) ?? 'absent'
    this.#host.answer(node, request.request, { kind: 'granted', expected })
  }

  #give(asker: Asker, version: Version): void {
    this.#done(asker)
    this.#host.answer(asker.node, asker.request.request, { kind: 'value', version })
  }

  /** Not for one that asks already, as nobody does who keeps to the rules, nor for those who ask for too much. */
  #hasRoom(node: string, { key, request }: LeaseRequest): boolean {
    const asking = this.#askers.get(node)
    if (asking?.has(request)) return false
    const isTooMuch = !this.#flights.has(key) && this.#flights.size >= MOST_FLIGHTS
    if (!isTooMuch && (asking?.size ?? 0) < this.#host.limit) return true
    this.#host.refuse(node, request, 'ERR_LIMIT', 'too many values are being computed')
    return false
  }

  #ask(node: string, request: LeaseRequest, flight: Flight | undefined): Asker {
    const asker = { node, request, flight }
    const asking = this.#askers.get(node)
    if (asking === undefined) this.#askers.set(node, new Map([[request.request, asker]]))
    else asking.set(request.request, asker)
    return asker
  }

  #done(asker: Asker): void {
    this.#early.delete(asker)
    asker.flight?.waiting.delete(asker)
    const asking = this.#askers.get(asker.node)
    asking?.delete(asker.request.request)
    if (asking?.size === 0) this.#askers.delete(asker.node)
  }
}

function isWanted(current: Version, newerThan: Version | undefined): boolean {
  return newerThan === undefined || current.compare(newerThan) > 0
}
