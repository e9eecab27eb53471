import { parseArgs } from 'node:util'

export const help = `Usage: npm run bench [-- OPTIONS]

  --only A,B      only these works (send, call, codec, import, idle, process, monitors, mesh, cluster, pubsub,
                  store)
                  and these participants (raw, tsunagi, tsunagi-erlang, erlang-tsunagi, erlang, the same with -tls,
                  nats, moleculer; of
                  pubsub: tsunagi, tsunagi-nats, nats, redis, erlang, events; of store: tsunagi, tsunagi-disk, tsunagi-nats, nats,
                  redis)
  --quick         two short rounds, in about two minutes
  --rounds N      rounds of every participant one after the other (5)
  --ms N          length of one measurement in ms (600)
  --markdown FILE write the report into FILE too, between its lines <!-- bench --> and <!-- /bench -->
  --report        measure nothing: print results/latest.json again
  --help
`

const works = ['send', 'call', 'codec', 'import', 'idle', 'process', 'monitors', 'mesh', 'cluster', 'pubsub', 'store']

/**
 * @param {string[]} args
 * @param {readonly string[]} participants all there are
 */
export function readOptions(args, participants) {
  const { values } = parseArgs({
    args,
    options: {
      only: { type: 'string', default: '' },
      quick: { type: 'boolean', default: false },
      rounds: { type: 'string' },
      ms: { type: 'string' },
      markdown: { type: 'string' },
      report: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  const only = values.only.split(',').filter((name) => name !== '')
  for (const name of only) {
    if (!works.includes(name) && !participants.includes(name)) throw new Error(`--only: there is no "${name}"`)
  }
  /** @param {readonly string[]} all */
  const chosen = (all) => {
    const named = all.filter((name) => only.includes(name))
    return named.length === 0 ? all : named
  }
  return {
    works: chosen(works),
    participants: chosen(participants),
    rounds: positive('rounds', values.rounds) ?? (values.quick ? 2 : 5),
    ms: positive('ms', values.ms) ?? (values.quick ? 250 : 600),
    /** What shaped the measurement, as it was typed. */
    told: [
      ...(values.quick ? ['--quick'] : []),
      ...Object.entries({ only: values.only, rounds: values.rounds, ms: values.ms }).flatMap(([name, value]) =>
        value ? [`--${name} ${value}`] : [],
      ),
    ],
    markdown: values.markdown,
    report: values.report,
    help: values.help,
  }
}

/** @param {string} name @param {string | undefined} value */
function positive(name, value) {
  if (value === undefined) return undefined
  const number = Number(value)
  if (!Number.isInteger(number) || number < 1) throw new Error(`--${name}: "${value}" is not a number from 1`)
  return number
}
