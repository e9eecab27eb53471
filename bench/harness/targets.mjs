/**
 * The speeds Tsunagi sets itself: ratios within one run, so that they hold on any machine.
 *
 * @typedef {object} Target
 * @property {string} title
 * @property {[work: string, participant: string, metric: string]} ours
 * @property {[work: string, participant: string, metric: string]} theirs
 * @property {number} [atLeast] ours / theirs
 * @property {number} [atMost] ours / theirs
 */

const rate = 'messages/s'

/** @type {readonly Target[]} */
export const targets = [
  {
    title: 'small sends, Tsunagi → Tsunagi to Erlang → Erlang',
    ours: ['send tuple', 'tsunagi', rate],
    theirs: ['send tuple', 'erlang', rate],
    atLeast: 2.5,
  },
  {
    title: 'small sends, Tsunagi → Erlang to Erlang → Erlang',
    ours: ['send tuple', 'tsunagi-erlang', rate],
    theirs: ['send tuple', 'erlang', rate],
    atLeast: 1,
  },
  {
    title: 'small sends, Erlang → Tsunagi to Erlang → Erlang',
    ours: ['send tuple', 'erlang-tsunagi', rate],
    theirs: ['send tuple', 'erlang', rate],
    atLeast: 1,
  },
  {
    title: 'time of a call, Tsunagi ↔ Tsunagi to Erlang ↔ Erlang',
    ours: ['call', 'tsunagi', 'p50 ns'],
    theirs: ['call', 'erlang', 'p50 ns'],
    atMost: 0.4,
  },
  {
    title: 'the same with both ends on one processor',
    ours: ['call together', 'tsunagi', 'p50 ns'],
    theirs: ['call together', 'erlang', 'p50 ns'],
    atMost: 0.4,
  },
  {
    title: '64 callers, Tsunagi ↔ Tsunagi to Erlang ↔ Erlang',
    ours: ['crowd', 'tsunagi', 'calls/s'],
    theirs: ['crowd', 'erlang', 'calls/s'],
    atLeast: 2.5,
  },
  {
    title: '64 KiB binaries, Tsunagi → Tsunagi to raw node:net',
    ours: ['send 64KiB', 'tsunagi', rate],
    theirs: ['send 64KiB', 'raw', rate],
    atLeast: 0.8,
  },
  ...codecTargets('encode/s', 'encode'),
  ...codecTargets('decode/s', 'decode'),
]

/** @param {string} metric @param {string} title @returns {Target[]} */
function codecTargets(metric, title) {
  const against = [
    { name: 'json-buffer', called: 'JSON to and from Buffer', atLeast: 1 },
    { name: 'json', called: 'JSON to and from string', atLeast: 1 },
    { name: 'erlpack', called: 'erlpack', atLeast: 3 },
  ]
  return against.map(({ name, called, atLeast }) => ({
    title: `${title} of the five-key map to ${called}`,
    ours: ['codec', 'tsunagi', metric],
    theirs: ['codec', name, metric],
    atLeast,
  }))
}

/**
 * Those of the targets this run can tell something about.
 *
 * @param {import('./results.mjs').Results} results
 * @returns {{ title: string, ratio: number, bound: string, reached: boolean, ceiling: number | undefined }[]}
 *   `ceiling`, of times, is the ratio the raw socket has in our place: no program between two sockets does better
 */
export function judge(results) {
  return targets.flatMap(({ title, ours, theirs, atLeast, atMost }) => {
    const mine = results.median(...ours)
    const other = results.median(...theirs)
    if (mine === undefined || other === undefined) return []
    const ratio = mine / other
    const reached = (atLeast === undefined || ratio >= atLeast) && (atMost === undefined || ratio <= atMost)
    const [work, , metric] = ours
    const raw = atMost === undefined ? undefined : results.median(work, 'raw', metric)
    const ceiling = raw === undefined ? undefined : raw / other
    return [{ title, ratio, bound: atLeast === undefined ? `≤ ${atMost}` : `≥ ${atLeast}`, reached, ceiling }]
  })
}
