import { exitReasonOf } from '../../process/exit-reason.ts'
import type { Process } from '../../process/process.ts'
import type { ProcessSystem } from '../../process/process-system.ts'
import { type Atom, atom, ExternalFun, type Fun, type Pid, type Term, tuple } from '../../term/index.ts'
import type { Exposed } from '../rpc/exposed.ts'
import type { NodeHost } from '../service.ts'
import { compareAtoms } from './term-order.ts'

const GLOBAL = atom('global')
const EXIT = atom('EXIT')
const KILL = atom('kill')
const NONE = atom('none')
const UNDEF = atom('undef')
const CONFLICT = atom('global_name_conflict')

/** The resolve functions that OTP and this package bring (`global:random_exit_name/3` and the others). */
export const STANDARD_METHODS = ['random_exit_name', 'random_notify_name', 'notify_all_name'] as const
export type StandardMethod = (typeof STANDARD_METHODS)[number]

/** `fun global:Name/3`. */
export function standardMethod(name: StandardMethod): ExternalFun {
  return new ExternalFun(GLOBAL, atom(name), 3)
}

/**
 * Runs resolve functions: decides, of two processes that have the same name, which one keeps it. Known are the three
 * standard ones and what was exposed with three arguments; all others are undefined, as on a BEAM node without that module.
 */
export class ResolveMethods {
  readonly #self: Atom
  readonly #processes: ProcessSystem
  readonly #logger: NodeHost['options']['logger']
  readonly #exposed: Exposed

  constructor(host: NodeHost, exposed: Exposed) {
    this.#self = host.self
    this.#processes = host.processes
    this.#logger = host.options.logger
    this.#exposed = exposed
  }

  /** `global:resolve_it/4`: `catch Method(Name, Pid1, Pid2)`. @throws TsunagiError `ERR_LINK_FULL`: a process could not be told. */
  async run(method: ExternalFun | Fun, name: Term, pid1: Pid, pid2: Pid): Promise<Term> {
    if (!(method instanceof ExternalFun)) return undefinedFunction(method.module, atom('-fun-'), [name, pid1, pid2])
    const { module, function: fn } = method
    if (module === GLOBAL) {
      if (fn.name === 'random_exit_name') return this.#randomExit(name, pid1, pid2)
      if (fn.name === 'random_notify_name') return this.#randomNotify(name, pid1, pid2)
      if (fn.name === 'notify_all_name') return this.#notifyAll(name, pid1, pid2)
    }
    const entry = this.#exposed.find(module, fn, 3)
    if (entry === undefined) return undefinedFunction(module, fn, [name, pid1, pid2])
    return await this.#inProcess(async (self) => {
      const context = { caller: this.#self.name, from: self.pid, self, signal: self.signal }
      return (await entry.call.call(context, name, pid1, pid2)) as Term
    })
  }

  #randomExit(name: Term, pid1: Pid, pid2: Pid): Pid {
    const [keeps, loses] = byNode(pid1, pid2)
    this.#logger.info({ pid: loses.toString() }, `global: Name conflict terminating ${String(tuple(name, loses))}`)
    this.#processes.exit(loses, KILL)
    return keeps
  }

  #randomNotify(name: Term, pid1: Pid, pid2: Pid): Pid {
    const [keeps, loses] = byNode(pid1, pid2)
    this.#processes.send(loses, tuple(CONFLICT, name))
    return keeps
  }

  #notifyAll(name: Term, pid1: Pid, pid2: Pid): Atom {
    this.#processes.send(pid1, tuple(CONFLICT, name, pid2))
    this.#processes.send(pid2, tuple(CONFLICT, name, pid1))
    return NONE
  }

  /** Runs what an exposed function does in a process of its own, as when a peer calls it. */
  #inProcess(run: (self: Process) => Promise<Term>): Promise<Term> {
    return new Promise((resolve) => {
      this.#processes.spawn(async (self) => {
        self.signal.addEventListener('abort', () => resolve(tuple(EXIT, exitReasonOf(self.signal.reason))))
        try {
          resolve(await run(self))
        } catch (thrown) {
          // As `catch` has it: what was thrown is the value, an error or exit becomes {'EXIT', Reason}.
          resolve(thrown instanceof Error ? tuple(EXIT, exitReasonOf(thrown)) : (thrown as Term))
        }
      })
    })
  }
}

/** The one on the lesser node first (`minmax`). */
function byNode(pid1: Pid, pid2: Pid): [keeps: Pid, loses: Pid] {
  return compareAtoms(pid1.nodeAtom, pid2.nodeAtom) < 0 ? [pid1, pid2] : [pid2, pid1]
}

function undefinedFunction(module: Atom, name: Atom, args: readonly Term[]): Term {
  return tuple(EXIT, tuple(UNDEF, [tuple(module, name, [...args], [])]))
}
