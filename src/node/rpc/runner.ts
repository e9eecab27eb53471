import { followsServing, serveCall } from '../../process/call-trace.ts'
import type { SpawnTies } from '../../process/remote-spawn.ts'
import type { TraceCarrier } from '../../process/trace-token.ts'
import { atomName } from '../../term/atom.ts'
import { type Atom, atom, ExternalFun, Fun, type Pid, type Term, type Tuple, tuple } from '../../term/index.ts'
import { isList } from '../../term/tuple.ts'
import type { NodeHost } from '../service.ts'
import { RunningCall } from './call-context.ts'
import type { Exposed, ExposedEntry } from './exposed.ts'
import { type Outcome, thrownOutcome } from './outcome.ts'
import type { ExceptionClass } from './rpc-error.ts'

/** A function somebody wants to have applied. Module and name may be anything: peers are not to be trusted. */
export interface Application {
  /** The node that asks. */
  readonly caller: string
  readonly from: Pid
  readonly module: Term
  readonly name: Term
  readonly args: readonly Term[]
  /** The context of the trace it belongs to. */
  readonly carrier?: TraceCarrier | undefined
}

/** A function that was found, with what it is called with. */
interface Found {
  readonly entry: ExposedEntry
  readonly args: readonly Term[]
  /** Its place in a stack trace: `{Module, Function, Arity, []}`. */
  readonly frame: Term
}

/** What ties the process of an application to who asks. */
export type RunnerTies = Pick<SpawnTies, 'link' | 'monitor' | 'unencodable'>

type Raised = Extract<Outcome, { readonly kind: ExceptionClass }>

/** What runs in the process of an application, with the `this` of the function. `end` ends the process. */
export type RunnerBody = (running: RunningCall, end: (reason: Term) => void) => unknown

const ERLANG = atom('erlang')
const APPLY = atom('apply')
const UNDEF = atom('undef')
const BADARG = atom('badarg')
/** By which Erlang's shell finds out what is wrong with the arguments of a built-in function. */
const ERROR_INFO: Term = [tuple(atom('error_info'), { module: atom('erl_erts_errors') })]

/** Applies exposed functions, each in a process of its own, and none but those. */
export class Runner {
  readonly #host: NodeHost
  readonly #exposed: Exposed
  /** How many functions run for each peer. */
  readonly #running = new Map<string, number>()
  #calls = 0

  constructor(host: NodeHost, exposed: Exposed) {
    this.#host = host
    this.#exposed = exposed
  }

  /** Calls under way: functions that run, apart from those nobody waits for. */
  get calls(): number {
    return this.#calls
  }

