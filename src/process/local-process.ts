import { channel } from 'node:diagnostics_channel'
import type { Clock } from '../base/clock.ts'
import { type Atom, atom } from '../term/atom.ts'
import type { Pid, Reference } from '../term/identifiers.ts'
import type { DecodeOptions, Term } from '../term/term.ts'
import { tuple } from '../term/tuple.ts'
import type { Destination } from './address.ts'
import { Alias } from './alias.ts'
import { type CallOptions, call, PendingCall } from './call.ts'
import { ExitError, exitReasonOf } from './exit-reason.ts'
import { type ExitSource, exitEffect, KILLED, NORMAL } from './exit-signal.ts'
import { replyReference } from './gen.ts'
import type { LinkEnd } from './links.ts'
import { Mailbox, type MailboxLimits, type Match } from './mailbox.ts'
import type { Monitor } from './monitor.ts'
import type { MonitorTarget } from './monitors.ts'
import type { Process, ProcessBody, SpawnOptions } from './process.ts'
import type { ProcessKind } from './process-info.ts'
import type { ProcessTable } from './process-table.ts'
import { type ReceiveOptions, type Receiver, receive } from './receive.ts'
import type { MessageReceiver } from './router.ts'
import { sendCast, sendExit, sendMessage } from './send.ts'
import { Ties } from './ties.ts'
import type { CastOf, ReplyOf, RequestOf } from './typed-call.ts'
import type { Watchable, Watcher } from './watch.ts'

const EXIT = atom('EXIT')
/** The code of a process threw what nobody caught. */
const crashed = channel('tsunagi:process:crash')

const MAILBOX_OVERFLOW = atom('mailbox_overflow')

/**
 * A process of this node, as the room sees it; {@link Process} is what its own code sees. There may be very many, so each
 * is as small as can be: it is its mailbox and the iterator of its messages, and what few processes have (links, monitors,
 * aliases, calls, an abort signal) is made on first use.
 */
export class LocalProcess extends Mailbox implements Process, Watchable, Receiver, MessageReceiver {
  readonly pid: Pid
  readonly table: ProcessTable
  trapExit: boolean
  readonly terms: DecodeOptions | undefined
  /** When it was made, in whole seconds of the clock: a small integer, which takes no memory of its own. */
  readonly #born: number
  /** Messages dropped so far; undefined when it ends instead. */
  #dropped: number | undefined
  #exited: { readonly reason: Term } | undefined
  #ties: Ties | undefined

  constructor(table: ProcessTable, options: SpawnOptions) {
    super()
    this.table = table
    this.pid = table.allocatePid()
    this.trapExit = options.trapExit ?? false
    this.terms = options.terms
    this.#born = Math.trunc(table.clock.now() / 1000)
    this.#dropped = options.overflow === 'drop' ? 0 : undefined
    table.add(this)
  }

  // What the room uses.

  get mailbox(): Mailbox {
    return this
  }

  protected override get limits(): MailboxLimits {
    return this.table.limits
  }

  get nameAtom(): Atom | undefined {
    return this.#ties?.name
  }

  set nameAtom(name: Atom | undefined) {
    this.#tied().name = name
  }

  get clock(): Clock {
    return this.table.clock
  }

  get ended(): boolean {
    return this.#exited !== undefined
  }

  /** Runs the body. Whatever it throws is the process's exit reason, never an unhandled rejection. */
  run(body: ProcessBody): void {
    if (this.ended) return
    try {
      const result = body(this) as PromiseLike<unknown> | undefined
      // Bound methods: they are kept as long as the process lives, and closures with their context are larger.
      if (typeof result?.then === 'function') result.then(this.endNormally.bind(this), this.crash.bind(this))
      else this.end(NORMAL)
    } catch (error) {
      this.crash(error)
    }
  }

  /** Its body is done. */
  endNormally(): void {
    this.end(NORMAL)
  }

