import { atom } from '../term/atom.ts'
import type { Pid } from '../term/identifiers.ts'
import { charlist } from '../term/special.ts'
import type { Term } from '../term/term.ts'
import { isTuple, tuple } from '../term/tuple.ts'
import type { From } from './from.ts'

const DATA = atom('data')
const DEBUG = atom('debug')
const ERROR = atom('error')
const GEN_SERVER = atom('gen_server')
const GET_STATE = atom('get_state')
const GET_STATUS = atom('get_status')
const HEADER = atom('header')
const MODULE = atom('module')
const OK = atom('ok')
const RESUME = atom('resume')
const STATUS = atom('status')
const SUSPEND = atom('suspend')
const TERMINATE = atom('terminate')

/** A server as OTP's `sys` sees it. */
export interface SystemTarget {
  readonly pid: Pid
  readonly name: string | undefined
  readonly parent: Pid
  suspended: boolean
  stop(reason: Term): void
  /** @throws what the server's `formatStatus` throws. */
  state(): Term
}

/**
 * Answers `{system, From, Request}` of OTP's `sys`. The state is sent as `{ok, State}`, the form `sys` has from OTP 27 on;
 * `sys:get_state` of OTP 25 hands that out as it is, there as with a server on OTP 27. What would run code here
 * (`replace_state`, `change_code`) and whatever is not known get the answer of `sys` to the unknown, `debug` that to an
 * unknown debug command: both raise or return in the caller instead of letting it wait. Never throws.
 */
export function answerSystem(server: SystemTarget, from: From, request: Term): void {
  try {
    from.reply(answerTo(server, request))
  } catch (error) {
    // The state threw, or is more than can be sent.
    const text = String(error instanceof Error ? error.message : error).toWellFormed()
    const callback = tuple(GEN_SERVER, atom('system_get_state'))
    from.reply(tuple(ERROR, tuple(atom('callback_failed'), callback, tuple(ERROR, text))))
  }
}

function answerTo(server: SystemTarget, request: Term): Term {
  switch (request) {
    case GET_STATE:
      return tuple(OK, server.state())
    case GET_STATUS:
      return statusOf(server)
    case SUSPEND:
    case RESUME:
      server.suspended = request === SUSPEND
      return OK
  }
  if (isTuple(request) && request.length === 2) {
    if (request[0] === TERMINATE) {
      server.stop(request[1])
      return OK
    }
    if (request[0] === DEBUG) return atom('unknown_debug')
  }
  return tuple(ERROR, tuple(atom('unknown_system_msg'), request))
}

/** As `gen_server:format_status/2` arranges it, which observer and `sys:get_status/1` show. */
function statusOf(server: SystemTarget): Term {
  const { name, parent, pid, suspended } = server
  const running = atom(suspended ? 'suspended' : 'running')
  const title = charlist(`Status for generic server ${name ?? pid}`)
  const data = [
    tuple(charlist('Status'), running),
    tuple(charlist('Parent'), parent),
    tuple(charlist('Logged events'), []),
  ]
  const state = tuple(DATA, [tuple(charlist('State'), server.state())])
  const misc = [tuple(HEADER, title), tuple(DATA, data), state]
  return tuple(STATUS, pid, tuple(MODULE, GEN_SERVER), [[], running, parent, [], misc])
}
