import { atom } from '../term/atom.ts'
import type { Term } from '../term/term.ts'
import { isTuple, tuple } from '../term/tuple.ts'
import type { From } from './from.ts'
import type { ServerProcess } from './gen-server.ts'

const TERMINATE = atom('terminate')
const OK = atom('ok')

/**
 * Answers `{system, From, Request}` of OTP's `sys`: `sys:terminate/2` and `GenServer.stop/3` stop the server. The state of
 * a server in JavaScript is its own affair, so `get_state` and the rest get `sys`' answer to what it does not know, which
 * raises an error in the caller instead of letting it wait.
 */
export function answerSystem(server: ServerProcess, from: From, request: Term): void {
  if (isTuple(request) && request.length === 2 && request[0] === TERMINATE) {
    from.reply(OK)
    server.stop(request[1])
    return
  }
  from.reply(tuple(atom('error'), tuple(atom('unknown_system_msg'), request)))
}
