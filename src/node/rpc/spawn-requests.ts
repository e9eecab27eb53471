import type { LinkSender } from '../../dist/link-sender.ts'
import type { SpawnRequest } from '../../dist/signals.ts'
import { SPAWN_LINKED, SPAWN_MONITORED } from '../../process/remote-spawn.ts'
import { readTraceToken } from '../../process/trace-token.ts'
import { type Atom, atom, type Pid } from '../../term/index.ts'
import { isList } from '../../term/tuple.ts'
import type { NodeHost } from '../service.ts'
import { erpcReply, unencodable } from './outcome.ts'
import type { Application, Runner, RunnerBody, RunnerTies } from './runner.ts'
import { readSpawnOptions } from './spawn-options.ts'

const ERLANG = atom('erlang')
const APPLY = atom('apply')
const ERPC = atom('erpc')
const EXECUTE_CALL = atom('execute_call')
const EXECUTE_CAST = atom('execute_cast')
const BADOPT = atom('badopt')
const SYSTEM_LIMIT = atom('system_limit')

interface Reading extends Pick<RunnerTies, 'unencodable'> {
  readonly application: Application
  readonly body: RunnerBody
}

/**
 * Answers spawn requests: `erlang:spawn` and its kin for exposed functions, and `erpc:execute_call/4`, which is what
 * `erpc` and `rpc` spawn. A function that is not exposed is spawned, too, and ends with `undef`, as on OTP.
 */
export class SpawnRequests {
  readonly #host: NodeHost
  readonly #runner: Runner

  constructor(host: NodeHost, runner: Runner) {
    this.#host = host
    this.#runner = runner
  }

  /** Answers one; never throws. */
  handle(peer: Atom, request: SpawnRequest): void {
    const send = this.#host.peers.linkTo(peer)?.send
    if (send === undefined) return
    const options = readSpawnOptions(request.options)
    if (options === undefined) return this.#refuse(send, request, BADOPT)
    const monitor = options.monitor ? request.id : undefined
    const pid = this.#start(peer, request, { link: options.link, monitor })
    if (pid === undefined) return this.#refuse(send, request, SYSTEM_LIMIT)
    const flags = (options.link ? SPAWN_LINKED : 0) | (options.monitor ? SPAWN_MONITORED : 0)
    send.spawnReply(request.id, this.#host.processes.pid, request.from, flags, pid)
  }

  /** Undefined when nothing more can be spawned. */
  #start(peer: Atom, request: SpawnRequest, ties: RunnerTies): Pid | undefined {
    const { application, body, ...more } = this.#read(peer.name, request)
    try {
      return this.#runner.start(application, { ...ties, ...more }, body)
    } catch {
      // The node is closing.
      return undefined
    }
  }

  #refuse(send: LinkSender, { id, from }: SpawnRequest, reason: Atom): void {
    send.spawnReply(id, this.#host.processes.pid, from, 0, reason)
  }

  /** What is to be applied, and how its process tells the result. */
  #read(caller: string, request: SpawnRequest): Reading {
    const { from, module, function: name, args } = request
    const carrier = readTraceToken(request.token)
    const runner = this.#runner
    if (module === ERPC && name === EXECUTE_CALL && args.length === 4) {
      const application = this.#applied(caller, request, 1)
      const body: RunnerBody = async (running, end) => end(erpcReply(args[0], await runner.apply(application, running)))
      return { application, body, unencodable: (error) => erpcReply(args[0], unencodable(error)) }
    }
    let application: Application
    if (module === ERPC && name === EXECUTE_CAST && args.length === 3) {
      application = this.#applied(caller, request, 0)
    } else {
      const terms = runner.entryOf({ module, name, args })?.terms
      application = { caller, from, module, name, args: terms === undefined ? args : request.argsAs(terms), carrier }
    }
    return { application, body: runBody(runner, application) }
  }

  /** Module, function and arguments that are themselves arguments, from the one at `at` on. */
  #applied(caller: string, { from, args: given, argsAs, token }: SpawnRequest, at: number): Application {
    const [module, name, args] = given.slice(at)
    const carrier = readTraceToken(token)
    if (!isList(args)) return { caller, from, module: ERLANG, name: APPLY, args: [module, name, args], carrier }
    const terms = this.#runner.entryOf({ module, name, args })?.terms
    const decoded = terms === undefined ? args : argsAs(terms)[at + 2]
    return { caller, from, module, name, args: isList(decoded) ? decoded : args, carrier }
  }
}

/** The body of a process that was spawned for the sake of running, not of a result. */
export function runBody(runner: Runner, application: Application): RunnerBody {
  return async (running, end) => {
    const reason = await runner.run(application, running)
    if (reason !== undefined) end(reason)
  }
}
