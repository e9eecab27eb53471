import { atom } from '../../term/atom.ts'
import type { Term } from '../../term/term.ts'
import { isTuple, type Tuple, tuple } from '../../term/tuple.ts'
import { exitReasonOf } from '../exit-reason.ts'
import type { From } from '../from.ts'
import type { Child } from './child.ts'
import { ChildError } from './child-error.ts'
import type { SupervisorServer } from './supervisor-server.ts'

const COUNT_CHILDREN = atom('count_children')
const DELETE_CHILD = atom('delete_child')
const ERROR = atom('error')
const OK = atom('ok')
const RESTART_CHILD = atom('restart_child')
const START_CHILD = atom('start_child')
const TERMINATE_CHILD = atom('terminate_child')
const WHICH_CHILD = atom('which_child')
const WHICH_CHILDREN = atom('which_children')

/** What a supervisor has: of all children, or of those that run. */
export interface ChildCounts {
  readonly specs: number
  readonly active: number
  readonly supervisors: number
  readonly workers: number
}

/**
 * Answers what the functions of OTP's and Elixir's `Supervisor` ask, from wherever. `start_child` is refused: it would
 * start code that a peer chose. Nothing that is asked ends the supervisor.
 */
export async function answerRequest(supervisor: SupervisorServer, request: Term, from: From): Promise<void> {
  try {
    from.reply(await answerTo(supervisor, request))
  } catch (error) {
    try {
      from.reply(tuple(ERROR, error instanceof ChildError ? atom(error.reason) : exitReasonOf(error)))
    } catch {
      from.reply(tuple(ERROR, atom('unencodable_reason')))
    }
  }
}

async function answerTo(supervisor: SupervisorServer, request: Term): Promise<Term> {
  const { children } = supervisor
  if (request === WHICH_CHILDREN) return [...children].reverse().map(describeChild)
  if (request === COUNT_CHILDREN) {
    return Object.entries(countChildren(children)).map(([what, count]) => tuple(atom(what), count))
  }
  if (isTuple(request) && request.length === 2) {
    const [what, which] = request
    switch (what) {
      case WHICH_CHILD: {
        const child = children.find(which)
        return child === undefined ? tuple(ERROR, atom('not_found')) : tuple(OK, describeChild(child))
      }
      case TERMINATE_CHILD:
        await supervisor.end(which)
        return OK
      case RESTART_CHILD:
        return tuple(OK, await supervisor.restart(which))
      case DELETE_CHILD:
        supervisor.delete(which)
        return OK
      case START_CHILD:
        return tuple(ERROR, atom('not_allowed'))
    }
  }
  return tuple(ERROR, tuple(atom('bad_call'), request))
}

export function countChildren(children: Iterable<Child>): ChildCounts {
  let [specs, active, supervisors] = [0, 0, 0]
  for (const { process, spec } of children) {
    specs++
    if (process?.ended === false) active++
    if (spec.type === 'supervisor') supervisors++
  }
  return { specs, active, supervisors, workers: specs - supervisors }
}

/** `{Id, Child, Type, Modules}` */
function describeChild(child: Child): Tuple {
  const { server, start, supervisor, type, id } = child.spec
  const modules =
    supervisor !== undefined ? ['supervisor'] : server !== undefined || start !== undefined ? ['gen_server'] : []
  return tuple(
    id,
    child.restarting ? atom('restarting') : child.pid,
    atom(type),
    modules.map((name) => atom(name)),
  )
}
