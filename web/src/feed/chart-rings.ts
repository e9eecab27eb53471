import type { ChartColumn, ChartsView, Metric } from '../../../src/observe/view.ts'

/** As many columns as the server keeps: ten minutes. */
const COLUMNS = 120

type Series = Partial<Record<Metric, (number | null)[]>>

/** The last minutes of numbers: the server's at first, then a column after the other, for the oldest of which one goes. */
export class ChartRings {
  /** Milliseconds since 1970, ascending. */
  readonly times: number[]
  readonly #nodes = new Map<string, Series>()

  constructor(view: ChartsView) {
    this.times = view.times.slice(-COLUMNS)
    for (const { node, series } of view.nodes) {
      const own: Series = {}
      for (const [metric, values] of Object.entries(series)) own[metric as Metric] = values.slice(-COLUMNS)
      this.#nodes.set(node, own)
    }
  }

  add(column: ChartColumn): void {
    if (column.at <= (this.times.at(-1) ?? 0)) return
    for (const [node, values] of Object.entries(column.nodes)) {
      const series = this.#nodes.get(node) ?? {}
      this.#nodes.set(node, series)
      for (const metric of Object.keys(values) as Metric[]) {
        series[metric] ??= new Array<number | null>(this.times.length).fill(null)
      }
    }
    this.times.push(column.at)
    if (this.times.length > COLUMNS) this.times.shift()
    for (const [node, series] of this.#nodes) {
      const values = column.nodes[node]
      for (const metric of Object.keys(series) as Metric[]) {
        const ring = series[metric] as (number | null)[]
        ring.push(values?.[metric] ?? null)
        if (ring.length > COLUMNS) ring.shift()
      }
      if (Object.values(series).every((ring) => ring.every((value) => value === null))) this.#nodes.delete(node)
    }
  }

  /** As many values as there are times, or undefined when nothing is known. */
  series(node: string, metric: Metric): readonly (number | null)[] | undefined {
    return this.#nodes.get(node)?.[metric]
  }

  /** The newest value that is known. */
  last(node: string, metric: Metric): number | null {
    return this.series(node, metric)?.findLast((value) => value !== null) ?? null
  }

  /** Of all nodes together. */
  sum(metric: Metric): readonly (number | null)[] {
    const sums = new Array<number | null>(this.times.length).fill(null)
    for (const series of this.#nodes.values()) {
      for (const [index, value] of (series[metric] ?? []).entries()) {
        if (value !== null) sums[index] = (sums[index] ?? 0) + value
      }
    }
    return sums
  }
}
