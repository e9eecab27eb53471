import type { Timer } from '../base/clock.ts'
import { OptionError } from '../base/errors.ts'
import { duration } from '../base/options.ts'
import { type Atom, atom } from '../term/atom.ts'
import { Pid, Reference } from '../term/identifiers.ts'
import type { DecodeOptions, Term } from '../term/term.ts'
import { isTuple } from '../term/tuple.ts'
import { addressOf, type Destination, type RegisteredName } from './address.ts'
import { CallError, callErrorOf, timeoutError } from './call-error.ts'
import { FollowedCall } from './call-trace.ts'
import { NOPROC } from './exit-signal.ts'
import { callMessage, GEN_CALL } from './gen.ts'
import type { LocalProcess } from './local-process.ts'
import type { ProcessTable } from './process-table.ts'
import type { ReferenceUse } from './references.ts'
import type { MessageReceiver } from './router.ts'
import { carry } from './trace-token.ts'
import type { Watchable, Watcher } from './watch.ts'

const CALLING_SELF = atom('calling_self')

/** Options of a call. */
export interface CallOptions {
  /** Milliseconds until it rejects with `ERR_TIMEOUT`. Default 5000; `Infinity` waits for ever. */
  readonly timeout?: number
  /** Gives the call up; it rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined
  /** How the reply is decoded. Default: as the caller's messages. */
  readonly terms?: DecodeOptions
}

/**
 * Calls as OTP's `gen:call`: one reference is both a monitor on the server and the alias its reply comes to. Whatever
 * comes first, the reply, the monitor's DOWN, the timeout or the abort, takes both away, so that late replies vanish.
 */
export function call(
  table: ProcessTable,
  caller: LocalProcess,
  to: Destination,
  request: Term,
  options: CallOptions = {},
  label: Atom = GEN_CALL,
): Promise<Term> {
  const { timeout = 5000, signal } = options
  try {
    duration(timeout, 'timeout')
    signal?.throwIfAborted()
    const target = addressOf(to, table.router.nodeAtom)
    if (target instanceof Reference) throw new OptionError('to', to, 'a pid or a name: an alias cannot be monitored')
    const pending = new PendingCall(table, caller, target, options.terms ?? caller.terms)
    pending.limit(timeout, signal)
    pending.ask(label, request)
    return pending.reply
  } catch (error) {
    return Promise.reject(error)
  }
}

/** One call that waits for its reply. */
export class PendingCall implements Watcher, ReferenceUse, MessageReceiver {
  readonly #table: ProcessTable
  readonly #caller: LocalProcess
  readonly #to: Pid | RegisteredName
  readonly #ref: Reference
  readonly reply: Promise<Term>
  /** How the reply is decoded. */
  readonly terms: DecodeOptions | undefined
  #resolve!: (reply: Term) => void
  #reject!: (error: unknown) => void
  #settled = false
  #target: Watchable | undefined
  /** Its node has been told to monitor. */
  #remote = false
  #followed: FollowedCall | undefined
  #timer: Timer | undefined
  #signal: AbortSignal | undefined
  #onAbort: (() => void) | undefined

  constructor(table: ProcessTable, caller: LocalProcess, to: Pid | RegisteredName, terms: DecodeOptions | undefined) {
    this.terms = terms
    this.#table = table
    this.#caller = caller
    this.#to = to
    this.#ref = table.references.create()
    this.reply = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    table.references.use(this.#ref, this)
    caller.addCall(this)
  }

  get target(): Watchable | undefined {
    return this.#target
  }

  get watcher(): this {
    return this
  }

  get receiver(): this {
    return this
  }

  limit(timeout: number, signal: AbortSignal | undefined): void {
    if (timeout !== Number.POSITIVE_INFINITY) {
      this.#timer = this.#table.clock.after(timeout, () => this.fail(timeoutError(this.#to, timeout)))
    }
    if (signal === undefined) return
    this.#signal = signal
    this.#onAbort = () => this.fail(signal.reason)
    signal.addEventListener('abort', this.#onAbort, { once: true })
  }

  /** Monitors the server, then sends the request. */
  ask(label: Atom, request: Term): void {
    try {
      const to = this.#to
      const node = to instanceof Pid ? to.nodeAtom : to.node
      const { router, tracer } = this.#table
      this.#followed = FollowedCall.begin(tracer, () => ({
        kind: 'call',
        self: router.nodeAtom.name,
        node: node.name,
        target: to instanceof Pid ? String(to) : to.name.name,
      }))
      const message = callMessage(label, this.#caller.pid, this.#ref, request)
      if (node === router.nodeAtom) this.#askLocal(message)
      else this.#askRemote(node, message)
    } catch (error) {
      this.fail(error)
    }
  }

  #askLocal(message: Term): void {
    const process = this.#table.lookUp(this.#to)
    if (process === undefined) return this.down(NOPROC)
    if (process === this.#caller) {
      // As OTP: it could only wait for itself.
      throw new CallError('ERR_CALL_EXIT', `${process.pid} calls itself`, this.#to, CALLING_SELF)
    }
    this.#target = process
    process.watch(this)
    carry(message, this.#followed?.carrier)
    process.deliver(message, 0)
  }

  #askRemote(node: Atom, message: Term): void {
    const { router } = this.#table
    const to = this.#to
    const { pid } = this.#caller
    const peer = this.#table.peer(node)
    this.#target = peer
    peer.watch(this)
    router.monitor(pid, node, to instanceof Pid ? to : to.name, this.#ref)
    this.#remote = true
    // The monitor may have told at once that the node cannot be reached.
    if (this.#settled) return
    const token = this.#followed?.token
    if (to instanceof Pid) router.sendToPid(pid, to, message, token)
    else router.sendToName(pid, node, to.name, message, token)
  }

  /** The reply, sent to the alias or, by servers that know none, to the caller's pid. */
  deliver(message: Term): void {
    if (!isTuple(message) || message.length !== 2) return
    this.#finish(true)
    this.#followed?.end()
    this.#resolve(message[1])
  }

  down(reason: Term): void {
    if (this.#settled) return
    this.#finish(false)
    this.#rejectWith(callErrorOf(this.#to, reason))
  }

  fail(error: unknown): void {
    if (this.#settled) return
    this.#finish(true)
    this.#rejectWith(error)
  }

  #rejectWith(error: unknown): void {
    this.#followed?.end({ error })
    this.#reject(error)
  }

  /** The caller has ended. Its own code may no longer look at the promise, which is no reason to end the program. */
  callerEnded(error: Error): void {
    this.reply.catch(() => {})
    this.fail(error)
  }

  #finish(watching: boolean): void {
    this.#settled = true
    const { references, router } = this.#table
    references.drop(this.#ref)
    this.#caller.forgetCall(this)
    this.#timer?.cancel()
    if (this.#onAbort !== undefined) this.#signal?.removeEventListener('abort', this.#onAbort)
    if (!watching || this.#target === undefined) return
    this.#target.unwatch(this)
    if (!this.#remote) return
    const to = this.#to
    if (to instanceof Pid) router.demonitor(this.#caller.pid, to.nodeAtom, to, this.#ref)
    else router.demonitor(this.#caller.pid, to.node, to.name, this.#ref)
  }
}
