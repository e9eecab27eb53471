import { OptionError, TsunagiError } from '../base/errors.ts'
import { instance, knownOnly, oneOf, string } from '../base/options.ts'
import { type AskOptions, ask, readAnswer } from './ask-node.ts'
import type { Action, ActionResult } from './observatory.ts'
import { asError } from './page-finder.ts'
import { actOn } from './report/node-actions.ts'
import { type ActionQuestion, actionAnswer } from './report/question.ts'
import type { Reporter } from './report/reporter.ts'

/** An action can take as long as a dial or a lookup. */
const PATIENCE = 15_000

/** Has this node, or another one that allows it, do something; see `Observatory.act`. */
export async function act(reporter: Reporter, action: Action, by: string, options: AskOptions): Promise<ActionResult> {
  const { name, question } = checked(action, by, reporter.node.name)
  if (name === reporter.node.name) return actOn(reporter, question)
  try {
    const answer = await ask(reporter.node, name, 'act', question, { ...options, timeout: PATIENCE })
    const result = readAnswer(answer, actionAnswer)
    const text = `${by}: ${question.action} ${question.peer ?? question.topology ?? ''} on ${name}`
    reporter.journal.add({ kind: 'action', severity: 'info', peer: question.peer, text, reason: result.text })
    return result
  } catch (error) {
    const shown = asError(error, name)
    if (!(shown instanceof TsunagiError)) throw shown
    return { ok: false, text: shown.message, code: shown.code }
  }
}

/** @throws OptionError */
function checked(
  action: Action,
  by: string,
  self: string,
): { readonly name: string; readonly question: ActionQuestion } {
  instance(action, 'action', 'an object such as { action: "ping", peer: "b@host" }', (it) => !Array.isArray(it))
  knownOnly(action, ['action', 'node', 'peer', 'topology'])
  const kind = oneOf(
    'ping',
    'connect',
    'disconnect',
    'reconnect',
    'refresh',
    'pause',
    'resume',
  )(action.action, 'action')
  const name = action.node === undefined ? self : string(action.node, 'node')
  const onTopology = kind === 'refresh' || kind === 'pause' || kind === 'resume'
  const peer = 'peer' in action ? string(action.peer, 'peer') : null
  const topology = 'topology' in action ? string(action.topology, 'topology') : null
  if (onTopology && topology === null) throw new OptionError('topology', undefined, 'the name of a topology')
  if (!onTopology && peer === null) throw new OptionError('peer', undefined, 'the name of a node')
  return { name, question: { action: kind, peer, topology, by } }
}
