import { TsunagiError } from '../../base/errors.ts'
import { atom } from '../../term/atom.ts'
import { Pid } from '../../term/identifiers.ts'
import type { Term } from '../../term/term.ts'
import { isTuple, tuple } from '../../term/tuple.ts'
import { ExitError, exitReasonOf } from '../exit-reason.ts'
import { isOrderly, KILLED, SHUTDOWN } from '../exit-signal.ts'
import type { From } from '../from.ts'
import { noReply, type ServerHandlers } from '../gen-server.ts'
import type { LocalServer } from '../local-server.ts'
import { nextTurn } from '../turn.ts'
import { Child } from './child.ts'
import { ChildError } from './child-error.ts'
import { Children } from './children.ts'
import { RestartIntensity } from './intensity.ts'
import type { ResolvedChild, ResolvedSupervisor } from './options.ts'
import { Reports } from './report.ts'
import { answerRequest } from './requests.ts'
import { endChild, startChild } from './run-child.ts'

const EXIT = atom('EXIT')

/** What the supervisor's own code asks of it, in turn with its other messages. */
export class Command {
  readonly run: (supervisor: SupervisorServer) => Promise<void>

  constructor(run: (supervisor: SupervisorServer) => Promise<void>) {
    this.run = run
  }
}

/** A child that could not be restarted is tried again. */
class Retry {
  readonly child: Child

  constructor(child: Child) {
    this.child = child
  }
}

/** What a supervisor does, as the callbacks of a GenServer that traps exits. Behaviour: OTP's `supervisor`. */
export class SupervisorServer implements ServerHandlers {
  readonly children = new Children()
  readonly #self: LocalServer
  readonly #options: ResolvedSupervisor
  readonly #intensity: RestartIntensity
  readonly #reports: Reports

  constructor(self: LocalServer, options: ResolvedSupervisor) {
    this.#self = self
    this.#options = options
    this.#intensity = new RestartIntensity(options.maxRestarts, options.maxSeconds * 1000, self.clock)
    this.#reports = new Reports(self)
  }

  async init(): Promise<void> {
    for (const spec of this.#options.children) this.children.add(new Child(spec))
    const failed = await this.#startAll(this.children.from())
    if (failed === undefined) return
    await this.#endAll(this.children.from())
    const reason = tuple(atom('failed_to_start_child'), idOf(failed.child), exitReasonOf(failed.error))
    throw new ExitError(tuple(SHUTDOWN, reason), failed.error)
  }

  async handleCall(request: Term, from: From): Promise<Term | typeof noReply> {
    const command: unknown = request
    if (command instanceof Command) return void (await command.run(this))
    await answerRequest(this, request, from)
    return noReply
  }

  handleCast(message: Term): void {
    this.#reports.unexpected(message)
  }

  async handleInfo(message: Term): Promise<void> {
    const retry: unknown = message
    if (retry instanceof Retry) {
      if (retry.child.restarting && this.children.has(retry.child)) await this.#restart(retry.child)
    } else if (isTuple(message) && message.length === 3 && message[0] === EXIT && message[1] instanceof Pid) {
      const child = this.children.byPid(message[1])
      // Anybody can send such a message; what counts is that it ended.
      if (child?.process?.ended === true) await this.#ended(child, child.process.endError().reason)
    } else {
      this.#reports.unexpected(message)
    }
  }

  async terminate(): Promise<void> {
    await this.#endAll(this.children.from())
  }

  formatStatus(): Term {
    const { strategy, maxRestarts, maxSeconds } = this.#options
    return { strategy: atom(strategy), intensity: maxRestarts, period: maxSeconds }
  }

  /** Adds a child and starts it. @throws ChildError when it is there; what its start threw. */
  async start(spec: ResolvedChild): Promise<Pid> {
    const known = spec.id === undefined ? undefined : this.children.byId(spec.id)
    if (known !== undefined)
      throw new ChildError(known.pid === undefined ? 'already_present' : 'already_started', known)
    const child = new Child(spec)
    this.children.add(child)
    try {
      await this.#start(child)
    } catch (error) {
      this.children.delete(child)
      throw error
    }
    return pidOf(child)
  }

  get autoShutdown(): ResolvedSupervisor['autoShutdown'] {
    return this.#options.autoShutdown
  }

  /** Ends a child; it is not restarted. @throws ChildError `not_found` */
  async end(which: Term): Promise<void> {
    const child = this.#find(which)
    await this.#end(child)
    this.#settle(child)
  }

  /** Starts a child that was ended. @throws ChildError; what its start threw. */
  async restart(which: Term): Promise<Pid> {
    const child = this.#findIdle(which)
    await this.#start(child)
    return pidOf(child)
  }

  /** Forgets a child that was ended. @throws ChildError */
  delete(which: Term): void {
    this.children.delete(this.#findIdle(which))
  }

  #find(which: Term): Child {
    const child = this.children.find(which)
    if (child === undefined) throw new ChildError('not_found', which)
    return child
  }

  #findIdle(which: Term): Child {
    const child = this.#find(which)
    if (child.restarting) throw new ChildError('restarting', child)
    if (child.pid !== undefined) throw new ChildError('running', child)
    return child
  }

