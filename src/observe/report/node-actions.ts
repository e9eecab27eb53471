import { TsunagiError } from '../../base/errors.ts'
import type { ActionResult } from '../observatory.ts'
import { cut } from '../shape.ts'
import { textOf } from './chronicle.ts'
import type { ActionQuestion } from './question.ts'
import type { Reporter } from './reporter.ts'

/** Does to a node what somebody wants of it, and writes down what it was, who wanted it, and what came of it. */
export async function actOn(reporter: Reporter, question: ActionQuestion): Promise<ActionResult> {
  const { by, peer } = question
  let result: ActionResult
  try {
    result = { ok: true, text: await done(reporter, question), code: null }
  } catch (error) {
    const code = error instanceof TsunagiError ? error.code : null
    result = { ok: false, text: cut(textOf(error) ?? 'it failed', 300), code }
  }
  reporter.journal.add({
    kind: 'action',
    severity: result.ok ? 'info' : 'warning',
    peer,
    text: `${by}: ${question.action} ${peer ?? question.topology ?? ''}`,
    reason: result.text,
  })
  reporter.node.serviceHost.logger.info({ ...question, ok: result.ok }, `${by}: ${question.action}: ${result.text}`)
  return result
}

async function done({ node }: Reporter, question: ActionQuestion): Promise<string> {
  const { action } = question
  if (action === 'refresh' || action === 'pause' || action === 'resume') {
    const topology = node.topologies().find((it) => it.name === question.topology)
    if (topology === undefined) {
      throw new TsunagiError('ERR_INVALID_OPTION', `${node.name} has no topology ${JSON.stringify(question.topology)}`)
    }
    if (action === 'refresh') {
      const { connected, found } = await topology.refresh({ timeout: 10_000 })
      return `found ${found.length}, connected ${connected.length}`
    }
    topology[action]()
    return `${topology.name} is ${topology.state}`
  }
  const { peer } = question
  if (peer === null) throw new TsunagiError('ERR_INVALID_OPTION', 'peer: expected the name of a node')
  if (action === 'ping') {
    const { clock } = node.serviceHost
    const begun = clock.now()
    if ((await node.ping(peer)) === 'pong') return `${peer} answered in ${(clock.now() - begun).toFixed(1)} ms`
    throw node.lastError(peer) ?? new TsunagiError('ERR_TIMEOUT', `${peer} did not answer`)
  }
  if (action !== 'connect') await node.disconnect(peer)
  if (action === 'disconnect') return `the link to ${peer} was cut, and it is dialled no more`
  await node.connect(peer)
  return `${peer} is connected`
}
