import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import type { Observatory } from '../observatory.ts'
import { errorAnswer } from './answers.ts'
import { CallTimes } from './call-times.ts'
import { EventCounts } from './event-counts.ts'
import { MeasuredLinks } from './measured-links.ts'
import type { DashboardNode } from './measured-node.ts'
import { METRIC_ROWS, type Measurement, type MetricRow } from './metric-rows.ts'
import type { Refusals } from './refusals.ts'
import type { Viewers } from './viewers.ts'

/** Processes whose mailboxes are looked at in a scrape. */
const SCAN = 20_000
/** Peers whose certificates are told. */
const MOST_CERTIFICATES = 200

/** What belongs to the process is the same for all its nodes; what measures it cannot be taken back. Made when asked for. */
let processRegistry: Registry | undefined

function ofProcess(): Registry {
  if (processRegistry === undefined) {
    processRegistry = new Registry()
    collectDefaultMetrics({ register: processRegistry, eventLoopMonitoringPrecision: 20 })
  }
  return processRegistry
}

/** Options of {@link Metrics}. */
export interface MetricsOptions {
  readonly node: DashboardNode
  readonly observatory: Observatory
  readonly viewers: Viewers
  readonly refusals: Refusals
  readonly readyNodes: number
  readonly processMetrics: boolean
}

/** What a node tells Prometheus, read when it asks. */
export class Metrics {
  readonly #options: MetricsOptions
  readonly #events: EventCounts
  readonly #links = new MeasuredLinks()
  readonly #registry = new Registry()
  #measurement: Measurement | undefined
  /** Calls are followed from the first scrape on: it costs them something. */
  #calls: CallTimes | undefined
  #closed = false

  constructor(options: MetricsOptions) {
    this.#options = options
    this.#events = new EventCounts(options.node)
    for (const row of METRIC_ROWS) this.#register(row)
  }

  /** The text format of Prometheus, version 0.0.4. */
  async answer(): Promise<Response> {
    if (this.#closed) return errorAnswer(503, 'ERR_CLOSED', 'the dashboard is closed')
    this.#calls ??= new CallTimes(this.#options.node.name, this.#registry)
    this.#measurement = this.#measure()
    const texts = [await this.#registry.metrics()]
    if (this.#options.processMetrics) texts.push(await ofProcess().metrics())
    const headers = { 'content-type': this.#registry.contentType, 'cache-control': 'no-store' }
    return new Response(texts.join(''), { headers })
  }

  close(): void {
    this.#closed = true
    this.#calls?.close()
    this.#events.close()
    this.#registry.clear()
  }

  #register({ name, type, help, labels, samples }: MetricRow): void {
    const values = () => (this.#measurement === undefined ? [] : samples(this.#measurement))
    const options = { name, help, labelNames: labels, registers: [this.#registry] }
    // Counters are counted elsewhere: each scrape takes over how far they are.
    if (type === 'gauge') {
      new Gauge({
        ...options,
        collect() {
          this.reset()
          for (const [of, value] of values()) this.set(of, value)
        },
      })
    } else {
      new Counter({
        ...options,
        collect() {
          this.reset()
          for (const [of, value] of values()) this.inc(of, value)
        },
      })
    }
  }

  #measure(): Measurement {
    const { node, observatory, readyNodes, refusals, viewers } = this.#options
    const views = observatory.section('links').links.filter(({ from }) => from === observatory.self)
    const links = node.links()
    const shown = links
      .slice(0, MOST_CERTIFICATES)
      .flatMap(({ node: of, tls }) => (tls?.peer === undefined ? [] : [{ ...tls.peer, of }]))
    return {
      overview: observatory.section('overview'),
      ready: node.isReady({ nodes: readyNodes }),
      nodes: { visible: node.nodes('visible').length, hidden: node.nodes('hidden').length },
      peers: node.peers(),
      links: this.#links.measure(links, views),
      events: this.#events,
      accepted: node.acceptCounts,
      counts: node.counts,
      mailboxMessages: node.survey({ top: 0, scan: SCAN }).messages,
      topologies: node.topologies(),
      pubsubs: node.pubsubs().map((pubsub) => ({ pubsub, stats: pubsub.stats })),
      stores: node.stores().map(({ name, stats, status }) => ({ name, stats, status })),
      certificates: [...node.certificates().map((own) => ({ ...own, of: 'own' })), ...shown],
      viewers,
      refusals,
      now: Date.now(),
    }
  }
}
