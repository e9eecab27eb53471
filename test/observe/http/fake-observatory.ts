import { OptionError, TsunagiError } from '../../../src/base/errors.ts'
import type {
  Action,
  ActionResult,
  Observatory,
  PageOf,
  PageQuery,
  TailMessage,
  Update,
} from '../../../src/observe/observatory.ts'
import type { ChartColumn, SectionName, TimelineEvent, View } from '../../../src/observe/view.ts'

/** An observatory that shows what a test puts in, and remembers what it was asked. */
export class FakeObservatory implements Observatory {
  readonly self = 'a@127.0.0.1'
  readonly actions = true
  readonly tails = true
  readonly acted: { readonly action: Action; readonly by: string | undefined }[] = []
  readonly events: TimelineEvent[] = []
  /** Sections that somebody follows now, of the last one to follow. */
  followed: readonly SectionName[] = []
  readonly #views: View
  readonly #followers = new Set<(update: Update) => void>()
  readonly #tails = new Set<(message: TailMessage) => void>()

  constructor() {
    const views: { [K in SectionName]?: object } = {
      overview: {
        at: 1000,
        instance: 'one',
        self: this.self,
        verdict: { level: 'good', sentence: '1 node', text: '1 node', since: 0, problems: [] },
        versions: { tsunagi: '0.1.0', node: '20.19.0' },
        startedAt: 0,
        actions: true,
        tail: true,
        counts: { nodes: 1, typescript: 1, beam: 0, missing: 0, links: 0 },
        traffic: { bytesIn: 0, bytesOut: 0, messagesIn: 0, messagesOut: 0 },
        interval: 1000,
      },
      nodes: { nodes: [], total: 0 },
      links: { links: [], total: 0 },
      matrix: { nodes: [], rows: [], odd: [], total: 0 },
      discovery: { topologies: [], total: 0 },
      processes: { nodes: [], total: 0 },
      pubsub: { pubsubs: [], total: 0 },
      store: { stores: [], total: 0 },
      charts: { step: 5000, times: [], nodes: [] },
    }
    this.#views = views as unknown as View
  }

  get followers(): number {
    return this.#followers.size
  }

  get tailing(): number {
    return this.#tails.size
  }

  /** A section is another one from now on, and followers are told. */
  set(section: Exclude<SectionName, 'timeline' | 'charts'>, view: object): void {
    Object.assign(this.#views, { [section]: view })
    this.#tell({ sections: [section], events: [], column: null })
  }

  /** Something happens. */
  happen(text: string, cursor = (this.events.at(-1)?.cursor ?? 0) + 1): void {
    const event: TimelineEvent = {
      id: cursor,
      cursor,
      at: cursor,
      lastAt: cursor,
      count: 1,
      nodes: [this.self],
      peer: null,
      kind: 'node-up',
      severity: 'info',
      text,
      reason: null,
    }
    this.events.push(event)
    this.#tell({ sections: [], events: [event], column: null })
  }

  /** Time goes on in the charts. */
  addColumn(at: number): void {
    const column: ChartColumn = { at, nodes: { [this.self]: { cpu: 0.5 } } }
    const times = [...this.#views.charts.times, at]
    Object.assign(this.#views, { charts: { step: 5000, times, nodes: [] } })
    this.#tell({ sections: [], events: [], column })
  }

  /** A message passes. */
  pass(text: string): void {
    const message = { at: 1, topic: 't', node: null, text, cut: false, skipped: 0 }
    for (const listener of this.#tails) listener(message)
  }

  section<K extends SectionName>(name: K): View[K] {
    const timeline: View['timeline'] = { events: this.events }
    return name === 'timeline' ? (timeline as unknown as View[K]) : this.#views[name]
  }

  follow(listener: (update: Update) => void, sections: readonly SectionName[] = []): () => void {
    this.#followers.add(listener)
    this.followed = sections
    return () => void this.#followers.delete(listener)
  }

  since(cursor: number): readonly TimelineEvent[] {
    return this.events.filter((event) => event.cursor > cursor)
  }

  async page<Q extends PageQuery>(query: Q): Promise<PageOf<Q>> {
    if (query.list !== 'names') throw new OptionError('list', query.list, 'one of "names"')
    return { items: [`limit ${query.limit}`], total: 1, more: false } as unknown as PageOf<Q>
  }

  async act(action: Action, by?: string): Promise<ActionResult> {
    if (action.action !== 'ping') throw new OptionError('action', action.action, '"ping"')
    this.acted.push({ action, by })
    return { ok: true, text: `${action.peer} answered`, code: null }
  }

  tail(pubsub: string, topic: string, listener: (message: TailMessage) => void): () => void {
    if (pubsub !== 'MyApp.PubSub') throw new OptionError('pubsub', pubsub, 'a pub/sub of this node')
    if (topic === 'full') throw new TsunagiError('ERR_LIMIT', 'there are too many tails')
    this.#tails.add(listener)
    return () => void this.#tails.delete(listener)
  }

  async close(): Promise<void> {}

  async [Symbol.asyncDispose](): Promise<void> {}

  #tell(update: Update): void {
    for (const follower of [...this.#followers]) follower(update)
  }
}
