import { EventEmitter } from 'node:events'
import type { Destination } from '../process/address.ts'
import type { CallOptions } from '../process/call.ts'
import type { ServerSource } from '../process/gen-server.ts'
import type { MultiCallResult } from '../process/multi-call.ts'
import type { ProcessBody, SpawnOptions } from '../process/process.ts'
import type { ProcessInfo } from '../process/process-info.ts'
import type { ProcessSurvey, SurveyOptions } from '../process/process-survey.ts'
import type { ProcessCounts } from '../process/process-system.ts'
import type { ServerRef } from '../process/server-ref.ts'
import type { SupervisorOptions } from '../process/supervisor/options.ts'
import type { Supervisor } from '../process/supervisor/supervisor.ts'
import type { CastOf, ReplyOf, RequestOf } from '../process/typed-call.ts'
import type { Pid, Term } from '../term/index.ts'
import { type Foundation, NodeCore } from './node-core.ts'
import type { LocalNodeEvents } from './node-reports.ts'

/** The parts of a node, for the code of this room: whoever prints a node, hidden properties and all, sees no cookie. */
export let coreOf: (node: ProcessHost) => NodeCore

/** What a node does with processes, here and elsewhere; the half of `LocalNode` that knows of no links. */
export abstract class ProcessHost extends EventEmitter<LocalNodeEvents> {
  /** The node's whole name, `alive@host`. */
  readonly name: string
  readonly #core: NodeCore

  static {
    coreOf = (node) => node.#core
  }

  protected constructor(foundation: Foundation) {
    super()
    this.name = foundation.options.name.full
    this.#core = new NodeCore(foundation, this)
  }

  /** What the processes of this node hold, for metrics and for tests that look for leaks. */
  get counts(): ProcessCounts {
    return this.#core.processes.counts
  }

  /** Runs a function as a process; see `Process`. */
  spawn(body: ProcessBody, options?: SpawnOptions): Pid {
    return this.#core.processes.spawn(body, options)
  }

  /**
   * Starts a GenServer: a class, a function that makes an instance, an object of handlers, or an instance. Resolves when
   * its `init` is done.
   */
  start<Request extends Term = Term, Reply extends Term = Term, Cast extends Term = Term>(
    source: ServerSource<Request, Reply, Cast>,
    options?: SpawnOptions,
  ): Promise<ServerRef<Request, Reply, Cast>> {
    return this.#core.processes.start(source, options)
  }

  /**
   * Starts a supervisor and its children, in order; resolves when all have started. They are ended, in the reverse order,
   * by its `close` and when the node closes.
   *
   * @throws ExitError with reason `{shutdown, {failed_to_start_child, Id, Reason}}` and a `cause`; TsunagiError
   *   `ERR_NAME_TAKEN`; OptionError
   */
  supervise(options?: SupervisorOptions): Promise<Supervisor> {
    return this.#core.processes.supervise(options)
  }

  /** The supervisor that runs on this node under a name or a pid. @throws TsunagiError `ERR_NOPROC` */
  supervisor(of: string | Pid): Supervisor {
    return this.#core.processes.supervisor(of)
  }

  /** Registers a process of this node under a name. @throws TsunagiError `ERR_NAME_TAKEN`, `ERR_NOPROC` */
  register(name: string, pid: Pid | ServerRef): void {
    this.#core.processes.register(name, pid)
  }

  /** Frees a name. @throws TsunagiError `ERR_NOPROC` when nobody has it */
  unregister(name: string): void {
    this.#core.processes.unregister(name)
  }

  whereis(name: string): Pid | undefined {
    return this.#core.processes.whereis(name)
  }

  /** The pids of all processes of this node, those of its own servers among them. */
  processes(): Pid[] {
    return this.#core.processes.list()
  }

  /** What can be seen of a process of this node, such as the length of its mailbox; undefined when it is gone. */
  processInfo(pid: Pid): ProcessInfo | undefined {
    return this.#core.processes.info(pid)
  }

  /** A look at all processes at once, for those who watch the node: see {@link ProcessSurvey}. */
  survey(options: SurveyOptions): ProcessSurvey {
    return this.#core.processes.survey(options)
  }

  /** All names registered on this node. */
  registered(): string[] {
    return this.#core.processes.registered()
  }

  /**
   * Sends a message: to a pid, an alias, a registered name, or `{ name, node }`. To a node without a link it dials first.
   * True, or false when the link is over its high-water mark: then wait for `node.drained`.
   *
   * @throws TsunagiError `ERR_LINK_FULL`, `ERR_ENCODE` or `ERR_NOPROC` (a bare name nobody has); nothing was sent then
   */
  send(to: Destination, message: Term): boolean {
    return this.#core.processes.send(to, message)
  }

  /** Calls a GenServer anywhere. @throws CallError `ERR_TIMEOUT`, `ERR_NOPROC`, `ERR_NOCONNECTION`, `ERR_CALL_EXIT` */
  call<To extends Destination>(to: To, request: RequestOf<To>, options?: CallOptions): Promise<ReplyOf<To>> {
    return this.#core.processes.call(to, request, options)
  }

  /** Casts to a GenServer anywhere. */
  cast<To extends Destination>(to: To, message: CastOf<To>): boolean {
    return this.#core.processes.cast(to, message)
  }

  /**
   * Calls the GenServers of one name on many nodes at once: OTP's `gen_server:multi_call/4`. Resolves when each node has
   * replied or is known not to; late replies vanish.
   *
   * `nodes` are this node and all that are connected, unless given.
   *
   * @param options `timeout` (ms, default 5000) is that of the whole call.
   * @throws OptionError; EncodeError for a request that is no term; the signal's reason
   */
  multiCall(name: string, request: Term, options?: CallOptions): Promise<MultiCallResult>
  multiCall(nodes: readonly string[], name: string, request: Term, options?: CallOptions): Promise<MultiCallResult>
  multiCall(
    ...args: [string, Term, (CallOptions | undefined)?] | [readonly string[], string, Term, (CallOptions | undefined)?]
  ): Promise<MultiCallResult> {
    return this.#core.processes.multiCall(...this.#onNodes(args))
  }

  /**
   * Casts to the GenServers of one name on many nodes: OTP's `gen_server:abcast/3`. False when the link to one of them is
   * over its high-water mark; where it is full the message is lost.
   *
   * `nodes` are this node and all that are connected, unless given.
   */
  abcast(name: string, message: Term): boolean
  abcast(nodes: readonly string[], name: string, message: Term): boolean
  abcast(...args: [string, Term] | [readonly string[], string, Term]): boolean {
    return this.#core.processes.abcast(...this.#onNodes(args))
  }

  /** Sends an exit signal, as Erlang's `exit/2`. */
  exit(pid: Pid | ServerRef, reason: Term): void {
    this.#core.processes.exit(pid, reason)
  }

  /** The arguments of a call to many nodes, with the default for those that were left out. */
  #onNodes<A extends unknown[]>(
    args: [string, ...A] | [readonly string[], string, ...A],
  ): [readonly string[], string, ...A] {
    if (Array.isArray(args[0])) return args as [readonly string[], string, ...A]
    return [[this.name, ...this.#core.nodes('connected')], ...(args as [string, ...A])]
  }
}
