import { median } from './statistics.mjs'

/**
 * @typedef {object} Row
 * @property {string} work
 * @property {string} participant
 * @property {string} metric
 * @property {number} median
 * @property {readonly number[]} runs in the order they ran
 */

/** What was measured, by work, participant and metric. */
export class Results {
  /** @type {Map<string, { work: string, participant: string, metric: string, runs: number[] }>} */
  #rows = new Map()

  /** @param {readonly Row[]} [rows] of an earlier run */
  constructor(rows = []) {
    for (const { work, participant, metric, runs } of rows) {
      for (const value of runs) this.add(work, participant, { [metric]: value })
    }
  }

  /** @param {string} work @param {string} participant @param {Record<string, number>} values */
  add(work, participant, values) {
    for (const [metric, value] of Object.entries(values)) {
      const key = JSON.stringify([work, participant, metric])
      const row = this.#rows.get(key) ?? { work, participant, metric, runs: [] }
      row.runs.push(value)
      this.#rows.set(key, row)
    }
  }

  /** @param {string} work @param {string} participant @param {string} metric @returns {number | undefined} */
  median(work, participant, metric) {
    const row = this.#rows.get(JSON.stringify([work, participant, metric]))
    return row && median(row.runs)
  }

  /** @returns {Row[]} */
  rows() {
    return [...this.#rows.values()].map((row) => ({ ...row, median: median(row.runs) }))
  }
}