  /** A message arrives. */
  deliver(message: Term, bytes: number): void {
    const calls = this.#ties?.calls
    if (calls !== undefined && calls.size > 0 && this.takeReply(message)) return
    if (this.push(message, bytes)) return
    if (this.#dropped !== undefined) {
      if (this.#dropped++ === 0) this.log('warn', 'drops messages: its mailbox is full')
    } else {
      this.log('error', `ends: its mailbox is full (${this.length} messages, ${this.bytes} bytes)`)
      this.end(MAILBOX_OVERFLOW)
    }
  }

  /** Whether a message is the reply to a call, sent to the pid instead of the alias, as servers before OTP 24 do. */
  takeReply(message: Term): boolean {
    const ref = replyReference(message)
    const use = ref === undefined ? undefined : this.table.references.find(ref)
    if (!(use instanceof PendingCall)) return false
    use.deliver(message)
    return true
  }

  /** An exit signal arrives. `bytes`: its size on the wire, if it came over a link. */
  receiveExit(source: ExitSource, from: Pid, reason: Term, bytes = 0): void {
    switch (exitEffect(source, reason, this.trapExit, from.equals(this.pid))) {
      case 'message':
        return this.deliver(tuple(EXIT, from, reason), bytes)
      case 'exit':
        return this.end(reason)
      case 'kill':
        return this.end(KILLED)
      case 'ignore':
        return
    }
  }

  /** Ends because something was thrown. */
  crash(thrown: unknown): void {
    if (this.ended) return
    const reason = exitReasonOf(thrown)
    if (crashed.hasSubscribers) {
      crashed.publish({ self: this.table.router.nodeAtom.name, pid: this.pid, name: this.name, reason, error: thrown })
    }
    if (thrown instanceof Error && !(thrown instanceof ExitError)) {
      this.log('error', `ended by ${thrown.name}: ${thrown.message}`, { err: thrown })
    } else if (!(thrown instanceof Error)) {
      this.log('error', `ended by a thrown value: ${String(reason)}`)
    }
    this.end(reason)
  }

  end(reason: Term): void {
    if (this.ended) return
    this.#exited = { reason }
    this.close()
    this.table.remove(this)
    this.#ties?.controller?.abort(this.endError())
  }

  /** The second half of its end: all who have to do with it are told. */
  tellEnd(): void {
    const ties = this.#ties
    if (ties === undefined) return
    const { aliases, calls, links, monitors, watchers } = ties
    ties.links = undefined
    ties.watchers = undefined
    for (const pending of calls ?? []) pending.callerEnded(this.endError())
    for (const alias of aliases ?? []) this.table.references.drop(alias.ref)
    for (const monitor of monitors ?? []) this.table.monitors.cancel(monitor)
    if (links !== undefined) this.table.links.breakAll(this, links.values(), this.#exited?.reason)
    for (const watcher of watchers ?? []) watcher.down(this.#exited?.reason)
  }

  endError(): ExitError {
    return new ExitError(this.#exited?.reason)
  }

  watch(watcher: Watcher): void {
    const ties = this.#tied()
    ties.watchers ??= new Set()
    ties.watchers.add(watcher)
  }

  unwatch(watcher: Watcher): void {
    this.#ties?.watchers?.delete(watcher)
  }

  linkTo(pid: Pid): LinkEnd | undefined {
    return this.#ties?.links?.get(pid.key)
  }

  setLink(pid: Pid, end: LinkEnd): void {
    const ties = this.#tied()
    ties.links ??= new Map()
    ties.links.set(pid.key, end)
  }

  forgetLink(pid: Pid): void {
    this.#ties?.links?.delete(pid.key)
  }

  addMonitor(monitor: Monitor): void {
    const ties = this.#tied()
    ties.monitors ??= new Set()
    ties.monitors.add(monitor)
  }

  forgetMonitor(monitor: Monitor): void {
    this.table.references.drop(monitor.ref)
    this.#ties?.monitors?.delete(monitor)
  }

  forgetAlias(alias: Alias): void {
    this.table.references.drop(alias.ref)
    this.#ties?.aliases?.delete(alias)
  }

  addCall(pending: PendingCall): void {
    const ties = this.#tied()
    ties.calls ??= new Set()
    ties.calls.add(pending)
  }

  forgetCall(pending: PendingCall): void {
    this.#ties?.calls?.delete(pending)
  }

  log(level: 'warn' | 'error', what: string, data: object = {}): void {
    const { pid, name } = this
    const who = name === undefined ? String(pid) : `${pid} (${name})`
    this.table.logger[level](
      { pid: pid.toString(), ...(name === undefined ? {} : { name }), ...data },
      `process ${who} ${what}`,
    )
  }

  /** Whether it serves somebody now, as far as can be told from outside. */
  get serving(): boolean {
    return false
  }

  /** Somebody waits for its answer; {@link From} says so. */
  asked(): void {}

  /** It has answered. */
  answered(): void {}

  // What can be seen of it from outside.

  get kind(): ProcessKind {
    return 'process'
  }

  /** How many ties of each kind it has. */
  get tieCounts(): { readonly links: number; readonly monitors: number; readonly monitoredBy: number } {
    const ties = this.#ties
    return {
      links: ties?.links?.size ?? 0,
      monitors: ties?.monitors?.size ?? 0,
      monitoredBy: ties?.watchers?.size ?? 0,
    }
  }

  /** Seconds since it was made. */
  get age(): number {
    return Math.trunc(this.clock.now() / 1000) - this.#born
  }

  // What its own code uses.

  get dropped(): number {
    return this.#dropped ?? 0
  }

  get name(): string | undefined {
    return this.nameAtom?.name
  }

  get mailboxLength(): number {
    return this.length
  }

  get signal(): AbortSignal {
    const ties = this.#tied()
    if (ties.controller === undefined) {
      ties.controller = new AbortController()
      if (this.ended) ties.controller.abort(this.endError())
    }
    return ties.controller.signal
  }

  [Symbol.asyncIterator](): AsyncIterator<Term, undefined> {
    return this
  }

  receive<T extends Term>(match?: Match | ((message: Term) => message is T), options: ReceiveOptions = {}): Promise<T> {
    return receive(this, match, options) as Promise<T>
  }

  send(to: Destination, message: Term): boolean {
    this.#check()
    return sendMessage(this, to, message)
  }

  call<To extends Destination>(to: To, request: RequestOf<To>, options?: CallOptions): Promise<ReplyOf<To>> {
    if (this.ended) return Promise.reject(this.endError())
    return call(this.table, this, to, request, options) as Promise<ReplyOf<To>>
  }

  cast<To extends Destination>(to: To, message: CastOf<To>): boolean {
    this.#check()
    return sendCast(this, to, message)
  }

  link(pid: Pid): void {
    this.#check()
    this.table.links.link(this, pid)
  }

  unlink(pid: Pid): void {
    this.#check()
    this.table.links.unlink(this, pid)
  }

  monitor(target: MonitorTarget): Reference {
    this.#check()
    return this.table.monitors.monitor(this, target)
  }

  demonitor(ref: Reference, options: { readonly flush?: boolean } = {}): void {
    this.#check()
    this.table.monitors.demonitor(this, ref, options.flush === true)
  }

  alias(options: { readonly once?: boolean } = {}): Reference {
    this.#check()
    const alias = new Alias(this.table.references.create(), this, options.once === true)
    this.table.references.use(alias.ref, alias)
    const ties = this.#tied()
    ties.aliases ??= new Set()
    ties.aliases.add(alias)
    return alias.ref
  }

  unalias(ref: Reference): void {
    const alias = this.table.references.find(ref)
    if (alias instanceof Alias && alias.owner === this) this.forgetAlias(alias)
  }

  exit(reason: Term): never
  exit(to: Pid, reason: Term): void
  exit(...args: [Term] | [Pid, Term]): void {
    this.#check()
    if (args.length === 1) throw new ExitError(args[0])
    sendExit(this, args[0], args[1])
  }

  #tied(): Ties {
    this.#ties ??= new Ties()
    return this.#ties
  }

  #check(): void {
    if (this.ended) throw this.endError()
  }
}
