import type { BeamIdentity, BeamState } from './ask-beam.ts'
import type { Reading } from './report/recorder.ts'
import { sampleOf } from './report/recorder.ts'
import type { LinkReport, Report, Sample } from './report/report.ts'
import type { NodeAnswer, NodeView, Rtt, Traffic } from './view.ts'

/** Clocks that differ by less, in milliseconds, than they did before differ as they did before. */
const SAME = 1000

/** What the parts of a report were when they were last told. */
export type Parts = Pick<Report, 'topologies' | 'processes' | 'pubsubs' | 'stores'>

/** One node of the cluster, as far as it is known here. Times are by this node's clock unless they are within a report. */
export class KnownNode {
  readonly name: string
  readonly isSelf: boolean
  /** What speaks there, once it is known. */
  kind: 'tsunagi' | 'beam' | undefined
  /** It has told what it is since it came; what is known from before may be of another one of its name. */
  confirmed = false
  state: NodeView['state'] = 'down'
  since: number
  answer: NodeAnswer = { state: 'waiting', at: null, reason: null }
  report: Report | undefined
  parts: Parts = { topologies: null, processes: null, pubsubs: null, stores: null }
  /** When it told of its pub/subs last, by its own clock. */
  pubsubsAt = 0
  /** When its last report, or state, came. */
  heardAt = 0
  identity: BeamIdentity | undefined
  beam: BeamState | undefined
  /** Nodes it sees, by its own word; undefined: it has not told. */
  sees: ReadonlySet<string> | undefined
  /** Per second, by the other end of each link. */
  linkRates: ReadonlyMap<string, Traffic> = new Map()
  rates: Traffic | undefined
  /** A share and a rate of the time between the last two reports. */
  utilisation = 0
  cpu: number | undefined
  /** Of questions that this node asks it. */
  rtt: Rtt | undefined
  /** A question is under way. */
  asking = false
  /** When it was last asked, by the clock that only goes forward. */
  askedAt = Number.NEGATIVE_INFINITY
  /** The last event it has told of, and in which run. */
  heard: { run: string | null; revision: number } = { run: null, revision: 0 }
  /** How far its clock is ahead of ours. */
  #ahead = 0
  #before: Report | undefined
  /** What has passed over its links, as far as reports tell; never goes back. */
  #passed: Traffic = { bytesIn: 0, bytesOut: 0, messagesIn: 0, messagesOut: 0 }
  /** What was read when the charts got their last column. */
  #column: Reading | undefined

  constructor(name: string, isSelf: boolean, now: number) {
    this.name = name
    this.isSelf = isSelf
    this.since = now
  }