  /** Calls for code of this node. Answers what abandons it. */
  call(application: Application, conclude: (outcome: Outcome) => void): () => void {
    let running: RunningCall | undefined
    let abandoned = false
    this.#host.processes.spawn(async (self) => {
      running = new RunningCall(application.caller, application.from, self)
      if (abandoned) running.abandon()
      await this.conclude(application, running, conclude)
    })
    return () => {
      abandoned = true
      running?.abandon()
    }
  }

  /** Spawns for code of this node. */
  spawn(application: Application): Pid {
    return this.#host.processes.spawn(async (self) => {
      const reason = await this.run(application, new RunningCall(application.caller, application.from, self))
      if (reason !== undefined) self.exit(reason)
    })
  }

  /** Starts a process for a process of a peer. Undefined when as many as allowed run for that peer. */
  start({ caller, from }: Application, ties: RunnerTies, body: RunnerBody): Pid | undefined {
    const running = this.#running.get(caller) ?? 0
    if (running >= this.#host.options.limits.spawnedPerPeer) return undefined
    this.#running.set(caller, running + 1)
    let call: RunningCall | undefined
    let abandoned = false
    const abandon = (): void => {
      abandoned = true
      call?.abandon()
    }
    // A function counts for as long as it runs, also when its process was ended; a process that never ran it, too.
    const ended = (): void => {
      if (call === undefined) this.#ran(caller)
    }
    try {
      return this.#host.processes.spawnFor(from, { ...ties, abandoned: abandon, ended }, async (self, end) => {
        call = new RunningCall(caller, from, self)
        if (abandoned) call.abandon()
        try {
          await body(call, end)
        } finally {
          this.#ran(caller)
        }
      })
    } catch (error) {
      this.#ran(caller)
      throw error
    }
  }

  /** Applies and answers what came of it. Never rejects. */
  async apply(application: Application, running: RunningCall): Promise<Outcome> {
    const found = this.#find(application)
    if ('kind' in found) return found
    this.#calls++
    try {
      return { kind: 'return', value: (await this.#invoke(application, found, running)) as Term }
    } catch (thrown) {
      return thrownOutcome(thrown, [found.frame])
    } finally {
      this.#calls--
    }
  }

  /** Applies and tells once what came of it, also when the process is ended meanwhile. */
  async conclude(application: Application, running: RunningCall, tell: (outcome: Outcome) => void): Promise<void> {
    const { signal } = running.self
    const ended = (): void => tell({ kind: 'signal', reason: signal.reason.reason })
    signal.addEventListener('abort', ended, { once: true })
    const outcome = await this.apply(application, running)
    signal.removeEventListener('abort', ended)
    if (!signal.aborted) tell(outcome)
  }

  /**
   * Applies as the body of a process: throws what the function throws. Answers the reason to exit with when there is no
   * such function.
   */
  async run(application: Application, running: RunningCall): Promise<Term> {
    const found = this.#find(application)
    if ('kind' in found) return tuple(found.reason, found.stack)
    await this.#invoke(application, found, running)
    return undefined
  }

  /** The exposed function itself, apart from what `erlang:apply` can reach. */
  entryOf({ module, name, args }: Pick<Application, 'module' | 'name' | 'args'>): ExposedEntry | undefined {
    if (atomName(module) === undefined || atomName(name) === undefined) return undefined
    return this.#exposed.find(module as Atom, name as Atom, args.length)
  }

  #invoke({ caller, carrier }: Application, { entry, args, frame }: Found, running: RunningCall): unknown {
    const { processes, self } = this.#host
    const invoke = (): unknown => entry.call.apply(running, [...args])
    if (!followsServing(processes.tracer)) return invoke()
    const [module, name, arity] = frame as Tuple
    const target = `${atomName(module)}:${atomName(name)}/${arity}`
    return serveCall(processes.tracer, { kind: 'rpc', self: self.name, node: caller, target }, carrier, invoke)
  }

  #ran(peer: string): void {
    const running = (this.#running.get(peer) ?? 1) - 1
    if (running === 0) this.#running.delete(peer)
    else this.#running.set(peer, running)
  }

  /** The exposed function, also behind `erlang:apply`; else what OTP raises for one that is not defined. */
  #find(application: Application): Found | Raised {
    let { module, name, args } = application
    // Whoever is called through apply has its caller in the trace.
    let behind: readonly Term[] = []
    for (;;) {
      const entry = this.entryOf({ module, name, args })
      if (entry !== undefined) return { entry, args, frame: tuple(module, name, args.length, []) }
      const applied = module === ERLANG && name === APPLY ? appliedBy(args) : undefined
      if (applied === 'badarg') return { kind: 'error', reason: BADARG, stack: [tuple(module, name, args, ERROR_INFO)] }
      if (applied === undefined) return undef([tuple(module, name, args, []), ...behind])
      behind = [tuple(application.module, application.name, application.args.length, [])]
      if (applied instanceof UnknownFun) return undef([tuple(applied.fun, applied.args, []), ...behind])
      ;({ module, name, args } = applied)
    }
  }
}

/** A closure of a BEAM module: nobody here has its code. */
class UnknownFun {
  readonly fun: Fun
  readonly args: readonly Term[]

  constructor(fun: Fun, args: readonly Term[]) {
    this.fun = fun
    this.args = args
  }
}

/** What `erlang:apply/2,3` applies. */
function appliedBy(
  given: readonly Term[],
): Pick<Application, 'module' | 'name' | 'args'> | UnknownFun | 'badarg' | undefined {
  const args = given.at(-1)
  if (!isList(args)) return given.length === 3 ? 'badarg' : undefined
  if (given.length === 3) return { module: given[0], name: given[1], args }
  const fun = given[0]
  if (given.length !== 2) return undefined
  if (fun instanceof Fun) return new UnknownFun(fun, args)
  if (!(fun instanceof ExternalFun) || fun.arity !== args.length) return undefined
  return { module: fun.module, name: fun.function, args }
}

function undef(stack: readonly Term[]): Raised {
  return { kind: 'error', reason: UNDEF, stack }
}
