import { TsunagiError } from '../../base/errors.ts'
import type { Shape } from '../shape.ts'
import { actOn } from './node-actions.ts'
import type { ObservedNode } from './observed-node.ts'
import { pageOf } from './pages.ts'
import { actionQuestion, pageQuestion, reportQuestion } from './question.ts'
import { MAX_ANSWER, MAX_QUESTION } from './report.ts'
import { reporterOf } from './reporter.ts'

/**
 * Answers a question of a peer, both being JSON.
 *
 * @throws TypeError, SyntaxError for what is no question; TsunagiError `ERR_LIMIT` for an answer that is too long
 */
export async function answerOf(
  node: ObservedNode,
  actions: boolean,
  kind: string,
  json: string,
  peer: string,
): Promise<string> {
  if (json.length > MAX_QUESTION * 2) throw new TypeError('the question is too long')
  const reporter = reporterOf(node)
  reporter.actions = actions
  const answer = JSON.stringify(await answered())
  if (answer.length > MAX_ANSWER) throw new TsunagiError('ERR_LIMIT', 'the answer is too long')
  return answer

  async function answered(): Promise<unknown> {
    switch (kind) {
      case 'report':
        return reporter.report(read(json, reportQuestion))
      case 'page':
        return pageOf(node, read(json, pageQuestion), reporter.times)
      default: {
        const question = read(json, actionQuestion)
        return actOn(reporter, { ...question, by: `${question.by} at ${peer}` })
      }
    }
  }
}

function read<T>(json: string, shape: Shape<T>): T {
  return shape(JSON.parse(json), '')
}
