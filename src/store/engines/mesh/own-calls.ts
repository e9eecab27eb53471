import { TsunagiError } from '../../../base/errors.ts'
import { encodeValue } from '../../encode-value.ts'
import type {
  Applied,
  Command,
  Delete,
  EngineContext,
  LeaseOptions,
  LeaseOutcome,
  Put,
  SubmitOptions,
} from '../../engine.ts'
import type { LeaseVerdict } from '../../replication/messages.ts'
import type { Outcome, Write } from '../../replication/operation.ts'
import type { Replica } from '../../replication/replica.ts'
import { StoreError, type StoreErrorCode } from '../../store-error.ts'
import { HeldLease } from './held-lease.ts'
import { type Waiter, Waiters } from './waiters.ts'

const HOLD = 30_000
const MOST_HOLD = 2 ** 40
const MOST_LIFETIME = 2 ** 43
/** Bytes of the values that are written in one step. */
const MOST_BYTES = 64 * 1024 * 1024
/** Requests of this node under way at once. */
const MOST_REQUESTS = 1_000_000

/** Writes and leases that are asked for on this node: what the replica is asked, and what those who wait are answered. */
export class OwnCalls {
  readonly #context: EngineContext
  readonly #replica: Replica
  readonly #handle: (event: (now: number) => void) => void
  readonly #writes: Waiters<Applied>
  readonly #leases: Waiters<LeaseOutcome>
  /** How long each lease that is waited for may be held. */
  readonly #holds = new Map<number, number>()
  readonly #held = new Map<number, HeldLease>()
  #request = 0

