import type { Atom } from '../../term/atom.ts'
import type { Pid } from '../../term/identifiers.ts'
import type { Term } from '../../term/term.ts'
import { call } from '../call.ts'
import { SHUTDOWN } from '../exit-signal.ts'
import type { LocalProcess } from '../local-process.ts'
import type { LocalServer } from '../local-server.ts'
import { whenEnded } from '../server-ref.ts'
import { type ChildSpec, resolveChild } from './options.ts'
import { type ChildCounts, countChildren } from './requests.ts'
import { Command, type SupervisorServer } from './supervisor-server.ts'

/** One child of a supervisor, as {@link Supervisor.whichChildren} tells it. */
export interface ChildInfo {
  readonly id: string | Atom | undefined
  /** Undefined when it does not run. */
  readonly pid: Pid | undefined
  /** It could not be restarted and is about to be tried again. */
  readonly restarting: boolean
  readonly type: 'worker' | 'supervisor'
}

/**
 * A running supervisor: what `node.supervise` resolves to. Its methods are handled in turn with what happens to its
 * children; they reject with `CallError` (`ERR_NOPROC`, `ERR_CALL_EXIT`) when it has ended.
 *
 * Behaviour: OTP's `supervisor`; children without an id as those of Elixir's `DynamicSupervisor`.
 */
export class Supervisor implements AsyncDisposable {
  readonly #process: LocalServer
  readonly #outside: LocalProcess
  #closed: Promise<void> | undefined

  /** Use `node.supervise`. */
  constructor(process: LocalServer, outside: LocalProcess) {
    this.#process = process
    this.#outside = outside
  }

  get pid(): Pid {
    return this.#process.pid
  }

  /**
   * Adds a child and starts it; resolves when its `init` is done. A child's own `init` must not wait for this: its
   * supervisor waits for that `init`.
   *
   * @throws ChildError `already_started`, `already_present`; OptionError; what its `init` threw, as `node.start`. Then
   *   there is no such child.
   */
  startChild(child: ChildSpec): Promise<Pid> {
    return this.#ask((supervisor) => supervisor.start(resolveChild(child, supervisor.autoShutdown)))
  }

  /**
   * Ends a child and resolves when it has ended. It is not restarted; one with an id that is not temporary is kept, for
   * {@link Supervisor.restartChild}.
   *
   * @throws ChildError `not_found`
   */
  terminateChild(child: string | Atom | Pid): Promise<void> {
    return this.#ask((supervisor) => supervisor.end(child))
  }

  /** Starts a child that does not run. @throws ChildError `not_found`, `running`, `restarting`; what its `init` threw */
  restartChild(id: string | Atom): Promise<Pid> {
    return this.#ask((supervisor) => supervisor.restart(id))
  }

  /** Forgets a child that does not run. @throws ChildError `not_found`, `running`, `restarting` */
  deleteChild(id: string | Atom): Promise<void> {
    return this.#ask(async (supervisor) => supervisor.delete(id))
  }

  /** All children, those started last first. */
  whichChildren(): Promise<ChildInfo[]> {
    return this.#ask(async ({ children }) => {
      return Array.from(children, ({ pid, restarting, spec: { id, type } }) => ({
        id,
        pid,
        restarting,
        type,
      })).reverse()
    })
  }

  countChildren(): Promise<ChildCounts> {
    return this.#ask(async ({ children }) => countChildren(children))
  }

  /**
   * Ends it: first its children, in the reverse of the order they were started in. Resolves when it has ended, whatever
   * the reason.
   *
   * @param reason default `shutdown`.
   */
  close(reason: Term = SHUTDOWN): Promise<void> {
    this.#closed ??= whenEnded(this.#process)
    this.#process.stop(reason)
    return this.#closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  toString(): string {
    return this.pid.toString()
  }

  async #ask<T>(act: (supervisor: SupervisorServer) => Promise<T>): Promise<T> {
    let outcome: (() => T) | undefined
    const command = new Command(async (supervisor) => {
      try {
        const value = await act(supervisor)
        outcome = () => value
      } catch (error) {
        outcome = () => {
          throw error
        }
      }
    })
    await call(this.#outside.table, this.#outside, this.pid, command as unknown as Term, {
      timeout: Number.POSITIVE_INFINITY,
    })
    return (outcome as unknown as () => T)()
  }
}
