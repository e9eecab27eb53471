import { buses } from '../participants/pubsub.mjs'
import { keepers } from '../participants/store.mjs'
import { clusterSize } from '../work/cluster.mjs'
import { codecs } from '../work/codec.mjs'
import { imports } from '../work/cost.mjs'
import { largeMeshSize, meshSize } from '../work/mesh.mjs'
import { monitorCount } from '../work/monitors.mjs'
import { sideSize } from '../work/partition.mjs'
import { kinds, processCount } from '../work/processes.mjs'
import { fanNodes, fanSubscribers, localSubscribers, pacedRates } from '../work/pubsub.mjs'
import { joinerKeys } from '../work/store.mjs'
import { judge } from './targets.mjs'
import {
  bytes,
  bytesPerSecond,
  count,
  megabytes,
  microseconds,
  milliseconds,
  nanoseconds,
  percent,
  perSecond,
} from './units.mjs'

/** @typedef {import('./results.mjs').Results} Results */

/**
 * @typedef {object} Table
 * @property {string} title
 * @property {string[]} head
 * @property {string[][]} rows first cell a title, the others numbers
 */

/** @typedef {[title: string, work: string, metric: string, write: import('./units.mjs').Unit]} Column */

/** @type {Column[]} */
const columns = [
  ['small tuple', 'send tuple', 'messages/s', perSecond],
  ['five-key map', 'send map', 'messages/s', perSecond],
  ['1 KiB', 'send 1KiB', 'messages/s', perSecond],
  ['64 KiB', 'send 64KiB', 'bytes/s', bytesPerSecond],
  ['1 MiB', 'send 1MiB', 'bytes/s', bytesPerSecond],
  ['call p50', 'call', 'p50 ns', microseconds],
  ['p99', 'call', 'p99 ns', microseconds],
  ['together p50', 'call together', 'p50 ns', microseconds],
  ['p99', 'call together', 'p99 ns', microseconds],
  ['64 callers', 'crowd', 'calls/s', perSecond],
]

/** @type {Column[]} */
const codecColumns = [
  ['encode', 'codec', 'encode/s', perSecond],
  ['decode', 'codec', 'decode/s', perSecond],
  ['size', 'codec', 'bytes', bytes],
]

/** @type {Column[]} */
const costColumns = [
  ['import', 'import', 'ms', milliseconds],
  ['command: `--help`', 'help', 'ms', milliseconds],
  ['memory, idle and connected', 'idle', 'resident bytes', megabytes],
  ['processor, idle', 'idle', 'processor %', percent],
]

/** @type {Column[]} */
const processColumns = [
  ['memory', 'process', 'bytes', bytes],
  ['above the iterator', 'process', 'surplus bytes', bytes],
  ['starts', 'process', 'starts/s', perSecond],
  ['messages, in batches', 'messages', 'batched/s', perSecond],
  ['messages, one at a time', 'messages', 'single/s', perSecond],
]

/** @type {Column[]} */
const busColumns = [
  ['1 → 1', 'pubsub one', 'messages/s', perSecond],
  ...pacedRates.flatMap(
    /** @returns {Column[]} */
    (rate) => [
      [`p50 at ${rate.toLocaleString('en')}/s`, 'pubsub one', `p50 ns at ${rate}/s`, microseconds],
      ['p99', 'pubsub one', `p99 ns at ${rate}/s`, microseconds],
    ],
  ),
  [`1 → ${fanNodes} nodes × ${fanSubscribers}`, 'pubsub fan', 'deliveries/s', perSecond],
  [`1 → ${localSubscribers.toLocaleString('en')} of its own`, 'pubsub local', 'deliveries/s', perSecond],
]

/** @type {Column[]} */
const storeColumns = [
  ['peek', 'store read', 'peek/s', perSecond],
  ['get', 'store read', 'get/s', perSecond],
  ['put, 1,000 at once', 'store put', 'puts/s', perSecond],
  ['put p50, alone', 'store put', 'put p50 ns', microseconds],
  ['get, computed p50', 'store compute', 'p50 ns', microseconds],
  ['function, `local`', 'store functions', 'local ns', nanoseconds],
  ['`run`', 'store functions', 'run ns', nanoseconds],
  [`${joinerKeys.toLocaleString('en')} keys to a joiner`, 'store join', 'ms', milliseconds],
  ['put p99 meanwhile', 'store join', 'p99 ns', microseconds],
  ['longest stall', 'store join', 'stall ns', microseconds],
]

