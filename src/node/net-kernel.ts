import type { ServerHandlers } from '../process/gen-server.ts'
import { atom, isTuple, type Term, tuple } from '../term/index.ts'

const IS_AUTH = atom('is_auth')

/**
 * What answers as `net_kernel` on this node. `net_adm:ping` calls it with `{is_auth, Node}` and cuts the connection when
 * nobody says `yes`; everything else is refused at once, so that no caller ever waits.
 */
export const netKernel: ServerHandlers = {
  handleCall(request: Term): Term {
    if (isTuple(request) && request.length === 2 && request[0] === IS_AUTH) return atom('yes')
    return tuple(atom('error'), atom('not_supported'))
  },
  handleCast() {},
  handleInfo() {},
}
