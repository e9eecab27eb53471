import { bytes, count, milliseconds, nanoseconds, percent, perSecond, ratio } from './units.mjs'

/**
 * The speeds Tsunagi sets itself: where there is somebody to be compared with, as a ratio within one run, so that it
 * holds on any machine.
 *
 * @typedef {object} Target
 * @property {string} title
 * @property {[work: string, participant: string, metric: string]} ours
 * @property {[work: string, participant: string, metric: string]} [theirs]
 * @property {number} [atLeast] ours / theirs, or ours where there is no theirs
 * @property {number} [atMost] the same
 * @property {import('./units.mjs').Unit} [unit] of ours where there is no theirs
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
  {
    title: 'small sends over TLS, Tsunagi → Tsunagi to Erlang → Erlang',
    ours: ['send tuple', 'tsunagi-tls', rate],
    theirs: ['send tuple', 'erlang-tls', rate],
    atLeast: 1.5,
  },
  {
    title: '64 KiB binaries over TLS, Tsunagi → Tsunagi to Erlang → Erlang',
    ours: ['send 64KiB', 'tsunagi-tls', rate],
    theirs: ['send 64KiB', 'erlang-tls', rate],
    atLeast: 1.5,
  },
  {
    title: 'time of a call over TLS, Tsunagi ↔ Tsunagi to Erlang ↔ Erlang',
    ours: ['call', 'tsunagi-tls', 'p50 ns'],
    theirs: ['call', 'erlang-tls', 'p50 ns'],
    atMost: 0.6,
  },
  ...codecTargets('encode/s', 'encode'),
  ...codecTargets('decode/s', 'decode'),
  {
    title: 'memory of an idle process above a bare async iterator',
    ours: ['process', 'process', 'surplus bytes'],
    atMost: 512,
    unit: bytes,
  },
  {
    title: 'memory of an idle GenServer, in all',
    ours: ['process', 'server', 'bytes'],
    atMost: 1024,
    unit: bytes,
  },
  {
    title: 'starts of processes to starts of bare async iterators',
    ours: ['process', 'process', 'starts/s'],
    theirs: ['process', 'bare', 'starts/s'],
    atLeast: 0.6,
  },
  {
    title: 'messages between local processes, in batches',
    ours: ['messages', 'process', 'batched/s'],
    atLeast: 3e6,
    unit: perSecond,
  },
  {
    title: 'messages between local processes, one at a time',
    ours: ['messages', 'process', 'single/s'],
    atLeast: 3e6,
    unit: perSecond,
  },
  {
    title: 'broadcasts 1 → 1, mesh to nats.js',
    ours: ['pubsub one', 'tsunagi', rate],
    theirs: ['pubsub one', 'nats', rate],
    atLeast: 2,
  },
  {
    title: 'broadcasts 1 → 1, mesh to ioredis',
    ours: ['pubsub one', 'tsunagi', rate],
    theirs: ['pubsub one', 'redis', rate],
    atLeast: 5,
  },
  {
    title: 'broadcasts to 1,000 subscribers of the same process',
    ours: ['pubsub local', 'tsunagi', 'deliveries/s'],
    atLeast: 5e6,
    unit: perSecond,
  },
  { title: 'peek', ours: ['store read', 'tsunagi', 'peek/s'], atLeast: 10e6, unit: perSecond },
  { title: 'get of a key that is there', ours: ['store read', 'tsunagi', 'get/s'], atLeast: 2e6, unit: perSecond },
  {
    title: 'puts at `majority` of three members',
    ours: ['store put', 'tsunagi', 'puts/s'],
    atLeast: 50e3,
    unit: perSecond,
  },
  {
    title: '1,000,000 small keys to a joiner',
    ours: ['store join', 'tsunagi', 'ms'],
    atMost: 15_000,
    unit: milliseconds,
  },
  {
    title: 'call of a distributed function by `run`, in all',
    ours: ['store functions', 'tsunagi', 'run ns'],
    atMost: 1_000,
    unit: nanoseconds,
  },
  {
    title: '100,000 monitors fire when their link is cut',
    ours: ['many', 'monitors', 'ms'],
    atMost: 1_000,
    unit: milliseconds,
  },
  { title: '50 nodes become a mesh', ours: ['many', 'mesh', 'ms'], atMost: 5_000, unit: milliseconds },
  { title: '100 nodes become a mesh', ours: ['many', 'large mesh', 'ms'], atMost: 15_000, unit: milliseconds },
  { title: 'their dials', ours: ['many', 'large mesh', 'dials'], atMost: 20_000, unit: count },
  {
    title: '10 processes by localEpmd, from the last start',
    ours: ['many', 'cluster', 'ms'],
    atMost: 1_000,
    unit: milliseconds,
  },
  {
    title: 'their links after a kill and a restart',
    ours: ['many', 'restart', 'ms'],
    atMost: 6_000,
    unit: milliseconds,
  },
  {
    title: '5 + 5 processes after a partition',
    ours: ['many', 'partition', 'ms'],
    atMost: 10_000,
    unit: milliseconds,
  },
  { title: "`import 'tsunagi'`", ours: ['import', 'tsunagi', 'ms'], atMost: 60, unit: milliseconds },
  { title: '`tsunagi --help`', ours: ['help', 'tsunagi', 'ms'], atMost: 150, unit: milliseconds },
  { title: 'processor time of the 50 afterwards', ours: ['many', 'mesh', 'processor %'], atMost: 2, unit: percent },
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
 * @returns {{ title: string, measured: string, bound: string, reached: boolean, ceiling: string | undefined }[]}
 *   `ceiling`, of times, is the ratio the raw socket has in our place: no program between two sockets does better
 */
export function judge(results) {
  return targets.flatMap(({ title, ours, theirs, atLeast = 0, atMost = Number.POSITIVE_INFINITY, unit = ratio }) => {
    const mine = results.median(...ours)
    const other = theirs === undefined ? 1 : results.median(...theirs)
    if (mine === undefined || other === undefined) return []
    const value = mine / other
    const timed = theirs !== undefined && atMost !== Number.POSITIVE_INFINITY
    const raw = timed ? results.median(ours[0], 'raw', ours[2]) : undefined
    return [
      {
        title,
        measured: unit(value),
        bound: atLeast > 0 ? `≥ ${short(atLeast, unit)}` : `≤ ${short(atMost, unit)}`,
        reached: value >= atLeast && value <= atMost,
        ceiling: raw === undefined ? undefined : unit(raw / other),
      },
    ]
  })
}

/** A bound has no decimals to lose. @param {number} bound @param {import('./units.mjs').Unit} unit */
function short(bound, unit) {
  return unit === ratio ? String(bound) : unit(bound).replace(/\.0+(?= )/, '')
}