const manyRows = [
  { name: 'monitors', title: `${monitorCount.toLocaleString('en')} monitors fire when their link is cut` },
  { name: 'mesh', title: `${meshSize} nodes in one process become a mesh` },
  { name: 'large mesh', title: `${largeMeshSize} nodes in one process become a mesh` },
  { name: 'cluster', title: `${clusterSize} processes find each other by \`localEpmd\`, from the last start` },
  { name: 'restart', title: 'one of them was killed: all links are back, from its restart' },
  {
    name: 'partition',
    title: `${sideSize} + ${sideSize} processes in two networks that were parted: all links are back, from their being joined`,
  },
]

/** @type {Column[]} */
const manyColumns = [
  ['time', 'many', 'ms', milliseconds],
  ['dials', 'many', 'dials', count],
  ['processor, idle afterwards', 'many', 'processor %', percent],
]

/**
 * @param {Results} results
 * @param {readonly { name: string, title: string }[]} participants
 * @returns {Table[]}
 */
export function tables(results, participants) {
  const verdicts = judge(results)
  return [
    table('Messages and calls', results, participants, columns),
    table('Codec, five-key map', results, codecs, codecColumns),
    table('Cost', results, withImports(participants), costColumns),
    table(`Processes, ${processCount.toLocaleString('en')} of a kind`, results, kinds, processColumns),
    table('Publish and subscribe', results, buses, busColumns),
    table('Shared values', results, keepers, storeColumns),
    table('Many', results, manyRows, manyColumns),
    {
      title: 'Targets',
      head: ['', 'measured', 'target', '', 'raw node:net'],
      rows: verdicts.map(({ title, measured, bound, reached, ceiling }) => [
        title,
        measured,
        bound,
        reached ? 'reached' : 'not reached',
        ceiling ?? '',
      ]),
    },
  ].filter(({ rows }) => rows.length > 0)
}

/** @param {readonly { name: string, title: string }[]} participants */
function withImports(participants) {
  return participants.concat(imports.filter(({ name }) => !participants.some((known) => known.name === name)))
}

/**
 * @param {string} title
 * @param {Results} results
 * @param {readonly { name: string, title: string }[]} rows
 * @param {readonly Column[]} all
 * @returns {Table}
 */
function table(title, results, rows, all) {
  const used = all.filter(([, work, metric]) =>
    rows.some(({ name }) => results.median(work, name, metric) !== undefined),
  )
  return {
    title,
    head: ['', ...used.map(([head]) => head)],
    rows: rows
      .map((row) => [
        row.title,
        ...used.map(([, work, metric, write]) => {
          const value = results.median(work, row.name, metric)
          return value === undefined ? '–' : write(value)
        }),
      ])
      .filter((cells) => cells.slice(1).some((cell) => cell !== '–')),
  }
}

/** @param {readonly Table[]} all */
export function asText(all) {
  return all
    .map(({ title, head, rows }) => {
      const widths = head.map((_, column) => Math.max(...[head, ...rows].map((cells) => (cells[column] ?? '').length)))
      const lines = [head, ...rows].map((cells) =>
        cells
          .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
          .join('  ')
          .trimEnd(),
      )
      return `${title}\n${lines.join('\n')}\n`
    })
    .join('\n')
}

/**
 * @param {readonly Table[]} all
 * @param {import('./run-record.mjs').RunRecord} record
 */
export function asMarkdown(all, record) {
  const { machine, versions } = record
  const about = [
    `Measured on ${record.date} with \`${record.command}\`: medians of ${record.rounds} interleaved rounds, ${record.ms} ms each.`,
    `Machine: ${machine.processor}, ${machine.cores} cores, ${machine.memoryGiB} GiB, ${machine.system}.`,
    `Versions: ${Object.entries(versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(', ')}.`,
    ...record.notes.map((note) => `Note: ${note.split('\n', 1)[0]}.`),
  ]
  const parts = all.map(({ title, head, rows }) =>
    [
      `### ${title}`,
      '',
      line(head),
      line(head.map((_, column) => (column === 0 ? '---' : '--:'))),
      ...rows.map(line),
    ].join('\n'),
  )
  return [about.join('\n\n'), ...parts].join('\n\n')
}

/** @param {readonly string[]} cells */
function line(cells) {
  return `| ${cells.join(' | ')} |`
}
