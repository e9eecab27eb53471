import { OptionError, TsunagiError } from '../base/errors.ts'
import { integer, oneOf } from '../base/options.ts'
import { beamNames } from './ask-beam.ts'
import { AskError, type AskOptions, ask, readAnswer } from './ask-node.ts'
import type { ClusterModel } from './cluster-model.ts'
import type { KnownNode } from './known-node.ts'
import type { Page, PageOf, PageQuery } from './observatory.ts'
import type { ObservedNode } from './report/observed-node.ts'
import { pageOf } from './report/pages.ts'
import { keyShape, nameShape, type PageQuestion, pageAnswer, pageQuestion } from './report/question.ts'
import { processShape, topicShape } from './report/report.ts'
import type { Reporter } from './report/reporter.ts'
import type { Shape } from './shape.ts'
import type { ProcessView, TopicView } from './view.ts'

/** Finds pages of lists, on this node and on others; see `Observatory.page`. */
export class PageFinder {
  readonly #node: ObservedNode
  readonly #model: ClusterModel
  readonly #reporter: Reporter

  constructor(node: ObservedNode, model: ClusterModel, reporter: Reporter) {
    this.#node = node
    this.#model = model
    this.#reporter = reporter
  }

  async find<Q extends PageQuery>(query: Q, options: AskOptions): Promise<PageOf<Q>> {
    const question = checked(query)
    const known = this.#whose(query)
    if (known.isSelf) return pageOf(this.#node, question, this.#reporter.times) as PageOf<Q>
    try {
      if (known.kind === 'beam') return (await this.#beam(known, question, options)) as PageOf<Q>
      const answer = readAnswer(await ask(this.#node, known.name, 'page', question, options), pageAnswer)
      return { ...answer, items: this.#items(known, question, answer.items) } as PageOf<Q>
    } catch (error) {
      throw asError(error, known.name)
    }
  }

  /** The node that has the list. @throws TsunagiError `ERR_NOT_FOUND` */
  #whose(query: PageQuery): KnownNode {
    if (query.node !== undefined) {
      const known = this.#model.find(query.node)
      if (known !== undefined) return known
      throw new TsunagiError('ERR_NOT_FOUND', `there is no node ${query.node}`)
    }
    const nodes = this.#model.sorted()
    const found =
      query.list === 'keys'
        ? nodes.find((node) => node.parts.stores?.some((store) => store.name === query.store))
        : query.list === 'topics'
          ? nodes.find((node) => node.parts.pubsubs?.some((pubsub) => pubsub.name === query.pubsub))
          : undefined
    if (found !== undefined) return found
    const what = query.list === 'keys' ? `store ${query.store}` : query.list === 'topics' ? query.pubsub : 'list'
    throw new TsunagiError('ERR_NOT_FOUND', `no node tells of the ${what}`)
  }

  async #beam(known: KnownNode, question: PageQuestion, options: AskOptions): Promise<Page<string>> {
    if (question.list !== 'names') {
      throw new TsunagiError('ERR_OBSERVE_REFUSED', `${known.name} is a BEAM node, which does not tell that`)
    }
    const filter = question.filter?.toLowerCase()
    const all = await beamNames(this.#node, known.name, options)
    const names = filter === undefined ? all : all.filter((name) => name.toLowerCase().includes(filter))
    const limit = question.limit ?? 100
    return { items: names.slice(0, limit), total: names.length, more: names.length > limit }
  }

  #items(known: KnownNode, { list }: PageQuestion, items: readonly unknown[]): readonly unknown[] {
    const read = <T>(shape: Shape<T>): T[] => items.map((item, i) => readAnswer(item, (it) => shape(it, `items[${i}]`)))
    switch (list) {
      case 'processes':
        return read(processShape).map((it): ProcessView => ({ ...it, startedAt: known.time(it.startedAt) }))
      case 'names':
        return read(nameShape)
      case 'keys':
        return read(keyShape)
      case 'topics':
        return read(topicShape).map((it): TopicView => {
          return { ...it, nodes: [{ node: known.name, subscribers: it.subscribers }] }
        })
    }
  }
}

/** @throws OptionError */
function checked(query: PageQuery): PageQuestion {
  oneOf('processes', 'names', 'keys', 'topics')(query.list, 'list')
  if (query.limit !== undefined) integer(1, 500)(query.limit, 'limit')
  if (query.list === 'keys' && typeof query.store !== 'string') {
    throw new OptionError('store', query.store, 'the name of a store')
  }
  if (query.list === 'topics' && typeof query.pubsub !== 'string') {
    throw new OptionError('pubsub', query.pubsub, 'the name of a pub/sub')
  }
  if ((query.list === 'processes' || query.list === 'names') && typeof query.node !== 'string') {
    throw new OptionError('node', query.node, 'the name of a node')
  }
  try {
    return pageQuestion(query, '')
  } catch (error) {
    throw new OptionError('query', query, 'a question for a page', `no such question: ${(error as Error).message}`)
  }
}

/** What an asker gets when a node did not answer it. */
export function asError(error: unknown, name: string): unknown {
  if (!(error instanceof AskError)) return error
  const text = `${name}: ${error.message}`
  if (error.state === 'late') return new TsunagiError('ERR_TIMEOUT', text, { cause: error })
  if (error.state === 'none') return new TsunagiError('ERR_NOCONNECTION', text, { cause: error })
  return new TsunagiError('ERR_OBSERVE_REFUSED', text, { cause: error })
}
