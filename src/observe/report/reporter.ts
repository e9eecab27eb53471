import { randomBytes } from 'node:crypto'
import type { Timer } from '../../base/clock.ts'
import { version } from '../version.ts'
import { Chronicle } from './chronicle.ts'
import { EventLoopMeter } from './event-loop.ts'
import { Journal } from './journal.ts'
import { linkReport, nodeReport, totalsOf } from './node-parts.ts'
import type { ObservedNode } from './observed-node.ts'
import { processesReport, pubsubReport, storeReport, topologyReport } from './open-parts.ts'
import type { ReportQuestion } from './question.ts'
import { type Reading, Recorder, SAMPLE_STEP, type Traffic } from './recorder.ts'
import { type NodeReport, REPORT_LIMITS, REPORT_VERSION, type Report } from './report.ts'
import { RoundTrips } from './round-trips.ts'
import { WallTime } from './wall-time.ts'

/** Milliseconds after the last question when a node stops measuring itself. */
const IDLE = 15 * 60_000
/** Milliseconds by which the timer has to be late to count as a standstill. */
const STANDSTILL = 1000
/** Milliseconds between two measurements of a round trip, while somebody looks, and else. */
const WATCHED = 2000
const UNWATCHED = 3 * SAMPLE_STEP

/** One for each node that was asked, however many ask. */
const reporters = new WeakMap<ObservedNode, Reporter>()

/** What tells of a node; made when it is asked for the first time, and closed with the node. */
export function reporterOf(node: ObservedNode, wallClock: () => number = Date.now): Reporter {
  let reporter = reporters.get(node)
  if (reporter === undefined) {
    reporter = new Reporter(node, wallClock)
    reporters.set(node, reporter)
  }
  return reporter
}

/**
 * Tells of one node: what its parts say when they are asked, what happened, and how it was in the last ten minutes. It
 * measures while somebody asks, and for some time after that.
 */
export class Reporter {
  readonly node: ObservedNode
  readonly journal: Journal
  readonly times: WallTime
  /** Whether peers may act upon the node. */
  actions = false
  readonly #run = randomBytes(9).toString('base64url')
  readonly #startedAt: number
  readonly #chronicle: Chronicle
  readonly #meter = new EventLoopMeter()
  readonly #recorder = new Recorder()
  readonly #roundTrips: RoundTrips
  /** Of links that are gone; the node's totals never go back. */
  #gone: Traffic = { bytesIn: 0, bytesOut: 0, messagesIn: 0, messagesOut: 0 }
  readonly #counted = new Map<string, { readonly ups: number; readonly totals: Traffic }>()
  #timer: Timer | undefined
  #due = 0
  #askedAt: number
  #closed = false

  constructor(node: ObservedNode, wallClock: () => number) {
    const { clock } = node.serviceHost
    this.node = node
    this.times = new WallTime(clock, wallClock)
    this.journal = new Journal(() => this.times.now)
    this.#chronicle = new Chronicle(node, this.journal)
    this.#roundTrips = new RoundTrips(node)
    this.#startedAt = this.times.ago(node.age) ?? 0
    this.#askedAt = clock.now()
    node.serviceHost.closeFirst(() => this.close())
    this.#record()
  }

