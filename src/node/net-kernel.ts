import type { ServerHandlers } from '../process/gen-server.ts'
import { atom, isTuple, type Term, tuple } from '../term/index.ts'

const YES = atom('yes')
const IS_AUTH = atom('is_auth')
const LONG_NAMES = atom('longnames')
const TICK_TIME = atom('ticktime')
const IGNORED = atom('ignored')
const SPAWNS = new Set<Term>([atom('spawn'), atom('spawn_link'), atom('spawn_opt')])
const CANNOT_SPAWN = tuple(atom('EXIT'), tuple(atom('notsup'), []))
const NOT_SUPPORTED = tuple(atom('error'), atom('not_supported'))

/**
 * What answers as `net_kernel` on this node. `net_adm:ping` calls it with `{is_auth, Node}` and cuts the connection when
 * nobody says `yes`. The spawn requests of before OTP 23 fail as they would there. What else a real one can be told (to
 * connect, to disconnect, whom to allow) is for the owner of this node to say, and refused at once: a real one leaves
 * callers it does not understand waiting.
 *
 * @param longNames whether this node's name is a long one
 * @param netTickTime milliseconds, as `net_kernel:get_net_ticktime/0` asks for them; `Infinity`: it does not tick
 */
export function netKernel(longNames: boolean, netTickTime: number): ServerHandlers {
  return {
    handleCall(request: Term): Term {
      if (request === LONG_NAMES) return longNames
      if (request === TICK_TIME) return Number.isFinite(netTickTime) ? Math.round(netTickTime) : IGNORED
      if (!isTuple(request)) return NOT_SUPPORTED
      if (request.length === 2 && request[0] === IS_AUTH) return YES
      return SPAWNS.has(request[0]) ? CANNOT_SPAWN : NOT_SUPPORTED
    },
    handleCast() {},
    handleInfo() {},
  }
}
