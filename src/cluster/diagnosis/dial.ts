import type { LocalNode, LocalNodeEvents } from '../../node/local-node.ts'

type ConnectError = LocalNodeEvents['connect-failed'][1]
type NodeDownReason = LocalNodeEvents['nodedown'][1]['reason']

/** How long a connection may take to come up, in milliseconds: twice what a peer has whose own dial goes before ours. */
export const DIAL_PATIENCE = 20_000
/** And then its answer. */
const ANSWER_PATIENCE = 8_000

/** What came of a dial. `lost`: it was connected, and the link went down again. `late`: it had not even failed in time. */
export type DialOutcome =
  | { readonly is: 'connected'; readonly answers: boolean }
  | { readonly is: 'lost'; readonly reason: NodeDownReason }
  | { readonly is: 'failed'; readonly error: ConnectError }
  | { readonly is: 'late' }

/**
 * Has a node dial another as it does by itself, once, and asks whether it is there. Rejects with the signal's reason.
 *
 * @param address the other's `name`, with a port or without
 */
export async function dialOnce(
  node: LocalNode,
  { name, address = name }: { readonly name: string; readonly address?: string },
  signal: AbortSignal,
): Promise<DialOutcome> {
  const { clock } = node.discovery
  const late = new AbortController()
  let failure: ConnectError | undefined
  let reason: NodeDownReason | undefined
  let answers: { cancel(): void } | undefined
  const onFailed = (peer: string, error: ConnectError): void => {
    if (peer === name) failure ??= error
  }
  const onUp = (peer: string): void => {
    if (peer === name) answers ??= clock.after(ANSWER_PATIENCE, () => late.abort(new Error('no answer')))
  }
  const onDown = (peer: string, info: { readonly reason: NodeDownReason }): void => {
    if (peer === name) reason = info.reason
  }
  node.on('connect-failed', onFailed).on('nodeup', onUp).on('nodedown', onDown)
  if (node.nodes().includes(name)) onUp(name)
  let answer: 'pong' | 'pang' = 'pang'
  try {
    answer = await node.ping(address, { signal: AbortSignal.any([signal, late.signal]), timeout: DIAL_PATIENCE })
  } catch (error) {
    if (signal.aborted || !late.signal.aborted) throw error
  } finally {
    answers?.cancel()
    node.off('connect-failed', onFailed).off('nodeup', onUp).off('nodedown', onDown)
  }
  signal.throwIfAborted()
  if (node.nodes().includes(name)) return { is: 'connected', answers: answer === 'pong' }
  if (reason !== undefined) return { is: 'lost', reason }
  return failure === undefined ? { is: 'late' } : { is: 'failed', error: failure }
}
