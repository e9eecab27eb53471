import { expect, it } from 'vitest'
import { CHART_STEP, Charts } from '../../src/observe/charts.ts'

const NOW = 1_000_000

it('charts are ten minutes of columns from the beginning, and what nodes remember fills them', () => {
  const charts = new Charts(NOW)
  expect(charts.view.times).toHaveLength(120)
  expect([charts.view.times.at(-1), charts.view.step]).toEqual([NOW, CHART_STEP])
  charts.fill('a@h', [
    { at: NOW - 2 * CHART_STEP + 100, values: { cpu: 1, nonsense: 3 } },
    { at: NOW - 10 * 60_000_000, values: { cpu: 9 } },
    { at: NOW + 60_000, values: { cpu: 9 } },
  ])
  const [node] = charts.view.nodes
  expect(Object.keys(node?.series ?? {})).toEqual(['cpu'])
  expect(node?.series.cpu?.slice(-3)).toEqual([1, null, null])
  expect(node?.series.cpu).toHaveLength(120)
})

it('a new column moves the old ones on, and who is gone for ten minutes is forgotten', () => {
  const charts = new Charts(NOW)
  const column = charts.add(NOW + CHART_STEP, new Map([['a@h', { cpu: 0.5, memory: 7 }]]))
  expect(column).toEqual({ at: NOW + CHART_STEP, nodes: { 'a@h': { cpu: 0.5, memory: 7 } } })
  expect(charts.view.nodes[0]?.series.cpu?.at(-1)).toBe(0.5)
  const { view } = charts
  expect(charts.view).toBe(view)
  for (let i = 2; i <= 120; i++) charts.add(NOW + i * CHART_STEP, new Map())
  expect(charts.view.nodes[0]?.series.cpu?.[0]).toBe(0.5)
  charts.add(NOW + 121 * CHART_STEP, new Map())
  expect(charts.view.nodes).toEqual([])
})

it('charts have no more than a hundred nodes', () => {
  const charts = new Charts(NOW)
  charts.add(NOW, new Map(Array.from({ length: 1000 }, (_, i) => [`n${i}@h`, { cpu: 1 }])))
  expect(charts.view.nodes).toHaveLength(100)
})