  report({ parts, run, revision, watched }: Pick<ReportQuestion, 'parts' | 'run' | 'revision' | 'watched'>): Report {
    this.#asked()
    this.#chronicle.look()
    this.#roundTrips.measure(watched ? WATCHED : UNWATCHED)
    const wants = (part: ReportQuestion['parts'][number]): boolean => parts.includes(part)
    const { node, times } = this
    const top = wants('processes') ? REPORT_LIMITS.processes : 0
    const survey = node.survey({ top, scan: REPORT_LIMITS.scan })
    const links = this.#links()
    return {
      version: REPORT_VERSION,
      at: times.now,
      run: this.#run,
      node: this.#node(survey.whole ? survey.messages : null),
      links: links.slice(0, REPORT_LIMITS.links),
      linkCount: links.length,
      topologies: wants('topologies')
        ? node
            .topologies()
            .slice(0, REPORT_LIMITS.topologies)
            .map((it) => topologyReport(node, it, times))
        : null,
      processes: wants('processes') ? processesReport(node, survey.top, times) : null,
      pubsubs: wants('pubsubs') ? node.pubsubs().slice(0, REPORT_LIMITS.pubsubs).map(pubsubReport) : null,
      stores: wants('stores') ? node.stores().slice(0, REPORT_LIMITS.stores).map(storeReport) : null,
      events: this.journal.since(run === this.#run ? revision : 0, REPORT_LIMITS.events),
      samples: wants('samples') ? [...this.#recorder.samples] : null,
    }
  }

  /** Idempotent. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#timer?.cancel()
    this.#chronicle.close()
    this.#meter.close()
  }

  #node(mailbox: number | null): NodeReport {
    const { actions, node } = this
    return nodeReport({ node, meter: this.#meter, startedAt: this.#startedAt, mailbox, actions, version })
  }

  #links() {
    const { linkHighWater } = this.node.serviceHost.limits
    const infos = new Map(this.node.links().map((link) => [link.node, link]))
    const peers = this.node.peers()
    // Those that are up first: they are what must not be missing.
    peers.sort((a, b) => Number(b.state === 'connected') - Number(a.state === 'connected'))
    return peers.map((peer) => {
      return linkReport(peer, infos.get(peer.node), this.times, linkHighWater, this.#roundTrips.of(peer.node))
    })
  }

  /** What the node has sent and received in all, as far as it was looked at before a link went. */
  #traffic(): { readonly traffic: Traffic; readonly queued: number } {
    let queued = 0
    let traffic = this.#gone
    const ups = new Map(this.node.peers().map((peer) => [peer.node, peer.ups]))
    const links = new Map(this.node.links().map((link) => [link.node, link]))
    for (const [name, before] of this.#counted) {
      if (links.has(name) && ups.get(name) === before.ups) continue
      this.#gone = sum(this.#gone, before.totals)
      traffic = this.#gone
      this.#counted.delete(name)
    }
    for (const [name, link] of links) {
      const totals = totalsOf(link)
      this.#counted.set(name, { ups: ups.get(name) ?? 0, totals })
      traffic = sum(traffic, totals)
      queued += link.queuedBytes
    }
    return { traffic, queued }
  }

  #asked(): void {
    const { clock } = this.node.serviceHost
    this.#askedAt = clock.now()
    if (this.#timer === undefined && !this.#closed) this.#record()
  }

  #record(): void {
    const { clock } = this.node.serviceHost
    const { messages, whole } = this.node.survey({ top: 0, scan: REPORT_LIMITS.scan })
    const reading: Reading = { at: this.times.now, node: this.#node(whole ? messages : null), ...this.#traffic() }
    this.#recorder.add(reading)
    this.#chronicle.look()
    this.#timer = undefined
    if (clock.now() - this.#askedAt > IDLE) return
    this.#due = clock.now() + SAMPLE_STEP
    this.#timer = clock.after(SAMPLE_STEP, () => this.#tick())
  }

  #tick(): void {
    const late = this.node.serviceHost.clock.now() - this.#due
    if (late >= STANDSTILL) {
      const text = `${this.node.name} stood still`
      const reason = `its event loop was late by ${(late / 1000).toFixed(1)} s`
      this.journal.add({ kind: 'standstill', severity: 'warning', peer: this.node.name, text, reason })
    }
    this.#record()
  }
}

function sum(a: Traffic, b: Traffic): Traffic {
  return {
    bytesIn: a.bytesIn + b.bytesIn,
    bytesOut: a.bytesOut + b.bytesOut,
    messagesIn: a.messagesIn + b.messagesIn,
    messagesOut: a.messagesOut + b.messagesOut,
  }
}
