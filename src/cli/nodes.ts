import { TsunagiError } from '../base/errors.ts'
import type { LocalNode } from '../node/local-node.ts'
import { atom, isAtom, isTuple, print, type Term, tuple } from '../term/index.ts'
import { type GuestOptions, withGuest } from './guest.ts'
import { columns, report } from './output.ts'

/** Lists the nodes a node is connected to. */
export async function nodes(target: string, options: GuestOptions): Promise<void> {
  const { node, visible, hidden } = await withGuest(target, options, async (guest, name) => {
    const [visible, hidden] = await Promise.all([
      nodesOf(guest, name, 'visible', options.timeout),
      nodesOf(guest, name, 'hidden', options.timeout),
    ])
    return { node: name, visible, hidden: hidden.filter((it) => it !== guest.name) }
  })
  const rows = [...visible.map((it) => [it, 'visible']), ...hidden.map((it) => [it, 'hidden'])]
  report(
    options,
    { node, visible, hidden },
    rows.length === 0 ? `${node} is connected to no other node` : columns(rows),
  )
}

/** Asks `erlang:nodes/1` of `rex`, which every BEAM serves: the question of `rpc:call` before OTP 23. */
export async function nodesOf(guest: LocalNode, node: string, kind: string, timeout: number): Promise<string[]> {
  const question = tuple(atom('call'), atom('erlang'), atom('nodes'), [atom(kind)], atom('user'))
  const answer = await guest.call({ name: 'rex', node }, question, { timeout })
  const names = isTuple(answer) || !Array.isArray(answer) ? undefined : answer.map(nameOf)
  if (names?.every((name) => name !== undefined)) return names.sort()
  const given = print(answer, { length: 200 })
  throw new TsunagiError('ERR_PROTOCOL', `${node} does not tell its nodes: it answered ${given}`)
}

function nameOf(term: Term): string | undefined {
  return isAtom(term) ? term.name : undefined
}
