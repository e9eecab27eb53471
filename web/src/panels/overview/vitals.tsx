import type { LinkView, Metric, NodeView } from '../../../../src/observe/view.ts'
import { useCharts } from '../../feed/use-feed.ts'
import { formatByteRate, formatBytes, formatCount, formatMs, orUnknown, shortName } from '../../ui/format.ts'
import { Spark } from '../../ui/spark.tsx'

interface VitalsProps {
  readonly nodes: readonly NodeView[]
  readonly links: readonly LinkView[]
}

/** A few numbers for the whole cluster, with their last ten minutes. */
export function Vitals({ nodes, links }: VitalsProps) {
  const charts = useCharts()
  const sum = (metric: Metric) => charts?.sum(metric) ?? []
  const newest = (values: readonly (number | null)[]) => values.findLast((value) => value !== null) ?? null
  const messages = sum('messagesOut')
  const bytes = sum('bytesOut')
  const memory = sum('memory')
  const trips = links.flatMap(({ rtt }) => (rtt === null ? [] : [rtt.p50])).sort((a, b) => a - b)
  const median = trips[Math.floor(trips.length / 2)] ?? null
  const slowest = nodes.reduce<NodeView | undefined>(
    (worst, node) => ((node.eventLoop?.p99 ?? -1) > (worst?.eventLoop?.p99 ?? -1) ? node : worst),
    undefined,
  )
  return (
    <ul class="vitals" aria-label="Vital signs">
      <Vital
        title="Messages sent"
        value={orUnknown(newest(messages), (rate) => `${formatCount(rate)}/s`)}
        values={messages}
      />
      <Vital title="Bytes sent" value={orUnknown(newest(bytes), formatByteRate)} values={bytes} />
      <Vital
        title="Round trip"
        value={orUnknown(median, formatMs)}
        note={trips.length === 0 ? undefined : `slowest ${formatMs(trips.at(-1) as number)}`}
      />
      <Vital
        title="Slowest event loop"
        value={orUnknown(slowest?.eventLoop?.p99, formatMs)}
        note={slowest === undefined || slowest.eventLoop === null ? undefined : `p99 on ${shortName(slowest.name)}`}
      />
      <Vital title="Memory" value={orUnknown(newest(memory), formatBytes)} values={memory} />
    </ul>
  )
}

interface VitalProps {
  readonly title: string
  readonly value: string
  readonly values?: readonly (number | null)[]
  readonly note?: string | undefined
}

function Vital({ title, value, values, note }: VitalProps) {
  return (
    <li class="vital">
      <span class="title">{title}</span>
      <span class="value number">{value}</span>
      {note !== undefined && <span class="note">{note}</span>}
      {values?.some((it) => it !== null) === true && <Spark values={values} label={`${title}, the last ten minutes`} />}
    </li>
  )
}
