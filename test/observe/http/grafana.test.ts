import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { METRIC_ROWS } from '../../../src/observe/http/metric-rows.ts'

const docs = new URL('../../../docs/', import.meta.url)
const read = (name: string): string => readFileSync(new URL(name, docs), 'utf8')

const HISTOGRAMS = ['tsunagi_call_duration_seconds', 'tsunagi_served_call_duration_seconds']
/** All metrics there are, with their types and labels. */
const metrics = new Map([
  ...METRIC_ROWS.map(({ name, type, labels }) => [name, { type: type as string, labels: [...labels] }] as const),
  ...HISTOGRAMS.map((name) => [name, { type: 'histogram', labels: ['kind', 'result'] }] as const),
])
/** As series are called in a query. */
const series = new Set([...metrics.keys(), ...HISTOGRAMS.flatMap((name) => [`${name}_bucket`, `${name}_count`])])

function used(text: string): string[] {
  return [...new Set(text.match(/\btsunagi_\w+/g))]
}

describe('docs/metrics.md', () => {
  it('lists every metric with its type and labels, and no other', () => {
    const listed = [...read('metrics.md').matchAll(/^\| `(tsunagi_\w+)` \| (\w+) \|(?: (.*?))? \| (.+) \|$/gm)]
    const rows = listed.map(([, name, type, labels = '']) => [name, type, labels] as const)
    expect(rows.map(([name]) => name).sort()).toEqual([...metrics.keys()].sort())
    for (const [name, type, labels] of rows) {
      if (labels === 'the same') continue
      // `reason`: `a`, `b` names one label and some of its values.
      const names = [...labels.matchAll(/`(\w+)`(?=:|,|$)/g)].map(([, label]) => label)
      const known = metrics.get(name as string)
      expect([name, type]).toEqual([name, known?.type])
      expect(names, name).toEqual(expect.arrayContaining([...(known?.labels ?? [])]))
      if (known?.labels.length === 0) expect(labels, name).toBe('')
    }
  })
})

describe('the dashboard for Grafana', () => {
  interface Panel {
    readonly id: number
    readonly type: string
    readonly title: string
    readonly datasource?: { readonly type: string; readonly uid: string }
    readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
    readonly targets?: readonly { readonly refId: string; readonly expr: string; readonly legendFormat: string }[]
  }
  const dashboard = JSON.parse(read('grafana/tsunagi.json'))
  const panels: readonly Panel[] = dashboard.panels

  it('can be imported: its panels have places, queries and the data source that is chosen', () => {
    const variables = dashboard.templating.list.map(({ name, type }: { name: string; type: string }) => [name, type])
    expect(variables).toEqual([
      ['datasource', 'datasource'],
      ['job', 'query'],
      ['instance', 'query'],
    ])
    expect([dashboard.id, dashboard.schemaVersion >= 36, dashboard.title]).toEqual([null, true, 'Tsunagi'])
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
    for (const { gridPos, targets, type, title, datasource } of panels) {
      expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24)
      if (type === 'row') continue
      expect(datasource, title).toEqual({ type: 'prometheus', uid: ['$', '{datasource}'].join('') })
      expect(targets?.length, title).toBeGreaterThan(0)
      expect(new Set(targets?.map(({ refId }) => refId)).size, title).toBe(targets?.length)
    }
    const boxes = panels.map(({ gridPos }) => gridPos)
    for (const [i, a] of boxes.entries()) {
      for (const b of boxes.slice(i + 1)) {
        const apart = a.x + a.w <= b.x || b.x + b.w <= a.x || a.y + a.h <= b.y || b.y + b.h <= a.y
        expect(apart, JSON.stringify([a, b])).toBe(true)
      }
    }
  })

  it('asks only for metrics that there are, by labels they have, and heeds what was chosen', () => {
    const queries = panels.flatMap(({ targets = [] }) => targets)
    for (const { expr, legendFormat } of queries) {
      for (const name of used(expr)) expect(series.has(name), expr).toBe(true)
      for (const [selector] of expr.matchAll(/(?:tsunagi|nodejs|process)_\w+(?:\{[^}]*\})?/g)) {
        expect(selector, expr).toContain('{job=~"$job",instance=~"$instance"')
      }
      const labels = used(expr).flatMap((name) => metrics.get(name.replace(/_(?:bucket|count)$/, ''))?.labels ?? [])
      for (const [, label] of legendFormat.matchAll(/\{\{(\w+)\}\}/g)) {
        expect(['instance', ...labels], `${expr} by ${legendFormat}`).toContain(label)
      }
    }
    const shown = new Set(
      queries.flatMap(({ expr }) => used(expr).map((name) => name.replace(/_(?:bucket|count)$/, ''))),
    )
    const left = [...metrics.keys()].filter((name) => !shown.has(name))
    // Of the store and the retained values there is more to tell than to show.
    expect(left).toEqual(['tsunagi_pubsub_retained_bytes', 'tsunagi_store_nodes', 'tsunagi_store_dropped_total'])
  })

  it('has rules for alerts beside it, over metrics that there are', () => {
    const rules = read('grafana/alerts.yml')
    const names = used(rules)
    expect(names.length).toBeGreaterThan(8)
    for (const name of names) expect(series.has(name), name).toBe(true)
    const alerts = [...rules.matchAll(/- alert: (\w+)\n {8}expr: /g)].map(([, name]) => name)
    expect(new Set(alerts).size).toBe(11)
  })
})
