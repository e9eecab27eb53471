import type { Sample } from './report/report.ts'
import type { ChartColumn, ChartNode, ChartsView, Metric } from './view.ts'

/** Columns that are kept: ten minutes. */
const COLUMNS = 120
/** Milliseconds from one column to the next. */
export const CHART_STEP = 5000
/** Nodes that have charts. */
const MAX_NODES = 100

const METRICS: ReadonlySet<string> = new Set<Metric>([
  'bytesIn',
  'bytesOut',
  'messagesIn',
  'messagesOut',
  'loopDelay',
  'utilisation',
  'cpu',
  'memory',
  'heap',
  'processes',
  'mailbox',
  'queued',
  'rtt',
])

type Series = Map<string, (number | null)[]>

/** The last ten minutes of all nodes, in columns of five seconds. */
export class Charts {
  #times: number[]
  readonly #nodes = new Map<string, Series>()
  #view: ChartsView | undefined

  /** Begins with ten empty minutes, which what nodes remember can fill. */
  constructor(now: number) {
    this.#times = Array.from({ length: COLUMNS }, (_, i) => now - (COLUMNS - 1 - i) * CHART_STEP)
  }

  get view(): ChartsView {
    this.#view ??= {
      step: CHART_STEP,
      times: [...this.#times],
      nodes: Array.from(this.#nodes, ([node, series]): ChartNode => {
        return { node, series: Object.fromEntries(Array.from(series, ([metric, points]) => [metric, [...points]])) }
      }),
    }
    return this.#view
  }

  /** Adds what the nodes were since the last column; those that nothing is known of have a gap. */
  add(at: number, values: ReadonlyMap<string, Sample['values']>): ChartColumn {
    this.#times = [...this.#times.slice(1), at]
    for (const [node, series] of this.#nodes) {
      for (const [metric, points] of series) {
        points.push(null)
        points.shift()
        if (points.every((point) => point === null)) series.delete(metric)
      }
      if (series.size === 0) this.#nodes.delete(node)
    }
    for (const [node, sample] of values) this.#put(node, COLUMNS - 1, sample)
    this.#view = undefined
    return { at, nodes: Object.fromEntries([...values].filter(([node]) => this.#nodes.has(node))) }
  }

  /** What a node remembers, by our clock, where nothing is known yet. */
  fill(node: string, samples: readonly Sample[]): void {
    for (const { at, values } of samples) {
      const column = COLUMNS - 1 - Math.round(((this.#times.at(-1) as number) - at) / CHART_STEP)
      if (column >= 0 && column < COLUMNS) this.#put(node, column, values, true)
    }
    this.#view = undefined
  }

  #put(node: string, column: number, values: Sample['values'], onlyEmpty = false): void {
    let series = this.#nodes.get(node)
    if (series === undefined) {
      if (this.#nodes.size >= MAX_NODES) return
      series = new Map()
      this.#nodes.set(node, series)
    }
    for (const [metric, value] of Object.entries(values)) {
      if (!METRICS.has(metric)) continue
      let points = series.get(metric)
      if (points === undefined) {
        points = Array.from({ length: COLUMNS }, () => null)
        series.set(metric, points)
      }
      if (!onlyEmpty || points[column] === null) points[column] = value
    }
  }
}
