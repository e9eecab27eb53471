import { type Clock, systemClock } from '../base/clock.ts'
import { OptionError, TsunagiError } from '../base/errors.ts'
import { defaultLimits, type Limits } from '../base/limits.ts'
import { type Logger, stderrLogger } from '../base/logger.ts'
import { fn } from '../base/options.ts'
import { type Atom, atom, isAtom } from '../term/atom.ts'
import { Pid } from '../term/identifiers.ts'
import type { DecodeOptions, Term } from '../term/term.ts'
import type { Destination } from './address.ts'
import { type CallOptions, call } from './call.ts'
import type { CallTracer } from './call-trace.ts'
import { endAll } from './end-all.ts'
import { SHUTDOWN } from './exit-signal.ts'
import type { ServerSource } from './gen-server.ts'
import { Inbound } from './inbound.ts'
import { LocalProcess } from './local-process.ts'
import { LocalServer } from './local-server.ts'
import { makeProcess } from './make-process.ts'
import { abcast, type MultiCallResult, multiCall } from './multi-call.ts'
import { checkName } from './names.ts'
import { Outside } from './outside.ts'
import type { ProcessBody, SpawnOptions } from './process.ts'
import { infoOf, type ProcessInfo, type ProcessKind } from './process-info.ts'
import { type ProcessSurvey, type SurveyOptions, survey } from './process-survey.ts'
import { ProcessTable } from './process-table.ts'
import { RemoteSpawn, type SpawnedBody, type SpawnListener, type SpawnTies } from './remote-spawn.ts'
import type { InboundSignals, Router } from './router.ts'
import { sendCast, sendExit, sendMessage } from './send.ts'
import { LocalServerRef, type ServerRef } from './server-ref.ts'
import { type ServiceHandler, ServiceProcess } from './service-process.ts'
import { resolveSupervisor, type SupervisorOptions } from './supervisor/options.ts'
import { Supervisor } from './supervisor/supervisor.ts'
import { SupervisorServer } from './supervisor/supervisor-server.ts'
import { soon } from './turn.ts'
import type { CastOf, ReplyOf, RequestOf } from './typed-call.ts'
import type { Watcher } from './watch.ts'

/** Options of a {@link ProcessSystem}. */
export interface ProcessSystemOptions {
  readonly clock?: Clock
  readonly logger?: Logger
  readonly limits?: Pick<Limits, 'mailboxMessages' | 'mailboxBytes'>
}

/** Figures for metrics and for tests that look for leaks. */
export interface ProcessCounts {
  readonly processes: number
  readonly names: number
  /** References in use: monitors, aliases and calls. */
  readonly references: number
  /** Nodes some link, monitor or call leads to. */
  readonly peers: number
}

/**
 * The processes of one node: starts them, finds them, and sends for code that is no process itself. What comes over
 * links goes to {@link ProcessSystem.inbound}.
 */
export class ProcessSystem {
  /** What the node's links call. */
  readonly inbound: InboundSignals
  readonly #table: ProcessTable
  readonly #outside: Outside
  #closed: Promise<void> | undefined

