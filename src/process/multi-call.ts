import { TsunagiError } from '../base/errors.ts'
import type { Term } from '../term/term.ts'
import { type CallOptions, call } from './call.ts'
import { CallError } from './call-error.ts'
import { castMessage } from './gen.ts'
import type { LocalProcess } from './local-process.ts'
import { checkName } from './names.ts'
import { sendMessage } from './send.ts'

/** What came of a call to the servers of one name on many nodes. */
export interface MultiCallResult<Reply extends Term = Term> {
  /** The replies by node. */
  readonly replies: Map<string, Reply>
  /** The nodes no reply came from: not connected, without such a server, whose server ended, or not in time. */
  readonly badNodes: string[]
}

/**
 * Calls the servers of one name on many nodes at once, as OTP's `gen_server:multi_call/4`. What makes a call impossible
 * anywhere (a request that is no term, an abort) rejects all of it.
 */
export async function multiCall(
  caller: LocalProcess,
  nodes: readonly string[],
  name: string,
  request: Term,
  options?: CallOptions,
): Promise<MultiCallResult> {
  checkName(name)
  const asked = [...new Set(nodes)]
  const calls = asked.map((node) => call(caller.table, caller, { name, node }, request, options))
  const replies = new Map<string, Term>()
  const badNodes: string[] = []
  for (const [index, outcome] of (await Promise.allSettled(calls)).entries()) {
    const node = asked[index] as string
    if (outcome.status === 'fulfilled') replies.set(node, outcome.value)
    else if (isOfNode(outcome.reason)) badNodes.push(node)
    else throw outcome.reason
  }
  return { replies, badNodes }
}

/**
 * Casts to the servers of one name on many nodes, as OTP's `gen_server:abcast/3`. False when the link to one of them is
 * over its high-water mark, or so full that it does not get the message.
 */
export function abcast(from: LocalProcess, nodes: readonly string[], name: string, message: Term): boolean {
  checkName(name)
  const cast = castMessage(message)
  let free = true
  for (const node of new Set(nodes)) {
    try {
      free = sendMessage(from, { name, node }, cast) && free
    } catch (error) {
      if (!isFull(error)) throw error
      free = false
    }
  }
  return free
}

/** Whether a call failed because of the node it went to. */
function isOfNode(error: unknown): boolean {
  return error instanceof CallError || isFull(error)
}

function isFull(error: unknown): boolean {
  return error instanceof TsunagiError && error.code === 'ERR_LINK_FULL'
}
