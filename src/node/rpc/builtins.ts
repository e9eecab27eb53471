import { ErlangError } from '../../process/exit-reason.ts'
import { atom, isAtom, type Term } from '../../term/index.ts'
import { isList } from '../../term/tuple.ts'
import type { Exposed } from './exposed.ts'

type Kind = 'visible' | 'hidden' | 'connected' | 'known'

const KINDS: readonly Kind[] = ['visible', 'hidden', 'connected', 'known']

/**
 * What every node answers without having exposed it: `erlang:nodes/0,1`, which `tsunagi nodes`, `erl_call` and nodes that
 * look for others ask; and `net_kernel:get_net_ticktime/0`, which has to be the same in a whole cluster.
 *
 * @param netTickTime this node's, in milliseconds
 * @param nodes this node's peers of a kind
 */
export function exposeBuiltins(exposed: Exposed, netTickTime: number, nodes: (kind: Kind) => readonly string[]): void {
  const call = (...args: readonly Term[]): Term => {
    const kinds = args.length === 0 ? (['visible'] as const) : kindsOf(args[0])
    if (kinds === undefined) throw new ErlangError(atom('badarg'))
    return [...new Set(kinds.flatMap(nodes))].map((node) => atom(node))
  }
  exposed.expose('erlang', { nodes: { arity: [0, 1], call } })
  // In whole seconds, as there.
  const seconds = Number.isFinite(netTickTime) ? Math.floor(netTickTime / 1000) : atom('ignored')
  exposed.expose('net_kernel', { get_net_ticktime: () => seconds })
}

/** A kind, or a list of them. */
function kindsOf(given: Term): readonly Kind[] | undefined {
  const wanted: readonly Term[] = isList(given) ? given : [given]
  const kinds = wanted.map((kind) => KINDS.find((known) => isAtom(kind) && kind.name === known))
  return kinds.every((kind) => kind !== undefined) ? kinds : undefined
}
