import { useEffect, useState } from 'preact/hooks'
import type { Metric, NodeView } from '../../../../src/observe/view.ts'
import type { Line } from '../../charts/chart.tsx'
import type { ChartRings } from '../../feed/chart-rings.ts'
import { useCharts } from '../../feed/use-feed.ts'
import { formatByteRate, formatBytes, formatCount, formatMs, formatShare } from '../../ui/format.ts'

type ChartParts = Pick<typeof import('../../charts/chart.tsx'), 'Chart'>

interface ChartSpec {
  readonly title: string
  readonly lines: readonly { readonly metric: Metric; readonly label: string }[]
  readonly format: (value: number) => string
}

const SPECS: readonly ChartSpec[] = [
  {
    title: 'Traffic',
    lines: [
      { metric: 'bytesIn', label: 'in' },
      { metric: 'bytesOut', label: 'out' },
    ],
    format: formatByteRate,
  },
  {
    title: 'Messages',
    lines: [
      { metric: 'messagesIn', label: 'in' },
      { metric: 'messagesOut', label: 'out' },
    ],
    format: (value) => `${formatCount(value)}/s`,
  },
  { title: 'Event-loop delay, p99', lines: [{ metric: 'loopDelay', label: 'delay' }], format: formatMs },
  {
    title: 'Memory',
    lines: [
      { metric: 'memory', label: 'in all' },
      { metric: 'heap', label: 'heap' },
    ],
    format: formatBytes,
  },
  { title: 'Processor', lines: [{ metric: 'cpu', label: 'of one' }], format: formatShare },
  { title: 'Round trip from here', lines: [{ metric: 'rtt', label: 'round trip' }], format: formatMs },
  { title: 'Processes', lines: [{ metric: 'processes', label: 'processes' }], format: formatCount },
  { title: 'Waiting to be sent', lines: [{ metric: 'queued', label: 'bytes' }], format: formatBytes },
]

/** The last ten minutes of a node. What draws them is loaded when it is needed. */
export function NodeCharts({ node }: { readonly node: NodeView }) {
  const charts = useCharts()
  const [parts, setParts] = useState<ChartParts>()
  useEffect(() => {
    // A page of another version than its server may miss it: then there are no charts, and all else.
    import('../../charts/chart.tsx').then(
      ({ Chart }) => setParts({ Chart }),
      () => undefined,
    )
  }, [])
  if (charts === undefined || parts === undefined) return null
  return (
    <ul class="charts" aria-label="The last ten minutes">
      {SPECS.map((spec) => {
        const lines = linesOf(spec, node.name, charts)
        return (
          lines.length > 0 && (
            <li key={spec.title} class="card">
              <parts.Chart title={spec.title} times={charts.times} lines={lines} format={spec.format} />
            </li>
          )
        )
      })}
    </ul>
  )
}

function linesOf({ lines }: ChartSpec, node: string, charts: ChartRings): Line[] {
  return lines.flatMap(({ metric, label }) => {
    const values = charts.series(node, metric)
    return values?.some((value) => value !== null) === true ? [{ label, values }] : []
  })
}
