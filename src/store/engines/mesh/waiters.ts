import type { Clock, Timer } from '../../../base/clock.ts'
import { OptionError } from '../../../base/errors.ts'
import type { WaitOptions } from '../../../node/waiting.ts'

/** Somebody who waits for an answer. A class, since every write makes one: smaller than closures. */
export class Waiter<T> {
  /** Another one when it has to be asked for again. */
  request: number
  readonly key: string | undefined
  readonly timeout: number
  /** By the clock. */
  readonly until: number
  timer: Timer | undefined
  signal: AbortSignal | undefined
  onAbort: (() => void) | undefined
  readonly #resolve: (value: T) => void
  readonly #reject: (error: unknown) => void

  constructor(
    request: number,
    key: string | undefined,
    timeout: number,
    until: number,
    resolve: (value: T) => void,
    reject: (error: unknown) => void,
  ) {
    this.request = request
    this.key = key
    this.timeout = timeout
    this.until = until
    this.#resolve = resolve
    this.#reject = reject
  }

  resolve(value: T): void {
    this.#done()
    this.#resolve(value)
  }

  reject(error: unknown): void {
    this.#done()
    this.#reject(error)
  }

  #done(): void {
    this.timer?.cancel()
    if (this.onAbort !== undefined) this.signal?.removeEventListener('abort', this.onAbort)
  }
}

/** What waiters need of who has them. */
export interface WaitersHost {
  readonly clock: Clock
  /** Milliseconds after which {@link Waiters.giveUpLate} is sure to be called: who waits longer needs no timer. */
  readonly tick: number
  /** What somebody is told who has waited for so many milliseconds. */
  late(timeout: number): Error
  /** Nobody waits for the request any more. */
  givenUp(request: number): void
}

/** Those who wait for answers, by their requests. */
export class Waiters<T> {
  readonly #host: WaitersHost
  readonly #waiting = new Map<number, Waiter<T>>()

  constructor(host: WaitersHost) {
    this.#host = host
  }

  get size(): number {
    return this.#waiting.size
  }

  /** @throws OptionError for a timeout that is none; what the signal was aborted with */
  add(
    request: number,
    key: string | undefined,
    { timeout = 5000, signal }: WaitOptions,
    resolve: (value: T) => void,
    reject: (error: unknown) => void,
  ): void {
    signal?.throwIfAborted()
    if (!(timeout >= 0)) throw new OptionError('timeout', timeout, 'milliseconds')
    const { clock, tick } = this.#host
    const waiter = new Waiter(request, key, timeout, clock.now() + timeout, resolve, reject)
    if (timeout < tick * 2) {
      waiter.timer = clock.after(timeout, () => this.#giveUp(waiter, this.#host.late(timeout)), { keepAlive: true })
    }
    if (signal !== undefined) {
      waiter.signal = signal
      waiter.onAbort = () => this.#giveUp(waiter, signal.reason)
      signal.addEventListener('abort', waiter.onAbort, { once: true })
    }
    this.#waiting.set(request, waiter)
  }

  /** Who waits for this request, no longer. */
  take(request: number): Waiter<T> | undefined {
    const waiter = this.#waiting.get(request)
    if (waiter !== undefined) this.#waiting.delete(request)
    return waiter
  }

  /** Whoever was taken waits for another request instead. */
  waitAgain(waiter: Waiter<T>, request: number): void {
    waiter.request = request
    this.#waiting.set(request, waiter)
  }

  giveUpLate(now: number): void {
    for (const waiter of this.#waiting.values()) {
      if (now >= waiter.until) this.#giveUp(waiter, this.#host.late(waiter.timeout))
    }
  }

  rejectAll(error: Error): void {
    for (const waiter of this.#waiting.values()) waiter.reject(error)
    this.#waiting.clear()
  }

  #giveUp(waiter: Waiter<T>, why: unknown): void {
    this.#waiting.delete(waiter.request)
    this.#host.givenUp(waiter.request)
    waiter.reject(why)
  }
}
