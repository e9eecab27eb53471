import type { Clock, Timer } from '../base/clock.ts'
import { TsunagiError } from '../base/errors.ts'
import { duration } from '../base/options.ts'
import type { Term } from '../term/term.ts'
import { type Mailbox, type Match, Waiter } from './mailbox.ts'
import { nextTurn, takeTurn } from './turn.ts'

/** Options of `self.receive`. */
export interface ReceiveOptions {
  /** Milliseconds until it rejects with `ERR_TIMEOUT`; 0 looks only at what is there. Default: waits for ever. */
  readonly timeout?: number
  /** Ends the wait; it rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined
}

/** What a receive needs of its process. */
export interface Receiver {
  readonly mailbox: Mailbox
  readonly clock: Clock
  /** Why the process has ended, for those who still wait. */
  endError(): Error
}

/** The oldest message that matches, as soon as there is one. */
export function receive(from: Receiver, match: Match | undefined, options: ReceiveOptions): Promise<Term> {
  const { timeout = Number.POSITIVE_INFINITY, signal } = options
  try {
    duration(timeout, 'timeout')
    signal?.throwIfAborted()
  } catch (error) {
    return Promise.reject(error)
  }
  if (timeout === 0) return poll(from, match)
  const waiter = new ReceiveWaiter(from, match)
  from.mailbox.wait(waiter)
  waiter.limit(timeout, signal)
  return waiter.message
}

/** What is there now. Also looking takes a turn: a loop that does nothing else must not stop the program. */
async function poll(from: Receiver, match: Match | undefined): Promise<Term> {
  if (!takeTurn()) await new Promise<void>(nextTurn)
  if (from.mailbox.closed) throw from.endError()
  const found = from.mailbox.take(match)
  if (found === undefined) throw timeoutError(0)
  return found.message
}

function timeoutError(timeout: number): TsunagiError {
  return new TsunagiError('ERR_TIMEOUT', `no message that matches came within ${timeout} ms`)
}

class ReceiveWaiter extends Waiter {
  readonly #from: Receiver
  readonly message: Promise<Term>
  #resolve!: (message: Term) => void
  #reject!: (error: unknown) => void
  #settled = false
  #timer: Timer | undefined
  #signal: AbortSignal | undefined

  constructor(from: Receiver, match: Match | undefined) {
    super(match)
    this.#from = from
    this.message = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  limit(timeout: number, signal: AbortSignal | undefined): void {
    if (this.#settled) return
    if (timeout !== Number.POSITIVE_INFINITY) {
      this.#timer = this.#from.clock.after(timeout, () => this.#expire(timeout))
    }
    this.#signal = signal
    signal?.addEventListener('abort', this.#abort, { once: true })
  }

  give(message: Term): void {
    this.#settle()
    this.#resolve(message)
  }

  fail(error: unknown): void {
    this.#settle()
    this.#reject(error)
  }

  /** The process has ended. Its own code may no longer look at the promise, which is no reason to end the program. */
  end(): void {
    this.message.catch(() => {})
    this.fail(this.#from.endError())
  }

  /** In time is what came before, also if it waits for the next turn. */
  #expire(timeout: number): void {
    this.#from.mailbox.leave(this)
    try {
      const found = this.#from.mailbox.take(this.match)
      if (found === undefined) this.fail(timeoutError(timeout))
      else this.give(found.message)
    } catch (error) {
      this.fail(error)
    }
  }

  #settle(): void {
    this.#settled = true
    this.#timer?.cancel()
    this.#signal?.removeEventListener('abort', this.#abort)
  }

  readonly #abort = (): void => {
    this.#from.mailbox.leave(this)
    this.fail(this.#signal?.reason)
  }
}
