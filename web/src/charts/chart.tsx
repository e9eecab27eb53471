import { useEffect, useRef } from 'preact/hooks'
import UPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { followTheme } from '../shell/theme.ts'

export interface Line {
  readonly label: string
  /** As long as the times; null where nothing is known. */
  readonly values: readonly (number | null)[]
}

interface ChartProps {
  readonly title: string
  /** Milliseconds since 1970. */
  readonly times: readonly number[]
  readonly lines: readonly Line[]
  readonly format: (value: number) => string
}

const HEIGHT = 150
const minute = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })

/** Lines over time. What it shows is said in words, too: the newest and the largest of each line. */
export function Chart({ title, times, lines, format }: ChartProps) {
  const box = useRef<HTMLDivElement>(null)
  const plot = useRef<UPlot>(undefined)
  const data: UPlot.AlignedData = [times.map((at) => at / 1000), ...lines.map(({ values }) => [...values])]
  const latest = useRef(data)
  latest.current = data
  const labels = lines.map(({ label }) => label).join('\n')

  useEffect(() => {
    const element = box.current
    if (element === null) return undefined
    const draw = () => {
      plot.current?.destroy()
      plot.current = new UPlot(optionsOf(element, labels.split('\n'), format), latest.current, element)
    }
    draw()
    const resized = new ResizeObserver(() => plot.current?.setSize({ width: element.clientWidth, height: HEIGHT }))
    resized.observe(element)
    const stop = followTheme(draw)
    return () => {
      stop()
      resized.disconnect()
      plot.current?.destroy()
      plot.current = undefined
    }
  }, [labels, format])

  useEffect(() => {
    plot.current?.setData(data)
  })

  return (
    <figure class="chart">
      <figcaption>
        <h3>{title}</h3>
        <ul>
          {lines.map(({ label, values }, index) => (
            <li key={label} data-line={index}>
              <span class="soft">{label}</span> <strong class="number">{told(newest(values), format)}</strong>
              <span class="unseen">, at most {told(largest(values), format)} in the last ten minutes</span>
            </li>
          ))}
        </ul>
      </figcaption>
      <div class="plot" ref={box} aria-hidden="true" />
    </figure>
  )
}

function newest(values: readonly (number | null)[]): number | null {
  return values.findLast((value) => value !== null) ?? null
}

function largest(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null)
  return known.length === 0 ? null : Math.max(...known)
}

function told(value: number | null, format: (value: number) => string): string {
  return value === null ? 'not known' : format(value)
}

function optionsOf(element: HTMLElement, labels: readonly string[], format: (value: number) => string): UPlot.Options {
  const style = getComputedStyle(element)
  const color = (name: string) => style.getPropertyValue(name).trim()
  const [soft, line] = [color('--ink-faint'), color('--line')]
  const strokes = [color('--indigo'), color('--plum')]
  const axis: UPlot.Axis = {
    stroke: soft,
    font: `11px ${style.fontFamily}`,
    grid: { stroke: line, width: 1 },
    ticks: { show: false },
  }
  return {
    width: element.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    padding: [8, 4, 0, 0],
    cursor: { y: false, points: { size: 6 }, drag: { x: false, y: false } },
    scales: { y: { range: (_plot, _min, max) => [0, max === null || max <= 0 ? 1 : max * 1.15] } },
    axes: [
      { ...axis, space: 70, size: 26, values: (_plot, splits) => splits.map((at) => minute.format(at * 1000)) },
      {
        ...axis,
        size: 68,
        space: 34,
        values: (_plot, splits) => splits.map((value) => (value === 0 ? '0' : format(value))),
      },
    ],
    series: [
      {},
      ...labels.map((label, index) => ({
        label,
        stroke: strokes[index % strokes.length] ?? soft,
        width: 1.75,
        // The second line can be told from the first without colours.
        ...(index % 2 === 1 ? { dash: [5, 3] } : { fill: `color-mix(in srgb, ${strokes[0]} 9%, transparent)` }),
        points: { show: false },
        spanGaps: false,
      })),
    ],
  }
}
