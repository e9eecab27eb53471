import type { Version } from '../version.ts'
import type { LeaseRequest, LeaseVerdict } from './messages.ts'

interface Waiter {
  readonly node: string
  readonly request: LeaseRequest
}

interface Flight {
  readonly key: string
  /** The holder, and its lease's number; undefined while its result is being ordered. */
  holder: { readonly node: string; readonly lease: number; readonly until: number } | undefined
  /** The result was taken, and is on its way through the replicas. */
  landing: Version | undefined
  readonly waiters: Waiter[]
}

/** What flights need of the loader. */
export interface FlightHost {
  /** The version of a key's value as it is applied; undefined: there is none. */
  current(key: string): Version | undefined
  answer(node: string, request: number, verdict: LeaseVerdict): void
  lost(node: string, lease: number): void
}

/** Leases one loader grants at most at once. */
const MOST_FLIGHTS = 1_000_000

/**
 * Single flight: who makes the value of a key. Known to the loader only and gone with it, so that there is at most one
 * live lease per key in an epoch. A result is written on the condition that the key still is as it was when the lease
 * was granted; so of two epochs' results one is taken.
 */
export class Flights {
  readonly #host: FlightHost
  readonly #flights = new Map<string, Flight>()
  readonly #byLease = new Map<number, Flight>()
  #lease = 0

  constructor(host: FlightHost) {
    this.#host = host
  }

  /** Live leases by key; for checks. */
  *held(): Iterable<readonly [key: string, node: string, lease: number]> {
    for (const { key, holder } of this.#flights.values())
      if (holder !== undefined) yield [key, holder.node, holder.lease]
  }

  request(node: string, request: LeaseRequest, now: number): void {
    const { key, newerThan } = request
    const current = this.#host.current(key)
    if (current !== undefined && isWanted(current, newerThan)) {
      return this.#host.answer(node, request.request, { kind: 'value', version: current })
    }
    const flight = this.#flights.get(key)
    if (flight === undefined) {
      if (this.#flights.size >= MOST_FLIGHTS) return this.#host.answer(node, request.request, { kind: 'held' })
      const begun: Flight = { key, holder: undefined, landing: undefined, waiters: [] }
      this.#flights.set(key, begun)
      return this.#grant(begun, { node, request }, now)
    }
    if (!request.wait) return this.#host.answer(node, request.request, { kind: 'held' })
    flight.waiters.push({ node, request })
  }

  /** Whether a lease is live, for this key and this node. */
  isLive(lease: number, key: string, node: string): boolean {
    const flight = this.#byLease.get(lease)
    return flight?.key === key && flight.holder?.node === node
  }

  /** The result was ordered at this version. The lease is over; those who wait get what is there when it is applied. */
  landing(lease: number, version: Version): void {
    const flight = this.#byLease.get(lease)
    if (flight === undefined) return
    this.#byLease.delete(lease)
    flight.holder = undefined
    flight.landing = version
  }

  /** An operation was applied: those who waited for it are told, and who wants something newer goes on. */
  applied(key: string, version: Version, now: number): void {
    const flight = this.#flights.get(key)
    if (flight?.landing === undefined || version.compare(flight.landing) < 0) return
    flight.landing = undefined
    const current = this.#host.current(key)
    const waiters = flight.waiters.splice(0)
    for (const waiter of waiters) {
      if (current !== undefined && isWanted(current, waiter.request.newerThan)) {
        this.#host.answer(waiter.node, waiter.request.request, { kind: 'value', version: current })
      } else flight.waiters.push(waiter)
    }
    this.#next(flight, now)
  }

  end(lease: number, node: string, failure: string | undefined, now: number): void {
    const flight = this.#byLease.get(lease)
    if (flight?.holder?.node !== node) return
    this.#byLease.delete(lease)
    flight.holder = undefined
    if (failure !== undefined) {
      for (const waiter of flight.waiters.splice(0)) {
        this.#host.answer(waiter.node, waiter.request.request, { kind: 'failed', message: failure, node })
      }
    }
    this.#next(flight, now)
  }

  cancel(node: string, request: number): void {
    for (const flight of this.#flights.values()) {
      const index = flight.waiters.findIndex((waiter) => waiter.node === node && waiter.request.request === request)
      if (index >= 0) return void flight.waiters.splice(index, 1)
    }
  }

  /** A node is gone: it waits no more, and what it held passes on. */
  nodeDown(node: string, now: number): void {
    for (const flight of [...this.#flights.values()]) {
      const others = flight.waiters.filter((waiter) => waiter.node !== node)
      flight.waiters.splice(0, Number.POSITIVE_INFINITY, ...others)
      if (flight.holder?.node !== node) continue
      this.#byLease.delete(flight.holder.lease)
      flight.holder = undefined
      this.#next(flight, now)
    }
  }

  /** Leases whose time is over pass on. */
  tick(now: number): void {
    for (const flight of [...this.#flights.values()]) {
      const { holder } = flight
      if (holder === undefined || now < holder.until) continue
      this.#byLease.delete(holder.lease)
      flight.holder = undefined
      this.#host.lost(holder.node, holder.lease)
      this.#next(flight, now)
    }
  }

  /** The epoch is over. */
  clear(): void {
    this.#flights.clear()
    this.#byLease.clear()
  }

  #next(flight: Flight, now: number): void {
    if (flight.holder !== undefined || flight.landing !== undefined) return
    const current = this.#host.current(flight.key)
    for (let waiter = flight.waiters.shift(); waiter !== undefined; waiter = flight.waiters.shift()) {
      if (current === undefined || !isWanted(current, waiter.request.newerThan)) return this.#grant(flight, waiter, now)
      this.#host.answer(waiter.node, waiter.request.request, { kind: 'value', version: current })
    }
    this.#flights.delete(flight.key)
  }

  #grant(flight: Flight, { node, request }: Waiter, now: number): void {
    const lease = ++this.#lease
    flight.holder = { node, lease, until: now + request.hold }
    this.#byLease.set(lease, flight)
    const expected = this.#host.current(flight.key) ?? 'absent'
    this.#host.answer(node, request.request, { kind: 'granted', lease, expected })
  }
}

function isWanted(current: Version, newerThan: Version | undefined): boolean {
  return newerThan === undefined || current.compare(newerThan) > 0
}
