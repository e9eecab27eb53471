import { OptionError } from '../base/errors.ts'
import { atom } from '../term/atom.ts'
import type { Term } from '../term/term.ts'
import { tuple } from '../term/tuple.ts'
import { ExitError } from './exit-reason.ts'
import { NORMAL } from './exit-signal.ts'
import type { From } from './from.ts'
import type { Process } from './process.ts'

/** What `handleCall` returns when it answers later, by `from.reply(value)`. */
export const noReply: unique symbol = Symbol('tsunagi.noReply')

/** A server's own process, which can also be told to stop and to continue. */
export interface ServerProcess extends Process {
  /**
   * Ends the server with `terminate` once the handler that runs is done, and its reply sent. Can be called from anywhere,
   * such as a timer. Default reason: `normal`.
   */
  stop(reason?: Term): void
  /** Calls `handleContinue` with this before the next message (OTP's `{continue, Argument}`). */
  continue(argument: Term): void
  /**
   * Calls `handleInfo` with `message` if no other message comes within `ms` milliseconds after the handler that runs is
   * done: the `Timeout` a callback of OTP's `gen_server` can return. Any message takes it away, so that a handler which
   * wants it again sets it again. The last one set counts; `Infinity` sets none.
   *
   * @param message default: the atom `timeout`.
   */
  timeout(ms: number, message?: Term): void
}

type Awaitable<T> = T | PromiseLike<T>

/**
 * The callbacks of a GenServer; all of them may be async. One message is handled at a time, also while a handler awaits:
 * the next one is looked at when it is done. What a handler throws ends the server, after `terminate`.
 */
export interface ServerHandlers<Request extends Term = Term, Reply extends Term = Term, Cast extends Term = Term> {
  /** Before the first message; `start` resolves after it, and rejects with what it throws. */
  init?(self: ServerProcess): Awaitable<void>
  /** Answers a call: what it returns is the reply, or {@link noReply}. Without it the server ends with `{bad_call, Request}`. */
  handleCall?(request: Request, from: From, self: ServerProcess): Awaitable<Reply | typeof noReply>
  /** Handles a cast. Without it the server ends with `{bad_cast, Message}`. */
  handleCast?(message: Cast, self: ServerProcess): Awaitable<void>
  /** Handles every other message. Without it they are logged and dropped. */
  handleInfo?(message: Term, self: ServerProcess): Awaitable<void>
  /** What {@link ServerProcess.continue} asked for. */
  handleContinue?(argument: Term, self: ServerProcess): Awaitable<void>
  /**
   * The last thing that runs, when the server stops, when a handler threw, and when its supervisor ends it while it traps
   * exits. Not after an exit signal that it did not trap: as in OTP it is gone at once.
   */
  terminate?(reason: Term, self: ServerProcess): Awaitable<void>
  /**
   * What OTP's `sys:get_state` and `sys:get_status` show. Without it: its enumerable fields, without functions and with
   * a description of what is no term. `#private` fields never show.
   */
  formatStatus?(): Term
}

/** Gives a server its process; an instance can have one only once. */
let bind: (server: GenServer, self: ServerProcess) => void

/**
 * A server that answers `GenServer.call` and `cast` of Erlang, Elixir and TypeScript alike. Its state is its fields.
 *
 * ```ts
 * class Counter extends GenServer {
 *   #count = 0
 *   override handleCall(request: Term) {
 *     if (request === atom('next')) return ++this.#count
 *   }
 * }
 * const counter = await node.start(Counter, { name: 'counter' })
 * ```
 *
 * Behaviour: OTP's `gen_server`.
 */
export abstract class GenServer<Request extends Term = Term, Reply extends Term = Term, Cast extends Term = Term>
  implements ServerHandlers<Request, Reply, Cast>
{
  #self: ServerProcess | undefined

  static {
    bind = (server, self) => {
      if (server.#self !== undefined) throw new OptionError('server', server, 'an instance that was not started before')
      server.#self = self
    }
  }

  /** Its process. There is one from `init` on. */
  protected get self(): ServerProcess {
    if (this.#self === undefined) throw new TypeError('a GenServer has a process only once it is started')
    return this.#self
  }

  /** See {@link ServerProcess.stop}. */
  protected stop(reason: Term = NORMAL): void {
    this.self.stop(reason)
  }

  /** See {@link ServerProcess.continue}. */
  protected continue(argument: Term): void {
    this.self.continue(argument)
  }

  /** See {@link ServerProcess.timeout}. */
  protected timeout(ms: number, message?: Term): void {
    this.self.timeout(ms, message)
  }

  init(_self: ServerProcess): Awaitable<void> {}

  handleCall(request: Request, _from: From, _self: ServerProcess): Awaitable<Reply | typeof noReply> {
    throw new ExitError(tuple(atom('bad_call'), request))
  }

  handleCast(message: Cast, _self: ServerProcess): Awaitable<void> {
    throw new ExitError(tuple(atom('bad_cast'), message))
  }

  handleInfo?(message: Term, self: ServerProcess): Awaitable<void>
  handleContinue?(argument: Term, self: ServerProcess): Awaitable<void>
  formatStatus?(): Term

  terminate(_reason: Term, _self: ServerProcess): Awaitable<void> {}
}

/**
 * What `node.start` takes: a class that extends {@link GenServer}, a function that makes a server, an object of handlers,
 * or an instance of such a class, which can be started once only and so never again after it ended.
 */
export type ServerSource<Request extends Term = Term, Reply extends Term = Term, Cast extends Term = Term> =
  | (new () => ServerHandlers<Request, Reply, Cast>)
  | (() => ServerHandlers<Request, Reply, Cast>)
  | ServerHandlers<Request, Reply, Cast>

/** The handlers a source stands for, bound to their process. */
export function makeServer(source: ServerSource, self: ServerProcess): ServerHandlers {
  const handlers = typeof source === 'function' ? construct(source) : source
  if (typeof handlers !== 'object' || handlers === null) {
    throw new OptionError(
      'server',
      source,
      'a class, a function that makes a server, a handlers object, or an instance',
    )
  }
  if (handlers instanceof GenServer) bind(handlers, self)
  return handlers
}

function construct(source: (new () => ServerHandlers) | (() => ServerHandlers)): ServerHandlers {
  return isClass(source) ? new source() : source()
}

function isClass(source: (new () => ServerHandlers) | (() => ServerHandlers)): source is new () => ServerHandlers {
  return source.prototype instanceof GenServer || /^class\b/.test(Function.prototype.toString.call(source))
}
