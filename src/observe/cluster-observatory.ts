import { randomBytes } from 'node:crypto'
import type { Timer } from '../base/clock.ts'
import { TsunagiError } from '../base/errors.ts'
import { boolean, knownOnly } from '../base/options.ts'
import { CHART_STEP, Charts } from './charts.ts'
import { act } from './cluster-actions.ts'
import { ClusterModel } from './cluster-model.ts'
import { Followers } from './followers.ts'
import type { KnownNode } from './known-node.ts'
import { NodePoller } from './node-poller.ts'
import type { Action, ActionResult, Observatory, PageOf, PageQuery, TailMessage, Update } from './observatory.ts'
import { OddPairs } from './odd-pairs.ts'
import { PageFinder } from './page-finder.ts'
import type { ObservedNode } from './report/observed-node.ts'
import type { Part } from './report/question.ts'
import type { EventReport, Report } from './report/report.ts'
import { type Reporter, reporterOf } from './report/reporter.ts'
import { SectionShelf } from './section-shelf.ts'
import { Tails } from './tails.ts'
import { Timeline } from './timeline.ts'
import { VerdictWriter } from './verdict.ts'
import type { ChartColumn, SectionName, TimelineEvent, Verdict, View } from './view.ts'

/** Options of {@link openObservatory}. */
export interface ObservatoryOptions {
  /** Whether viewers may act: ping, connect, disconnect, and what topologies do. Default false. */
  readonly actions?: boolean
  /** Whether viewers may read messages of topics. Default true. */
  readonly tail?: boolean
  /** Milliseconds since 1970. Default: the system's. */
  readonly wallClock?: () => number
}

/** Milliseconds between two rounds while somebody follows, and else. */
const WATCHED = 1000
const UNWATCHED = 5000
/** With more nodes than this, rounds are longer: each node tells of all others. */
const ROUND_NODES = 40
/** Milliseconds between two questions to a BEAM node, while somebody follows, and else. */
const BEAM = 2000
const BEAM_UNWATCHED = 10_000
/** Milliseconds between two questions for parts that nobody looks at, while somebody follows others, and else. */
const ALL_PARTS = 10_000
const ALL_PARTS_UNWATCHED = 30_000
/** Milliseconds that a round waits for answers before it tells what has come. */
const ROUND = 400
/** Milliseconds after which news of this node's own links are told. */
const SOON = 100

const EVERY_PART: readonly Part[] = ['topologies', 'processes', 'pubsubs', 'stores']

/**
 * Looks at the whole cluster from a node, from now on: each second while somebody follows, and every five else. Nodes of this
 * package tell of themselves, unless they were started with `observable: false`; BEAM nodes are asked what every node answers.
 * It closes with the node.
 *
 * @throws OptionError; TsunagiError `ERR_CLOSED`
 * @example
 * const observatory = openObservatory(node)
 * console.log(observatory.section('overview').verdict.sentence)
 */
export function openObservatory(node: ObservedNode, options: ObservatoryOptions = {}): Observatory {
  knownOnly(options, ['actions', 'tail', 'wallClock'])
  if (node.closed) throw new TsunagiError('ERR_CLOSED', `the node ${node.name} is closed`)
  return new ClusterObservatory(node, options)
}

class ClusterObservatory implements Observatory {
  readonly self: string
  readonly actions: boolean
  readonly tails: boolean
  readonly #node: ObservedNode
  readonly #reporter: Reporter
  readonly #model: ClusterModel
  readonly #timeline: Timeline
  readonly #charts: Charts
  readonly #pairs = new OddPairs()
  readonly #verdicts = new VerdictWriter()
  readonly #poller: NodePoller
  readonly #pages: PageFinder
  readonly #tails: Tails
  readonly #shelf: SectionShelf
  readonly #followers = new Followers()
  readonly #instance = randomBytes(9).toString('base64url')
  readonly #stop: (() => void)[]
  #verdict: Verdict
  #timer: Timer | undefined
  #roundTimer: Timer | undefined
  #soonTimer: Timer | undefined
  #roundDue = 0
  #allPartsAt = Number.NEGATIVE_INFINITY
  #columnAt: number
  #column: ChartColumn | null = null
  #closed = false

