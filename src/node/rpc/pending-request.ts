import type { Clock, Timer } from '../../base/clock.ts'
import type { ConnectError } from '../../dist/connect-error.ts'
import type { RemoteSpawn, SpawnListener } from '../../process/remote-spawn.ts'
import { atom, type DecodeOptions, type Pid, type Term } from '../../term/index.ts'
import { type Outcome, readErpcReply, resultOf } from './outcome.ts'
import { noConnection, type RpcTarget, refused, timedOut } from './rpc-error.ts'

const NOCONNECTION = atom('noconnection')

/** A request to another node that waits for what comes of it. It settles once; what comes later changes nothing. */
export abstract class PendingRequest<Result> implements SpawnListener {
  readonly result: Promise<Result>
  readonly terms: DecodeOptions | undefined
  readonly target: RpcTarget
  /** Told once, when it settles. */
  onSettled: () => void = () => {}
  /** Tells the other side that nobody waits any more. */
  giveUp: (() => void) | undefined
  /** Why the node could not be dialled, if it could not. */
  dialError: () => ConnectError | undefined = () => undefined
  spawn: RemoteSpawn | undefined
  settled = false
  #resolve!: (value: Result) => void
  #reject!: (error: unknown) => void
  #timer: Timer | undefined
  #forgetSignal: (() => void) | undefined

  constructor(target: RpcTarget, terms?: DecodeOptions) {
    this.target = target
    this.terms = terms
    this.result = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  limit(clock: Clock, timeout: number, signal: AbortSignal | undefined): void {
    if (timeout !== Number.POSITIVE_INFINITY) {
      this.#timer = clock.after(timeout, () => this.fail(timedOut(this.target, timeout)))
    }
    if (signal === undefined) return
    const abort = (): void => this.fail(signal.reason)
    signal.addEventListener('abort', abort, { once: true })
    this.#forgetSignal = () => signal.removeEventListener('abort', abort)
  }

  /** Does a step of it, unless it has settled; what that throws is what it fails with. */
  try(step: () => void): void {
    if (this.settled) return
    try {
      step()
    } catch (error) {
      this.fail(error)
    }
  }

  refused(reason: Term): void {
    this.reject(refused(this.target, reason))
  }

  down(reason: Term): void {
    if (reason === NOCONNECTION) this.reject(noConnection(this.target, this.dialError()))
    else this.ended(reason)
  }

  /** The process that was spawned ended. */
  protected abstract ended(reason: Term): void

  resolve(value: Result): void {
    if (this.#settle()) this.#resolve(value)
  }

  reject(error: unknown): void {
    if (this.#settle()) this.#reject(error)
  }

  /** Gives it up: nobody waits any more. */
  fail(error: unknown): void {
    if (this.settled) return
    this.giveUp?.()
    this.reject(error)
  }

  #settle(): boolean {
    if (this.settled) return false
    this.settled = true
    this.#timer?.cancel()
    this.#forgetSignal?.()
    this.onSettled()
    return true
  }
}

/** A call that waits for its result. */
export class PendingResult extends PendingRequest<Term> {
  protected ended(reason: Term): void {
    if (this.spawn !== undefined) this.settle(readErpcReply(this.spawn.ref, reason))
  }

  settle(outcome: Outcome): void {
    try {
      this.resolve(resultOf(this.target, outcome))
    } catch (error) {
      this.reject(error)
    }
  }
}

/** A spawn that waits for the pid. */
export class PendingPid extends PendingRequest<Pid> {
  spawned(pid: Pid): void {
    this.giveUp?.()
    this.resolve(pid)
  }

  protected ended(): void {}
}
