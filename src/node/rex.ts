import { TsunagiError } from '../base/errors.ts'
import type { ServerHandlers } from '../process/gen-server.ts'
import { atom, isAtom, isTuple, Pid, type Term, tuple } from '../term/index.ts'

const CALL = atom('call')
const REX = atom('rex')
const ERLANG = atom('erlang')
const NODES = atom('nodes')
const KINDS: Readonly<Record<string, 'visible' | 'hidden' | 'connected' | 'known'>> = {
  visible: 'visible',
  hidden: 'hidden',
  connected: 'connected',
  known: 'known',
}

/**
 * What answers as `rex`, the server of `rpc:call` before OTP 23, which C and Java nodes still use. The one function it
 * knows is `erlang:nodes/0,1`; every other answers exactly as one that is not defined.
 *
 * @param nodes this node's peers of a kind
 */
export function rex(nodes: (kind: 'visible' | 'hidden' | 'connected' | 'known') => string[]): ServerHandlers {
  const answer = (request: Term): Term => {
    if (!isTuple(request) || request[0] !== CALL || request.length !== 5) return badrpc(atom('badarg'))
    const [, module, name, args] = request
    if (!isAtom(module) || !isAtom(name) || !Array.isArray(args)) return badrpc(atom('badarg'))
    const kinds = module === ERLANG && name === NODES ? kindsOf(args) : undefined
    if (kinds !== undefined) return [...new Set(kinds.flatMap(nodes))].map((node) => atom(node))
    return badrpc(tuple(atom('EXIT'), tuple(atom('undef'), [tuple(module, name, args, [])])))
  }
  return {
    handleCall: answer,
    handleCast() {},
    // `{Pid, {call, M, F, A, Leader}}`, answered with `{rex, Result}`: the form of C nodes, erl_call among them.
    handleInfo(message, self) {
      if (!isTuple(message) || message.length !== 2) return
      const [from, request] = message
      if (!(from instanceof Pid) || !isTuple(request) || request[0] !== CALL) return
      try {
        self.send(from, tuple(REX, answer(request)))
      } catch (error) {
        // It asks and does not read; that must not end the server of all others.
        if (!(error instanceof TsunagiError && error.code === 'ERR_LINK_FULL')) throw error
      }
    },
  }
}

/** The argument of `erlang:nodes/1` is a kind or a list of them; without one it is `visible`. */
function kindsOf(args: readonly Term[]): ('visible' | 'hidden' | 'connected' | 'known')[] | undefined {
  if (args.length === 0) return ['visible']
  if (args.length > 1) return undefined
  const wanted = Array.isArray(args[0]) && !isTuple(args[0]) ? args[0] : [args[0]]
  const kinds = wanted.map((kind: Term) => (isAtom(kind) ? KINDS[kind.name] : undefined))
  return kinds.every((kind) => kind !== undefined) ? kinds : undefined
}

function badrpc(reason: Term): Term {
  return tuple(atom('badrpc'), reason)
}