  constructor(router: Router, options: ProcessSystemOptions = {}) {
    const { clock = systemClock, logger = stderrLogger, limits = defaultLimits } = options
    this.#table = new ProcessTable(router, { clock, logger, limits })
    this.inbound = new Inbound(this.#table)
    this.#outside = new Outside(this.#table, {})
  }

  /** The pid that stands for code outside any process: the sender of what this object sends. */
  get pid(): Pid {
    return this.#outside.pid
  }

  /** Follows the calls that are made and answered here; see {@link CallTracer}. */
  get tracer(): CallTracer | undefined {
    return this.#table.tracer
  }

  set tracer(tracer: CallTracer | undefined) {
    this.#table.tracer = tracer
  }

  get counts(): ProcessCounts {
    const { names, peerCount, references, size } = this.#table
    return {
      processes: size - (this.#outside.ended ? 0 : 1),
      names: names.size,
      references: references.size,
      peers: peerCount,
    }
  }

  /**
   * Starts a process. The body runs after this returns, so that whoever spawned it can link with it or monitor it first.
   *
   * @throws TsunagiError `ERR_NAME_TAKEN`, `ERR_CLOSED`; OptionError.
   */
  spawn(body: ProcessBody, options: SpawnOptions = {}): Pid {
    fn(body, 'body')
    const process = this.#make(LocalProcess, options)
    soon(() => process.run(body))
    return process.pid
  }

  /** Makes a process of the node's own; see {@link ServiceProcess}. @throws TsunagiError `ERR_NAME_TAKEN`, `ERR_CLOSED` */
  serve(name: string | undefined, terms: DecodeOptions, handler: ServiceHandler): ServiceProcess {
    const service = this.#make(ServiceProcess, { name, terms })
    service.handler = handler
    return service
  }

  /** As {@link ProcessSystem.spawn}, for a process of a peer that asked for it. */
  spawnFor(from: Pid, ties: SpawnTies, body: SpawnedBody): Pid {
    const process = this.#make(LocalProcess, {})
    const { links, monitors } = this.#table
    const { nodeAtom } = from
    if (ties.link) links.linked(process, this.#table.peer(nodeAtom), from)
    if (ties.monitor !== undefined) monitors.monitored(nodeAtom, from, process.pid, ties.monitor, ties)
    if (ties.ended !== undefined) process.watch({ target: process, down: ties.ended })
    soon(() => process.run((self) => body(self, (reason) => process.end(reason))))
    return process.pid
  }

  /** Gets ready to ask a node to spawn, for code that is no process; see {@link RemoteSpawn}. */
  remoteSpawn(node: Atom, listener: SpawnListener): RemoteSpawn {
    if (this.#closed !== undefined) throw closedError()
    return new RemoteSpawn(this.#table, this.pid, this.#table.peer(node), listener)
  }

  /**
   * Starts a GenServer and resolves when its `init` is done.
   *
   * @throws ExitError with `reason` and `cause` when it fails; TsunagiError `ERR_NAME_TAKEN`, `ERR_CLOSED`; OptionError.
   */
  async start<Request extends Term, Reply extends Term, Cast extends Term>(
    source: ServerSource<Request, Reply, Cast>,
    options: SpawnOptions = {},
  ): Promise<ServerRef<Request, Reply, Cast>> {
    const server = this.#make(LocalServer, options)
    // What peers send is not checked against the types a server declares.
    await server.begin(source as unknown as ServerSource)
    return new LocalServerRef(server, this.#outside) as unknown as ServerRef<Request, Reply, Cast>
  }

  /**
   * Starts a supervisor and its children; resolves when all of them have started.
   *
   * @throws ExitError with reason `{shutdown, {failed_to_start_child, Id, Reason}}` when one does not start, with what it
   *   threw as `cause`; TsunagiError `ERR_NAME_TAKEN`, `ERR_CLOSED`; OptionError.
   */
  async supervise(options: SupervisorOptions = {}): Promise<Supervisor> {
    const resolved = resolveSupervisor(options)
    const process = this.#make(LocalServer, resolved.spawn)
    await process.begin(new SupervisorServer(process, resolved))
    return new Supervisor(process, this.#outside)
  }

  /**
   * The supervisor that runs here under a name or a pid.
   *
   * @throws TsunagiError `ERR_NOPROC` when there is none.
   */
  supervisor(of: string | Pid): Supervisor {
    const process = of instanceof Pid ? this.#table.find(of) : this.#table.names.find(checkName(of))
    if (process instanceof LocalServer && process.handlers instanceof SupervisorServer) {
      return new Supervisor(process, this.#outside)
    }
    throw new TsunagiError('ERR_NOPROC', `${String(of)} is no supervisor of this node`)
  }

  /** See `Process.send`. */
  send(to: Destination, message: Term): boolean {
    return sendMessage(this.#outside, to, message)
  }

  /** See `Process.cast`. */
  cast<To extends Destination>(to: To, message: CastOf<To>): boolean {
    return sendCast(this.#outside, to, message)
  }

  /** See `Process.call`. */
  call<To extends Destination>(to: To, request: RequestOf<To>, options?: CallOptions): Promise<ReplyOf<To>> {
    if (this.#closed !== undefined) return Promise.reject(closedError())
    // What a server replies is not checked against the types its reference declares.
    return call(this.#table, this.#outside, to, request, options) as Promise<ReplyOf<To>>
  }

  /** Calls the servers of one name on many nodes; see {@link multiCall}. */
  multiCall(nodes: readonly string[], name: string, request: Term, options?: CallOptions): Promise<MultiCallResult> {
    if (this.#closed !== undefined) return Promise.reject(closedError())
    return multiCall(this.#outside, nodes, name, request, options)
  }

  /** Casts to the servers of one name on many nodes; see {@link abcast}. */
  abcast(nodes: readonly string[], name: string, message: Term): boolean {
    return abcast(this.#outside, nodes, name, message)
  }

  /** Sends an exit signal, to a process of any node. Nothing happens when there is no such process. */
  exit(to: Pid | ServerRef, reason: Term): void {
    sendExit(this.#outside, to instanceof Pid ? to : to.pid, reason)
  }

  /**
   * Gives a local process a name.
   *
   * @throws TsunagiError `ERR_NAME_TAKEN` when the name belongs to another process, or this one has a name already;
   *   `ERR_NOPROC` when it is no living process of this node; OptionError.
   */
  register(name: string, to: Pid | ServerRef): void {
    const pid = to instanceof Pid ? to : to?.pid
    if (!(pid instanceof Pid)) throw new OptionError('pid', to, 'a pid')
    const checked = checkName(name)
    const process = this.#table.find(pid)
    if (process === undefined) throw new TsunagiError('ERR_NOPROC', `${pid} is no living process of this node`)
    this.#table.names.register(checked, process)
  }

  /** Frees a name. @throws TsunagiError `ERR_NOPROC` when nobody has it. */
  unregister(name: string): void {
    if (!this.#table.names.release(checkName(name))) {
      throw new TsunagiError('ERR_NOPROC', `no process is registered as ${name}`)
    }
  }

  /** The pid registered under a name here. */
  whereis(name: string | Atom): Pid | undefined {
    return this.#table.names.find(isAtom(name) ? name : atom(name))?.pid
  }

  /** All names registered here. */
  registered(): string[] {
    return this.#table.names.list()
  }

  /** Has `watcher` told of the end of a process of this node, within it. False when there is no such process any more. */
  watch(pid: Pid, watcher: Watcher): boolean {
    const process = this.#table.find(pid)
    process?.watch(watcher)
    return process !== undefined
  }

  /** Takes {@link ProcessSystem.watch} back. */
  unwatch(pid: Pid, watcher: Watcher): void {
    this.#table.find(pid)?.unwatch(watcher)
  }

  /** The pids of all processes. */
  list(): Pid[] {
    return Array.from(this.#table.processes, ({ pid }) => pid).filter((pid) => pid !== this.pid)
  }

  /** What can be seen of a process; undefined when no such one lives here. */
  info(pid: Pid): ProcessInfo | undefined {
    const process = this.#table.find(pid)
    return process === undefined ? undefined : infoOf(process, kindOf(process))
  }

  /** Looks at the processes, those of the node's own among them; see {@link ProcessSurvey}. */
  survey(options: SurveyOptions): ProcessSurvey {
    return survey(this.#table.processes, this.#outside, kindOf, options)
  }

  /** Whether a server of this node handles messages, has some waiting, or owes a caller the answer. */
  get serving(): boolean {
    for (const process of this.#table.processes) if (process.serving) return true
    return false
  }

  /** Whether a pid of this node is that of a living process. */
  isAlive(pid: Pid): boolean {
    return this.#table.find(pid) !== undefined
  }

  /**
   * Ends all processes, with reason `shutdown`: servers are stopped, so that their `terminate` runs, and killed when that
   * takes longer than `grace` ms (default 5000); other processes end at once. Calls from outside reject with `ExitError`.
   */
  close(options: { readonly grace?: number } = {}): Promise<void> {
    this.#closed ??= this.#endAll(options.grace ?? 5000)
    return this.#closed
  }

  async #endAll(grace: number): Promise<void> {
    await endAll(this.#table, this.#outside, grace)
    this.#outside.end(SHUTDOWN)
  }

  #make<P extends LocalProcess>(Kind: new (table: ProcessTable, options: SpawnOptions) => P, options: SpawnOptions): P {
    if (this.#closed !== undefined) throw closedError()
    return makeProcess(this.#table, Kind, options)
  }
}

function closedError(): TsunagiError {
  return new TsunagiError('ERR_CLOSED', 'the node is closed')
}

/** A supervisor is a server that the process itself does not tell from others. */
function kindOf(process: LocalProcess): ProcessKind {
  return process instanceof LocalServer && process.handlers instanceof SupervisorServer ? 'supervisor' : process.kind
}
