import { duration } from '../base/options.ts'
import { isPromiseLike } from '../base/promise-like.ts'
import { type Atom, atom } from '../term/atom.ts'
import { Pid } from '../term/identifiers.ts'
import type { Term } from '../term/term.ts'
import { isTuple, type Tuple, tuple } from '../term/tuple.ts'
import { followsServing, serveCall } from './call-trace.ts'
import { ExitError, exitReasonOf } from './exit-reason.ts'
import { isOrderly, NORMAL } from './exit-signal.ts'
import { From } from './from.ts'
import { GEN_CALL, GEN_CAST, isFromTuple, SYSTEM } from './gen.ts'
import { makeServer, noReply, type ServerHandlers, type ServerProcess, type ServerSource } from './gen-server.ts'
import { IdleTimeout } from './idle-timeout.ts'
import { LocalProcess } from './local-process.ts'
import type { ProcessKind } from './process-info.ts'
import { stateOf } from './server-state.ts'
import { answerSystem, type SystemTarget } from './system-message.ts'
import { carrierOf, carry, readTraceToken } from './trace-token.ts'
import { nextTurn, soon, takeTurn } from './turn.ts'

const EXIT = atom('EXIT')
const TIMEOUT = atom('timeout')

/**
 * The process of a GenServer. It reads its mailbox itself, one message after the other and without a promise for those
 * whose handler needs none; so an idle server holds no suspended function.
 */
export class LocalServer extends LocalProcess implements ServerProcess, SystemTarget {
  #handlers: ServerHandlers = {}
  #parent: Pid | undefined
  /** A handler runs or will run; what comes meanwhile waits. */
  #busy = true
  /** Calls that have no answer yet. Servers that never answer some let it grow; nothing else of those is kept. */
  #unanswered = 0
  #stopping: { readonly reason: Term } | undefined
  #continues: Term[] | undefined
  #timeout: IdleTimeout | undefined
  /** What is handled while the server is suspended; there is a list from then on until it is worked off. */
  #urgent: Term[] | undefined
  #suspended = false
  /** Rejects `begin` while `init` runs. */
  #startFailed: ((error: Error) => void) | undefined

