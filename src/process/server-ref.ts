import type { Pid } from '../term/identifiers.ts'
import type { Term } from '../term/term.ts'
import { type CallOptions, call } from './call.ts'
import { SHUTDOWN } from './exit-signal.ts'
import type { LocalProcess } from './local-process.ts'
import type { LocalServer } from './local-server.ts'
import { sendCast } from './send.ts'

/** A running GenServer: what `node.start` resolves to. It can stand wherever a pid can as a destination. */
export interface ServerRef<Request extends Term = Term, Reply extends Term = Term, Cast extends Term = Term>
  extends AsyncDisposable {
  readonly pid: Pid
  /** Calls it. See `node.call` for the errors. */
  call(request: Request, options?: CallOptions): Promise<Reply>
  /** Casts to it. */
  cast(message: Cast): boolean
  /**
   * Stops it: the handler that runs is awaited, then `terminate`. Resolves when it has ended, whatever the reason.
   *
   * @param reason default `shutdown`.
   */
  close(reason?: Term): Promise<void>
}

export class LocalServerRef implements ServerRef {
  readonly #server: LocalServer
  readonly #outside: LocalProcess
  #closed: Promise<void> | undefined

  constructor(server: LocalServer, outside: LocalProcess) {
    this.#server = server
    this.#outside = outside
  }

  get pid(): Pid {
    return this.#server.pid
  }

  call(request: Term, options?: CallOptions): Promise<Term> {
    return call(this.#outside.table, this.#outside, this.pid, request, options)
  }

  cast(message: Term): boolean {
    return sendCast(this.#outside, this.pid, message)
  }

  close(reason: Term = SHUTDOWN): Promise<void> {
    this.#closed ??= whenEnded(this.#server)
    this.#server.stop(reason)
    return this.#closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  toString(): string {
    return this.pid.toString()
  }
}

/** Resolves when a process has ended. */
export function whenEnded(process: LocalProcess): Promise<void> {
  if (process.ended) return Promise.resolve()
  return new Promise((resolve) => process.watch({ target: process, down: () => resolve() }))
}
