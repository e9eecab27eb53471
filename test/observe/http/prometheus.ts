/** A metric as the text format tells it. */
export interface Family {
  readonly name: string
  readonly type: string
  readonly help: string
  readonly samples: {
    readonly name: string
    readonly labels: Readonly<Record<string, string>>
    readonly value: number
  }[]
}

const NAME = /^[a-z][a-z0-9_]*$/
const SUFFIXES: Readonly<Record<string, readonly string[]>> = {
  counter: [''],
  gauge: [''],
  histogram: ['_bucket', '_sum', '_count'],
  summary: ['', '_sum', '_count'],
}

/**
 * Reads the text format of Prometheus, version 0.0.4, and refuses what its parser, or `promtool check metrics`, would complain
 * about: samples without a family, families told twice, counters without `_total`, units that are no base units.
 */
export function parseMetrics(text: string): Map<string, Family> {
  if (!text.endsWith('\n')) throw new Error('the last line does not end')
  const families = new Map<string, Family>()
  const seen = new Set<string>()
  let help = ''
  let family: Family | undefined
  for (const line of text.split('\n')) {
    if (line === '') continue
    const [, what, of, rest = ''] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? []
    if (what === 'HELP') {
      help = rest
    } else if (what === 'TYPE') {
      if (of === undefined || families.has(of)) throw new Error(`told twice: ${of}`)
      family = { name: of, type: rest, help, samples: [] }
      families.set(of, family)
      lint(family)
    } else {
      if (family === undefined) throw new Error(`of no family: ${line}`)
      const sample = readSample(line)
      const names = SUFFIXES[family.type]?.map((suffix) => `${family?.name}${suffix}`)
      if (names?.includes(sample.name) !== true) throw new Error(`${sample.name} is not of ${family.name}`)
      const key = `${sample.name}${JSON.stringify(Object.entries(sample.labels).sort())}`
      if (seen.has(key)) throw new Error(`told twice: ${key}`)
      seen.add(key)
      family.samples.push(sample)
    }
  }
  return families
}

function lint({ name, type, help }: Family): void {
  if (!NAME.test(name)) throw new Error(`no name of a metric: ${name}`)
  if (help === '') throw new Error(`${name} has no help`)
  // Those of Node.js and of the process have the names that everybody's dashboards know.
  if (!name.startsWith('tsunagi_')) return
  if ((type === 'counter') !== name.endsWith('_total')) throw new Error(`${name} is a ${type}`)
  if (/(?:milliseconds|_ms|kilobytes|_count|_sum|_bucket)/.test(name)) throw new Error(`${name} is no base unit`)
}

function readSample(line: string): Family['samples'][number] {
  const match = /^([a-z0-9_]+)(?:\{(.*)\})? (\S+)$/i.exec(line)
  if (match === null) throw new Error(`no sample: ${line}`)
  const [, name = '', inner = '', number = ''] = match
  const labels: Record<string, string> = {}
  let at = 0
  for (const label of inner.matchAll(/([a-z_][a-z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/gi)) {
    if (label.index !== at) throw new Error(`no labels: ${line}`)
    at += label[0].length
    labels[label[1] as string] = (label[2] as string).replace(/\\(.)/g, (_, it) => (it === 'n' ? '\n' : it))
  }
  if (at !== inner.length) throw new Error(`no labels: ${line}`)
  const value = number === '+Inf' ? Number.POSITIVE_INFINITY : Number(number)
  if (Number.isNaN(value) && number !== 'NaN' && number !== 'Nan') throw new Error(`no number: ${line}`)
  return { name, labels, value }
}