  /** The time by our clock of what the node says. */
  time(at: number): number
  time(at: number | null): number | null
  time(at: number | null): number | null {
    return at === null ? null : Math.round(at - this.#ahead)
  }

  /** Enters a state, unless it is in it. */
  become(state: NodeView['state'], now: number): void {
    if (this.state === state) return
    this.state = state
    this.since = now
  }

  /** Its report has come. */
  take(report: Report, now: number): void {
    if (this.report?.run !== report.run) {
      this.#before = undefined
      this.#column = undefined
    }
    const ahead = this.isSelf ? 0 : report.at - now
    if (this.report?.run !== report.run || Math.abs(ahead - this.#ahead) > SAME) this.#ahead = ahead
    this.kind = 'tsunagi'
    this.confirmed = true
    this.report = report
    this.heardAt = now
    this.answer = { state: 'answers', at: now, reason: null }
    const { pubsubs, stores, topologies, processes } = report
    if (pubsubs !== null) this.pubsubsAt = report.at
    this.parts = {
      topologies: topologies ?? this.parts.topologies,
      processes: processes ?? this.parts.processes,
      pubsubs: pubsubs ?? this.parts.pubsubs,
      stores: stores ?? this.parts.stores,
    }
    this.sees = new Set(report.links.filter((link) => link.state === 'connected').map((link) => link.to))
    const heard = this.heard.run === report.run ? this.heard.revision : 0
    this.heard = { run: report.run, revision: Math.max(heard, ...report.events.map((event) => event.revision)) }
    if (this.#before === undefined || report.at - this.#before.at > 0) {
      this.#compare(this.#before, report)
      this.#before = report
    }
  }

  /** How it stands on the BEAM. */
  takeBeam(beam: BeamState, now: number): void {
    this.kind = 'beam'
    this.confirmed = true
    this.beam = beam
    this.heardAt = now
    this.answer = { state: 'answers', at: now, reason: null }
    this.sees = new Set([...beam.visible, ...beam.hidden])
  }

  /** It did not answer. What it told before is kept, but no longer true of whom it sees. */
  fail(state: NodeAnswer['state'], reason: string): void {
    this.answer = { state, at: this.answer.at, reason }
    if (state !== 'late') this.sees = undefined
  }

  /** It is gone. What it was is shown until it comes again, or something else under its name. */
  forget(): void {
    this.sees = undefined
    this.rates = undefined
    this.linkRates = new Map()
    this.rtt = undefined
    this.cpu = undefined
    this.confirmed = false
    this.#before = undefined
    this.#column = undefined
  }

  /** What it was since the charts got their last column; undefined when it was not heard of since. */
  column(): Sample['values'] | undefined {
    if (this.beam !== undefined && this.kind === 'beam') {
      const { memory, processes } = this.beam
      return { memory: memory.total ?? 0, processes, ...this.#rttValue() }
    }
    if (this.report === undefined || this.sees === undefined) return undefined
    const reading = { ...readingOf(this.report), traffic: this.#passed }
    const before = this.#column
    this.#column = reading
    if (before === undefined || reading.at <= before.at) return undefined
    return { ...sampleOf(before, reading).values, ...this.#rttValue() }
  }

  #rttValue(): { rtt?: number } {
    return this.rtt === undefined ? {} : { rtt: this.rtt.last }
  }

  #compare(before: Report | undefined, now: Report): void {
    if (before === undefined) {
      // What passes in a second takes two readings to tell.
      this.linkRates = new Map()
      this.rates = undefined
      this.#column ??= { ...readingOf(now), traffic: this.#passed }
      return
    }
    const seconds = (now.at - before.at) / 1000
    const links = new Map(before.links.map((link) => [link.to, link]))
    const rates = new Map<string, Traffic>()
    const all = { bytesIn: 0, bytesOut: 0, messagesIn: 0, messagesOut: 0 }
    for (const link of now.links) {
      if (link.totals === null) continue
      const rate = rateOf(links.get(link.to), link, seconds)
      rates.set(link.to, rate)
      all.bytesIn += rate.bytesIn
      all.bytesOut += rate.bytesOut
      all.messagesIn += rate.messagesIn
      all.messagesOut += rate.messagesOut
    }
    this.linkRates = rates
    this.rates = rounded(all)
    // Summed link by link: what a link that went has counted went with it.
    this.#passed = sumOf(this.#passed, all, seconds)
    const { values } = sampleOf(readingOf(before), readingOf(now))
    this.utilisation = values.utilisation ?? 0
    this.cpu = values.cpu
  }
}

/** Since when a link is up is reckoned by two clocks, and may differ by as much from one report to the next. */
const RECKONED = 500

/** Whether a link is the one it was in the report before: its counts went on, and it did not come up anew. */
function isSameLink(before: LinkReport | undefined, totals: Traffic | null, upSince: number | null): boolean {
  if (before === undefined || before.totals === null || totals === null) return false
  if (before.upSince === null || upSince === null) return before.upSince === upSince
  const { bytesIn, bytesOut } = before.totals
  return Math.abs(before.upSince - upSince) < RECKONED && totals.bytesIn >= bytesIn && totals.bytesOut >= bytesOut
}

/** Of a link that is another one than before, all it has counted is new. */
function rateOf(before: LinkReport | undefined, { totals, upSince }: LinkReport, seconds: number): Traffic {
  const was = isSameLink(before, totals, upSince) ? before?.totals : undefined
  const rate = (key: keyof Traffic): number => {
    if (totals === null || seconds <= 0) return 0
    return Math.round((Math.max(0, totals[key] - (was?.[key] ?? 0)) / seconds) * 10) / 10
  }
  return {
    bytesIn: rate('bytesIn'),
    bytesOut: rate('bytesOut'),
    messagesIn: rate('messagesIn'),
    messagesOut: rate('messagesOut'),
  }
}

function sumOf(passed: Traffic, rates: Traffic, seconds: number): Traffic {
  return {
    bytesIn: passed.bytesIn + rates.bytesIn * seconds,
    bytesOut: passed.bytesOut + rates.bytesOut * seconds,
    messagesIn: passed.messagesIn + rates.messagesIn * seconds,
    messagesOut: passed.messagesOut + rates.messagesOut * seconds,
  }
}

function rounded({ bytesIn, bytesOut, messagesIn, messagesOut }: Traffic): Traffic {
  const tenth = (value: number): number => Math.round(value * 10) / 10
  return {
    bytesIn: tenth(bytesIn),
    bytesOut: tenth(bytesOut),
    messagesIn: tenth(messagesIn),
    messagesOut: tenth(messagesOut),
  }
}

function readingOf({ at, links, node }: Report): Reading {
  const traffic = { bytesIn: 0, bytesOut: 0, messagesIn: 0, messagesOut: 0 }
  let queued = 0
  for (const { totals, queuedBytes } of links) {
    if (totals === null) continue
    traffic.bytesIn += totals.bytesIn
    traffic.bytesOut += totals.bytesOut
    traffic.messagesIn += totals.messagesIn
    traffic.messagesOut += totals.messagesOut
    queued += queuedBytes ?? 0
  }
  return { at, node, traffic, queued }
}
