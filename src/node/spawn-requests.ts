import type { LinkSender } from '../dist/link-sender.ts'
import type { SpawnRequest } from '../dist/signals.ts'
import { atom, isTuple, type Pid, type Term } from '../term/index.ts'

const REPLY = atom('reply')
const UNANSWERED = new Set<Term>([atom('no'), atom('success_only')])
const NOTSUP = atom('notsup')

/** Refuses a spawn request as a node that cannot spawn does: `erpc` and `rpc` on the other side fail with `notsup`. */
export function refuseSpawn(send: LinkSender, outside: Pid, request: SpawnRequest): void {
  const { id, from, options } = request
  const list = Array.isArray(options) ? options : []
  const reply = list.find((option: Term) => isTuple(option) && option.length === 2 && option[0] === REPLY)
  if (isTuple(reply) && UNANSWERED.has(reply[1] as Term)) return
  send.spawnReply(id, outside, from, 0, NOTSUP)
}
