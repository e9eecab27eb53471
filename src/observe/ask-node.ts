import type { LocalNode } from '../node/local-node.ts'
import { CallError } from '../process/call-error.ts'
import { atom, isTuple, print, type Term, tuple } from '../term/index.ts'
import type { ReportQuestion } from './report/question.ts'
import { MAX_ANSWER, REPORT_VERSION, REPORTER, type Report, reportShape } from './report/report.ts'
import { cut } from './shape.ts'
import type { NodeAnswer } from './view.ts'

/** What asking needs of a node. */
export type AskingNode = Pick<LocalNode, 'call' | 'rpc' | 'serviceHost'>

/** Why a node did not answer a question. */
export class AskError extends Error {
  /** `absent`: nobody answers such questions there. */
  readonly state: Exclude<NodeAnswer['state'], 'answers' | 'waiting'> | 'absent'

  constructor(state: AskError['state'], message: string) {
    super(message)
    this.state = state
  }

  static {
    AskError.prototype.name = 'AskError'
  }
}

/** How long to wait. */
export interface AskOptions {
  readonly timeout: number
  readonly signal: AbortSignal
}

/**
 * Asks a node of this package something; resolves to what its answer says, unread. It is asked over a link that is there:
 * looking at a cluster does not change it.
 *
 * @throws AskError
 */
export async function ask(
  node: AskingNode,
  name: string,
  kind: 'report' | 'page' | 'act',
  question: object,
  options: AskOptions,
): Promise<unknown> {
  if (!node.serviceHost.isConnected(atom(name))) throw new AskError('none', 'there is no link to it')
  const request = tuple(atom(kind), REPORT_VERSION, JSON.stringify(question))
  let reply: Term
  try {
    reply = await node.call({ name: REPORTER, node: name }, request, { ...options, terms: { binaries: 'auto' } })
  } catch (error) {
    throw asAskError(error)
  }
  if (!isTuple(reply) || reply.length !== 2) throw new AskError('invalid', 'its answer is none')
  const [verdict, answer] = reply
  if (verdict === atom('error')) throw refusalOf(answer)
  if (verdict !== atom('ok') || typeof answer !== 'string') throw new AskError('invalid', 'its answer is none')
  if (answer.length > MAX_ANSWER) throw new AskError('invalid', 'its answer is too long')
  try {
    return JSON.parse(answer)
  } catch (error) {
    throw new AskError('invalid', `its answer is no JSON: ${messageOf(error)}`)
  }
}

/** A node's report of itself. @throws AskError */
export async function askReport(
  node: AskingNode,
  name: string,
  question: ReportQuestion,
  options: AskOptions,
): Promise<Report> {
  const report = readAnswer(await ask(node, name, 'report', question, options), reportShape)
  if (report.node.name !== name) throw new AskError('invalid', 'it tells of another node')
  return report
}

/** What an answer says, if it is one. @throws AskError */
export function readAnswer<T>(answer: unknown, shape: (value: unknown, path: string) => T): T {
  try {
    return shape(answer, '')
  } catch (error) {
    throw new AskError('invalid', `its answer cannot be used: ${messageOf(error)}`)
  }
}

function refusalOf(why: Term): AskError {
  if (why === atom('refused')) return new AskError('refused', 'it does not allow that')
  if (why === atom('busy')) return new AskError('late', 'it was asked too often')
  if (why === atom('version')) return new AskError('refused', 'it tells in another version')
  const [tag, text] = isTuple(why) && why.length === 2 ? (why as unknown as [Term, Term]) : []
  if (tag === atom('failed') && typeof text === 'string') return new AskError('refused', cut(text, 300))
  return new AskError('refused', `it answered ${cut(print(why), 100)}`)
}

function asAskError(error: unknown): AskError {
  if (error instanceof CallError) {
    if (error.code === 'ERR_NOPROC') return new AskError('absent', 'it has nobody who tells')
    if (error.code === 'ERR_TIMEOUT') return new AskError('late', 'it did not answer in time')
    if (error.code === 'ERR_NOCONNECTION') return new AskError('none', 'the link to it was lost')
  }
  return new AskError('refused', cut(messageOf(error), 300))
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
