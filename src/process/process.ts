import type { Pid, Reference } from '../term/identifiers.ts'
import type { DecodeOptions, Term } from '../term/term.ts'
import type { Destination } from './address.ts'
import type { CallOptions } from './call.ts'
import type { Match } from './mailbox.ts'
import type { MonitorTarget } from './monitors.ts'
import type { ReceiveOptions } from './receive.ts'
import type { CastOf, ReplyOf, RequestOf } from './typed-call.ts'

/**
 * A process seen from inside: what `node.spawn` gives to the function it runs.
 *
 * Its messages are read with `for await (const message of self)` or with {@link Process.receive}. It ends when the
 * function returns (reason `normal`), when it throws, by {@link Process.exit}, or by an exit signal from elsewhere. From
 * then on it is dead to the world: its name is free, monitors and links have fired, its loop ends, waits reject, and
 * whatever it still tries throws {@link ExitError}. Code that awaits something else at that moment runs on until it gets
 * there; give it `self.signal`.
 */
export interface Process extends AsyncIterable<Term, undefined> {
  /** Its identifier; travels in messages. */
  readonly pid: Pid
  /** The name it is registered under, if it is. */
  readonly name: string | undefined
  /** Aborts when the process ends, with an `ExitError`. */
  readonly signal: AbortSignal
  /** Messages that wait. */
  readonly mailboxLength: number
  /** Messages lost because the mailbox was full; only for a process spawned with `overflow: 'drop'`. */
  readonly dropped: number
  /**
   * Whether exit signals come as messages `{'EXIT', From, Reason}` instead of ending the process (OTP's process flag
   * `trap_exit`). Default false. `kill` cannot be trapped.
   */
  trapExit: boolean

  /**
   * The oldest message that matches, removed from the mailbox, as soon as there is one; others stay. A type guard types
   * the result.
   *
   * @param match called for each message until it says true. Default: any message.
   * @throws TsunagiError `ERR_TIMEOUT` after `timeout` ms; `ExitError` when the process ends.
   */
  receive<T extends Term>(match: (message: Term) => message is T, options?: ReceiveOptions): Promise<T>
  receive(match?: Match, options?: ReceiveOptions): Promise<Term>

  /**
   * Sends a message. True, or false when the way to the receiver is over its high-water mark: see `node.drained`.
   * Nobody says whether it arrived.
   *
   * @throws TsunagiError `ERR_NOPROC` for a bare name nobody has here (as Erlang's `!`), `ERR_LINK_FULL`, `ERR_ENCODE`.
   */
  send(to: Destination, message: Term): boolean

  /**
   * Calls a GenServer and resolves to its reply.
   *
   * @throws CallError `ERR_TIMEOUT`, `ERR_NOPROC`, `ERR_NOCONNECTION` or `ERR_CALL_EXIT` with `reason` and `target`.
   */
  call<To extends Destination>(to: To, request: RequestOf<To>, options?: CallOptions): Promise<ReplyOf<To>>

  /** Casts to a GenServer: `{'$gen_cast', Message}`. Like {@link Process.send}, but never throws `ERR_NOPROC`. */
  cast<To extends Destination>(to: To, message: CastOf<To>): boolean

  /**
   * Links this process with another: when one ends, the other gets an exit signal. Nothing happens when they are linked.
   *
   * @throws TsunagiError `ERR_NOPROC` for a local process that is gone, unless this one traps exits; then, and always
   *   for remote ones, an exit signal with reason `noproc` or `noconnection` comes.
   */
  link(pid: Pid): void
  /** Takes a link away; its exit signal no longer comes once this returns. */
  unlink(pid: Pid): void

  /**
   * Watches a process, wherever it is: `{'DOWN', Ref, process, PidOrName, Reason}` comes exactly once, also when it does
   * not exist (`noproc`) or its node goes away (`noconnection`). `PidOrName` is `{Name, Node}` for a name.
   */
  monitor(target: MonitorTarget): Reference
  /** Takes a monitor away. With `flush`, a `DOWN` that is already in the mailbox goes as well. */
  demonitor(ref: Reference, options?: { readonly flush?: boolean }): void

  /**
   * A reference to which messages for this process can be sent, until {@link Process.unalias}, or with `once` until the
   * first message came.
   */
  alias(options?: { readonly once?: boolean }): Reference
  unalias(ref: Reference): void

  /** Ends this process by throwing an `ExitError`, as Erlang's `exit/1`; `try` can catch it. */
  exit(reason: Term): never
  /** Sends an exit signal, as Erlang's `exit/2`. `kill` ends the other whether it traps exits or not. */
  exit(to: Pid, reason: Term): void
}

/** What a process runs. It starts after `spawn` has returned; what it returns is ignored. */
export type ProcessBody = (self: Process) => unknown

/** Options of `node.spawn`. */
export interface SpawnOptions {
  /** Registers the process under this name before it starts. */
  readonly name?: string | undefined
  /** See {@link Process.trapExit}. Default false. */
  readonly trapExit?: boolean
  /**
   * What happens when a message comes that the mailbox has no room for: the process exits with reason
   * `mailbox_overflow`, or the message is dropped. Default `'exit'`.
   */
  readonly overflow?: 'exit' | 'drop'
  /**
   * How messages from other nodes are decoded for this process. Default: as its node is set up. Messages of local
   * processes are never encoded, so that it does not matter to them.
   */
  readonly terms?: DecodeOptions
}