  constructor(node: ObservedNode, { actions = false, tail = true, wallClock = Date.now }: ObservatoryOptions) {
    this.actions = boolean(actions, 'actions')
    this.tails = boolean(tail, 'tail')
    this.self = node.name
    this.#node = node
    this.#reporter = reporterOf(node, wallClock)
    const now = this.#now
    this.#model = new ClusterModel(node.name, now)
    this.#timeline = new Timeline(now)
    this.#charts = new Charts(now)
    this.#columnAt = node.serviceHost.clock.now()
    this.#tails = new Tails(node, () => this.#now)
    this.#pages = new PageFinder(node, this.#model, this.#reporter)
    this.#poller = new NodePoller(node, () => this.#now, {
      onReport: (known, report, events) => this.#reported(known, report, events),
      onSight: (known, name, up) => this.#sighted(known, name, up),
    })
    this.#look(EVERY_PART)
    this.#verdict = this.#verdicts.write(this.#model, this.#pairs.pairs, now)
    this.#shelf = new SectionShelf({
      model: this.#model,
      pairs: this.#pairs,
      timeline: this.#timeline,
      charts: this.#charts,
      actions: this.actions,
      overview: () => ({
        at: this.#now,
        instance: this.#instance,
        actions: this.actions,
        tail: this.tails,
        interval: this.#interval,
        verdict: this.#verdict,
      }),
    })
    this.#stop = [this.#reporter.journal.follow(() => this.#soon()), node.serviceHost.closeFirst(() => this.close())]
    this.#round()
  }

  section<K extends SectionName>(name: K): View[K] {
    return this.#shelf.section(name)
  }

  follow(listener: (update: Update) => void, sections?: readonly SectionName[]): () => void {
    const isFirst = this.#followers.size === 0
    const stop = this.#followers.add(listener, sections)
    if (isFirst || this.#followers.parts.length > 0) this.#roundSoon()
    return stop
  }

  since(cursor: number): readonly TimelineEvent[] {
    return this.#timeline.since(cursor)
  }

  page<Q extends PageQuery>(query: Q): Promise<PageOf<Q>> {
    return this.#pages.find(query, this.#poller.options)
  }

  async act(action: Action, by = 'dashboard'): Promise<ActionResult> {
    if (!this.actions) throw new TsunagiError('ERR_UNSUPPORTED', 'actions are off: see the option `actions`')
    const result = await act(this.#reporter, action, by, this.#poller.options)
    this.#roundSoon()
    return result
  }

  tail(pubsub: string, topic: string, listener: (message: TailMessage) => void): () => void {
    if (!this.tails) throw new TsunagiError('ERR_UNSUPPORTED', 'messages are not shown: see the option `tail`')
    if (this.#closed) throw new TsunagiError('ERR_CLOSED', 'the observatory is closed')
    return this.#tails.open(pubsub, topic, listener)
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    for (const timer of [this.#timer, this.#roundTimer, this.#soonTimer]) timer?.cancel()
    for (const stop of this.#stop) stop()
    this.#poller.close()
    this.#tails.close()
    this.#followers.clear()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  get #now(): number {
    return this.#reporter.times.now
  }

  get #interval(): number {
    const usual = this.#followers.size > 0 ? WATCHED : UNWATCHED
    return Math.round(usual * Math.max(1, this.#model.size / ROUND_NODES))
  }

  /** Asks all nodes, and tells of what has come when they have answered, or have not for some time. */
  #round(): void {
    if (this.#closed) return
    const { clock } = this.#node.serviceHost
    const now = clock.now()
    const watched = this.#followers.size > 0
    const isWhole = now - this.#allPartsAt >= (watched ? ALL_PARTS : ALL_PARTS_UNWATCHED) * 0.9
    if (isWhole) this.#allPartsAt = now
    const parts = isWhole ? EVERY_PART : this.#followers.parts
    this.#look(parts)
    const pace = { parts, watched, beamInterval: watched ? BEAM : BEAM_UNWATCHED }
    const asked = Array.from(this.#model.nodes, (known) => this.#poller.ask(known, pace))
    void Promise.all(asked).then(() => this.#tell())
    this.#roundTimer?.cancel()
    this.#roundTimer = clock.after(ROUND, () => this.#tell())
    this.#schedule(this.#interval)
  }

  #schedule(ms: number): void {
    const { clock } = this.#node.serviceHost
    this.#timer?.cancel()
    this.#roundDue = clock.now() + ms
    this.#timer = clock.after(ms, () => this.#round())
  }

  /** Somebody has come who wants to see something now. */
  #roundSoon(): void {
    if (this.#closed || this.#roundDue - this.#node.serviceHost.clock.now() <= SOON) return
    this.#schedule(SOON)
  }

  /** Something has happened on this node: it is told without waiting for the next round. */
  #soon(): void {
    if (this.#closed || this.#soonTimer !== undefined) return
    this.#soonTimer = this.#node.serviceHost.clock.after(SOON, () => {
      this.#soonTimer = undefined
      this.#look([])
      this.#tell()
    })
  }

  /** Takes this node's own report. */
  #look(parts: readonly Part[]): void {
    const { self } = this.#model
    const watched = this.#followers.size > 0
    const report = this.#reporter.report({ parts: [...parts], ...self.heard, watched })
    self.take(report, this.#now)
    this.#reported(self, report, report.events)
    this.#model.update(this.#now)
  }

  #reported(known: KnownNode, report: Report, events: readonly EventReport[]): void {
    for (const event of events) {
      const told = { ...event, at: known.time(event.at), lastAt: known.time(event.lastAt) }
      this.#timeline.tell(known.name, report.run, told)
    }
    if (report.samples !== null) {
      const samples = report.samples.map((sample) => ({ ...sample, at: known.time(sample.at) }))
      this.#charts.fill(known.name, samples)
    }
  }

  /** A BEAM node does not tell what happened: it is seen from whom it sees. */
  #sighted(known: KnownNode, peer: string, up: boolean): void {
    const text = up ? `${peer} is up` : `${peer} is down`
    const kind = up ? 'node-up' : 'node-down'
    this.#timeline.note(known.name, this.#now, { kind, severity: up ? 'good' : 'error', peer, text })
  }

  /** Puts together what has come, and tells those who follow what has changed. */
  #tell(): void {
    if (this.#closed) return
    this.#roundTimer?.cancel()
    this.#roundTimer = undefined
    const now = this.#now
    this.#model.update(now)
    this.#pairs.update(this.#model, now)
    this.#verdict = this.#verdicts.write(this.#model, this.#pairs.pairs, now)
    this.#shelf.stale()
    this.#addColumn()
    const column = this.#column
    this.#column = null
    const events = this.#timeline.take()
    if (this.#followers.size === 0) return
    this.#followers.tell(this.#shelf.changed(this.#followers.sections), events, column)
  }

  #addColumn(): void {
    const { clock } = this.#node.serviceHost
    if (clock.now() - this.#columnAt < CHART_STEP * 0.95) return
    this.#columnAt = clock.now()
    const values = new Map<string, NonNullable<ReturnType<KnownNode['column']>>>()
    for (const known of this.#model.nodes) {
      const value = known.column()
      if (value !== undefined) values.set(known.name, value)
    }
    this.#column = this.#charts.add(this.#now, values)
  }
}