  async #ended(child: Child, reason: Term): Promise<void> {
    const { restart } = child.spec
    if (restart === 'permanent' || (restart === 'transient' && !isOrderly(reason))) {
      return this.#restart(child, reason)
    }
    if (!isOrderly(reason)) this.#reports.ended(child, reason)
    this.children.setProcess(child, undefined)
    this.#settle(child)
    if (this.#endsWith(child)) this.#self.stop(SHUTDOWN)
  }

  /** A child has ended for good: only one that can be started again by its id is kept. */
  #settle(child: Child): void {
    child.restarting = false
    if (child.isTemporary || child.spec.id === undefined) this.children.delete(child)
  }

  #endsWith({ spec }: Child): boolean {
    const { autoShutdown } = this.#options
    if (!spec.significant || autoShutdown === 'never') return false
    if (autoShutdown === 'any_significant') return true
    return !this.children
      .from()
      .some((child) => child.spec.significant && (child.restarting || child.pid !== undefined))
  }

  /** `reason`: what it ended with; without one it is the next attempt. */
  async #restart(child: Child, reason?: Term): Promise<void> {
    const { maxRestarts, maxSeconds, strategy } = this.#options
    const allowed = this.#intensity.add()
    if (!allowed) {
      if (reason !== undefined) this.#reports.ended(child, reason)
      this.#reports.gaveUp(child, maxRestarts, maxSeconds)
    } else if (reason !== undefined) {
      this.#reports.restarts(child, reason, this.#intensity.count, maxRestarts, maxSeconds)
    }
    this.children.setProcess(child, undefined)
    child.restarting = false
    if (!allowed) return this.#self.stop(SHUTDOWN)
    let group = [child]
    if (strategy !== 'one_for_one') {
      group = this.children.from(strategy === 'rest_for_one' ? child : undefined)
      await this.#endAll(group)
    }
    const failed = await this.#startAll(group.filter((one) => this.children.has(one)))
    if (failed === undefined) return
    failed.child.restarting = true
    // In a later turn: what else waits comes first, and a child that cannot be started does not stop the program.
    nextTurn(() => this.#self.deliver(new Retry(failed.child) as unknown as Term, 0))
  }

  /** Starts children in order, up to the first that fails. */
  async #startAll(children: Iterable<Child>): Promise<{ child: Child; error: unknown } | undefined> {
    for (const child of children) {
      try {
        await this.#start(child)
      } catch (error) {
        // A supervisor that was killed meanwhile has nothing to say any more.
        if (!this.#self.ended) this.#reports.startFailed(child, error)
        return { child, error }
      }
    }
    return undefined
  }

  async #start(child: Child): Promise<void> {
    await startChild(this.#self, child, this.children, (self, options) => new SupervisorServer(self, options))
    this.#reports.started(child)
  }

  /** Ends children in reverse order, and forgets temporary ones. Neighbours without an id end together. */
  async #endAll(children: Child[]): Promise<void> {
    const together: Child[] = []
    const endTogether = async (): Promise<void> => {
      await Promise.all(together.splice(0).map((child) => this.#end(child)))
    }
    for (const child of children.toReversed()) {
      if (child.spec.id !== undefined) await endTogether()
      together.push(child)
      if (child.spec.id !== undefined) await endTogether()
    }
    await endTogether()
    for (const child of children) if (child.isTemporary) this.children.delete(child)
  }

  async #end(child: Child): Promise<void> {
    child.restarting = false
    const ended = await endChild(this.#self, child, this.children)
    if (ended === undefined) return
    const { pid, reason } = ended
    const expected =
      reason === (child.spec.shutdown === 'brutal_kill' ? KILLED : SHUTDOWN) ||
      (child.spec.restart !== 'permanent' && isOrderly(reason))
    if (!expected) this.#reports.shutdownFailed(child, pid, reason)
  }
}

function idOf(child: Child): Term {
  return child.spec.id
}

function pidOf(child: Child): Pid {
  if (child.pid === undefined) throw new TsunagiError('ERR_NOPROC', 'the child is gone')
  return child.pid
}