  /**
   * Makes the server and runs `init`. Rejects when either fails, which ends the process.
   *
   * @param parent whose exit signal stops it in good order if it traps exits. As in OTP it is its own without one.
   */
  begin(source: ServerSource, parent?: Pid): Promise<void> {
    this.#parent = parent
    return new Promise((resolve, reject) => {
      this.#startFailed = reject
      this.#initialize(source).then(
        () => {
          this.#startFailed = undefined
          resolve()
          if (this.ended) return
          this.#run()
        },
        (thrown: unknown) => {
          const reason = exitReasonOf(thrown)
          // Whoever starts it hears it, with the cause, so it is not logged.
          reject(thrown instanceof ExitError ? thrown : new ExitError(reason, thrown))
          this.end(reason)
        },
      )
    })
  }

  async #initialize(source: ServerSource): Promise<void> {
    this.#handlers = makeServer(source, this)
    await this.#handlers.init?.(this)
    if (this.#stopping !== undefined) throw new ExitError(this.#stopping.reason)
  }

  override get kind(): ProcessKind {
    return 'server'
  }

  /** What its source made. */
  get handlers(): ServerHandlers {
    return this.#handlers
  }

  stop(reason: Term = NORMAL): void {
    if (this.ended || this.#stopping !== undefined) return
    this.#stopping = { reason }
    this.wake()
  }

  continue(argument: Term): void {
    this.#continues ??= []
    this.#continues.push(argument)
    this.wake()
  }

  timeout(ms: number, message: Term = TIMEOUT): void {
    duration(ms, 'ms')
    this.#timeout?.cancel()
    this.#timeout = this.ended || ms === Number.POSITIVE_INFINITY ? undefined : new IdleTimeout(ms, message)
    // Nobody else starts it when it is set from outside a handler.
    this.wake()
  }

  /** A handler runs, messages wait for one, or a call has no answer yet. */
  override get serving(): boolean {
    return this.#busy || this.length > 0 || this.#unanswered > 0
  }

  override asked(): void {
    this.#unanswered++
  }

  override answered(): void {
    this.#unanswered--
  }

  // What `sys` sees and does.

  get parent(): Pid {
    return this.#parent ?? this.pid
  }

  get suspended(): boolean {
    return this.#suspended
  }

  set suspended(suspended: boolean) {
    if (suspended && !this.#suspended) {
      this.#urgent ??= []
      for (let found = this.#takeUrgent(); found !== undefined; found = this.#takeUrgent()) {
        this.#urgent.push(found.message)
      }
    }
    this.#suspended = suspended
  }

  state(): Term {
    return stateOf(this.#handlers)
  }

  override deliver(message: Term, bytes: number, _peer?: Atom, _as?: unknown, token?: Term): void {
    if (token !== undefined && followsServing(this.table.tracer)) carry(message, readTraceToken(token))
    if (!this.#suspended || !this.#isUrgent(message)) return super.deliver(message, bytes)
    this.#urgent?.push(message)
    this.wake()
  }

  override crash(thrown: unknown): void {
    this.#finish(exitReasonOf(thrown), thrown)
  }

  override end(reason: Term): void {
    super.end(reason)
    this.#timeout?.cancel()
    this.#startFailed?.(this.endError())
    this.#startFailed = undefined
  }

  /** Something is to be done. */
  override wake(): void {
    if (this.#busy) return
    this.#busy = true
    soon(() => this.#run())
  }

  /** Handles what waits, until a handler has to be awaited. */
  #run(): void {
    while (!this.ended) {
      if (this.#stopping !== undefined) return this.#finish(this.#stopping.reason)
      let handled: PromiseLike<void> | undefined
      try {
        if (this.#continues !== undefined && this.#continues.length > 0) {
          handled = later(this.#handlers.handleContinue?.(this.#continues.shift(), this))
        } else if (this.#urgent !== undefined) {
          if (this.#urgent.length > 0) this.#handleUrgent(this.#urgent.shift())
          else if (this.#suspended) return this.#rest()
          else this.#urgent = undefined
        } else if (this.#timeout?.due === true) {
          handled = this.#handleInfo(this.#takeTimeout())
        } else if (this.mailbox.length === 0) {
          this.#timeout?.start(this.clock, () => this.wake())
          return this.#rest()
        } else if (takeTurn()) {
          handled = this.#handle(this.mailbox.shift())
        } else {
          return nextTurn(() => this.#run())
        }
      } catch (thrown) {
        return this.crash(thrown)
      }
      if (handled !== undefined) {
        handled.then(
          () => this.#run(),
          (thrown: unknown) => this.crash(thrown),
        )
        return
      }
    }
  }

  #rest(): void {
    this.#busy = false
  }

  /** The message of the timeout, which is gone with that. */
  #takeTimeout(): Term {
    const message = this.#timeout?.message
    this.#timeout?.cancel()
    this.#timeout = undefined
    return message
  }

  /** Whether a message counts also for a suspended server: those of `sys`, and the exit signal of its parent. */
  #isUrgent(message: Term): boolean {
    if (!isTuple(message) || message.length !== 3) return false
    return message[0] === SYSTEM ? isFromTuple(message[1]) : message[0] === EXIT && this.#isParent(message[1])
  }

  #isParent(term: Term): boolean {
    return term instanceof Pid && term.equals(this.parent)
  }

  #takeUrgent(): { readonly message: Term } | undefined {
    return this.mailbox.take((message) => this.#isUrgent(message))
  }

  #handleUrgent(message: Term): void {
    const [label, from, content] = message as Tuple
    if (label === EXIT) this.stop(content)
    else answerSystem(this, new From(this, from as Tuple), content)
  }

  #handle(message: Term): PromiseLike<void> | undefined {
    if (this.#timeout !== undefined && !this.#isUrgent(message)) this.#takeTimeout()
    if (isTuple(message)) {
      const label = message[0]
      if (message.length === 3 && label === GEN_CALL && isFromTuple(message[1])) {
        return this.#handleCall(new From(this, message[1]), message)
      }
      if (message.length === 2 && label === GEN_CAST) return this.#handleCast(message[1])
      if (this.#isUrgent(message)) {
        this.#handleUrgent(message)
        return undefined
      }
    }
    return this.#handleInfo(message)
  }

  #handleInfo(message: Term): PromiseLike<void> | undefined {
    if (this.#handlers.handleInfo !== undefined) return later(this.#handlers.handleInfo(message, this))
    this.log('warn', `got a message it does not handle: ${String(message)}`)
    return undefined
  }

  #handleCall(from: From, message: Tuple): PromiseLike<void> | undefined {
    const request = message[2]
    if (this.#handlers.handleCall === undefined) throw new ExitError(tuple(atom('bad_call'), request))
    const reply = followsServing(this.table.tracer)
      ? this.#handleFollowed(from, message)
      : this.#handlers.handleCall(request, from, this)
    if (isPromiseLike(reply)) return reply.then((value) => answer(from, value))
    answer(from, reply)
    return undefined
  }

  #handleFollowed(from: From, message: Tuple) {
    const { tracer, router } = this.table
    const target = this.name ?? String(this.pid)
    const call = { kind: 'call', self: router.nodeAtom.name, node: from.pid.node, target } as const
    return serveCall(tracer, call, carrierOf(message), () => this.#handlers.handleCall?.(message[2], from, this))
  }

  #handleCast(message: Term): PromiseLike<void> | undefined {
    if (this.#handlers.handleCast === undefined) throw new ExitError(tuple(atom('bad_cast'), message))
    return later(this.#handlers.handleCast(message, this))
  }

  /** Runs `terminate` and ends. `thrown` is what a handler threw, if that is why. */
  #finish(reason: Term, thrown?: unknown): void {
    if (this.ended) return
    this.#busy = true
    this.#terminate(reason).then(
      () => this.#endWith(reason, thrown),
      (error: unknown) => this.#endWith(exitReasonOf(error), error),
    )
  }

  async #terminate(reason: Term): Promise<void> {
    await this.#handlers.terminate?.(reason, this)
  }

  #endWith(reason: Term, thrown: unknown): void {
    if (!this.ended && !isOrderly(reason)) {
      const error = thrown instanceof Error && !(thrown instanceof ExitError) ? thrown : undefined
      const what =
        error === undefined ? `ended with reason ${String(reason)}` : `ended by ${error.name}: ${error.message}`
      this.log('error', what, error === undefined ? {} : { err: error })
    }
    this.end(reason)
  }
}

function answer(from: From, reply: Term | typeof noReply): void {
  if (reply !== noReply) from.reply(reply)
}

function later(result: void | PromiseLike<void>): PromiseLike<void> | undefined {
  return isPromiseLike(result) ? result : undefined
}