  /** `handle` has something happen to the replica. */
  constructor(context: EngineContext, replica: Replica, handle: (event: (now: number) => void) => void) {
    this.#context = context
    this.#replica = replica
    this.#handle = handle
    const { clock, options } = context
    const host = { clock, tick: options.heartbeat, late: (timeout: number) => this.#late(timeout) }
    this.#writes = new Waiters({ ...host, givenUp: (request) => handle(() => replica.forget(request)) })
    this.#leases = new Waiters({
      ...host,
      givenUp: (request) => {
        this.#holds.delete(request)
        handle((now) => replica.endLease(request, undefined, now))
      },
    })
  }

  /** What a command writes. @throws EncodeError; TsunagiError `ERR_LIMIT` */
  writes(command: Command): Write[] {
    const commands = command.kind === 'batch' ? command.writes : [command]
    const writes = commands.map((one) => this.#write(one))
    checkSize(writes)
    return writes
  }

  /** `lease`: the one that this completes. */
  submit(
    writes: readonly Write[],
    { durability = this.#context.options.durability, ...limits }: SubmitOptions,
    lease: number | undefined,
  ): Promise<Applied> {
    return new Promise((resolve, reject) => {
      if (this.#writes.size >= MOST_REQUESTS) throw new TsunagiError('ERR_LIMIT', 'too many writes are under way')
      const request = ++this.#request
      this.#writes.add(request, writes[0]?.key, limits, resolve, reject)
      this.#handle(() => this.#replica.submit(request, { kind: 'write', writes }, { durability, lease }))
    })
  }

  lease(key: string, { hold = HOLD, newerThan, wait = true, ...limits }: LeaseOptions): Promise<LeaseOutcome> {
    return new Promise((resolve, reject) => {
      const request = ++this.#request
      this.#leases.add(request, key, limits, resolve, reject)
      const held = Math.min(MOST_HOLD, Math.max(1, Math.round(hold)))
      this.#holds.set(request, held)
      this.#handle(() =>
        this.#replica.requestLease({ kind: 'lease-request', request, key, hold: held, newerThan, wait }),
      )
    })
  }

  giveUpLate(now: number): void {
    this.#writes.giveUpLate(now)
    this.#leases.giveUpLate(now)
  }

  close(error: Error): void {
    this.#writes.rejectAll(error)
    this.#leases.rejectAll(error)
    this.#holds.clear()
    for (const lease of this.#held.values()) lease.lose(error)
    this.#held.clear()
  }

  // What came of them.

  settled(request: number, { version, changed, refused }: Outcome): void {
    const waiter = this.#writes.take(request)
    if (waiter === undefined) return
    if (refused === undefined) return waiter.resolve({ version, changed })
    const { key, current } = refused
    const there = current === undefined ? 'it has no value' : `it has version ${current}`
    waiter.reject(new StoreError('ERR_VERSION', `${key}: not the version expected; ${there}`, { key, current }))
  }

  refused(request: number, code: StoreErrorCode | 'ERR_LIMIT', message: string): void {
    this.#holds.delete(request)
    const waiter = this.#writes.take(request) ?? this.#leases.take(request)
    if (waiter === undefined) return
    const { key } = waiter
    const node = this.#replica.loader
    waiter.reject(code === 'ERR_LIMIT' ? new TsunagiError(code, message) : new StoreError(code, message, { node, key }))
  }

  leased(request: number, verdict: LeaseVerdict): void {
    const waiter = this.#leases.take(request)
    const hold = this.#holds.get(request) ?? HOLD
    this.#holds.delete(request)
    if (waiter === undefined) {
      if (verdict.kind === 'granted') this.#handle((now) => this.#replica.endLease(request, undefined, now))
      return
    }
    const key = waiter.key as string
    switch (verdict.kind) {
      case 'granted': {
        const held = this.#hold(request, key, hold, verdict)
        this.#held.set(request, held)
        return waiter.resolve({ kind: 'lease', lease: held })
      }
      case 'held':
        return waiter.resolve({ kind: 'held' })
      case 'value': {
        const entry = this.#replica.table.read(key)
        // Gone again already: whoever wants it asks again.
        if (entry === undefined) return this.#askAgain(waiter, key, hold)
        return waiter.resolve({ kind: 'entry', entry })
      }
      case 'failed': {
        const { message, node } = verdict
        return waiter.reject(new StoreError('ERR_COMPUTE', message, { key, node }))
      }
    }
  }

  leaseLost(request: number): void {
    const held = this.#held.get(request)
    this.#held.delete(request)
    held?.lose()
  }

  #askAgain(waiter: Waiter<LeaseOutcome>, key: string, hold: number): void {
    const request = ++this.#request
    this.#leases.waitAgain(waiter, request)
    this.#holds.set(request, hold)
    const again = { kind: 'lease-request', request, key, hold, newerThan: undefined, wait: true } as const
    this.#handle(() => this.#replica.requestLease(again))
  }

  #hold(
    request: number,
    key: string,
    hold: number,
    { expected }: Extract<LeaseVerdict, { kind: 'granted' }>,
  ): HeldLease {
    return new HeldLease(key, {
      clock: this.#context.clock,
      hold,
      read: () => this.#replica.table.read(key),
      write: (value, options) => {
        const write = this.#write({ kind: 'put', key, value, ...options, expected })
        checkSize([write])
        return this.submit([write], options, request)
      },
      end: (failure) => {
        this.#held.delete(request)
        this.#handle((now) => this.#replica.endLease(request, failure, now))
      },
      done: () => {
        this.#held.delete(request)
      },
    })
  }

  #write(command: Put | Delete): Write {
    const { key, expected } = command
    if (command.kind === 'delete') return { key, bytes: undefined, ttl: undefined, stale: 0, expected }
    const bytes = encodeValue(command.value, this.#context.terms)
    const ttl = command.ttl === undefined || command.ttl > MOST_LIFETIME ? undefined : Math.round(command.ttl)
    const stale = Math.min(MOST_LIFETIME, Math.round(command.stale ?? 0))
    return { key, bytes, ttl, stale, expected }
  }

  #late(timeout: number): Error {
    const { name, options } = this.#context
    if (this.#replica.loader !== undefined) {
      return new TsunagiError('ERR_TIMEOUT', `the store ${name} did not answer within ${timeout} ms`)
    }
    const code = options.members === undefined ? 'ERR_NO_LOADER' : 'ERR_NO_QUORUM'
    return new StoreError(code, `nobody ordered writes within ${timeout} ms`)
  }
}

/** Nothing is ordered that the links could not carry. */
function checkSize(writes: readonly Write[]): void {
  let size = 0
  for (const { bytes } of writes) size += bytes?.length ?? 0
  if (size <= MOST_BYTES) return
  throw new TsunagiError('ERR_LIMIT', `a write of ${size} bytes: at most ${MOST_BYTES}; write it in parts`)
}
