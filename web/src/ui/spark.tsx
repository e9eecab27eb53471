interface SparkProps {
  readonly values: readonly (number | null)[]
  /** What it shows, for those who do not see it. */
  readonly label: string
}

const WIDTH = 120
const HEIGHT = 28

/** A line without axes. Gaps stay gaps. */
export function Spark({ values, label }: SparkProps) {
  const max = Math.max(1e-9, ...values.filter((value) => value !== null))
  const x = (index: number) => (index / Math.max(1, values.length - 1)) * WIDTH
  const y = (value: number) => HEIGHT - 2 - (value / max) * (HEIGHT - 4)
  let path = ''
  let area = ''
  let begun = false
  for (const [index, value] of values.entries()) {
    if (value !== null) {
      const point = `${x(index).toFixed(1)} ${y(value).toFixed(1)}`
      path += `${begun ? 'L' : 'M'}${point}`
      area += begun ? `L${point}` : `M${x(index).toFixed(1)} ${HEIGHT}L${point}`
    }
    if (begun && (value === null || index === values.length - 1)) {
      area += `L${x(value === null ? index - 1 : index).toFixed(1)} ${HEIGHT}Z`
    }
    begun = value !== null
  }
  return (
    <svg class="spark" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={label}>
      <path class="under" d={area} />
      <path class="over" d={path} />
    </svg>
  )
}
