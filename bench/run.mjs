/** `npm run bench`: everybody in one run on one machine, round after round, and what came of it. */
import { existsSync } from 'node:fs'
import { loadavg } from 'node:os'
import { describeMachine, describeVersions } from './harness/machine.mjs'
import { help, readOptions } from './harness/options.mjs'
import { asMarkdown, asText, tables } from './harness/report.mjs'
import { Results } from './harness/results.mjs'
import { readRecord, writeMarkdown, writeRecord } from './harness/run-record.mjs'
import { onPath, Stage } from './harness/stage.mjs'
import { judge } from './harness/targets.mjs'
import { moleculer } from './participants/moleculer.mjs'
import { nats } from './participants/nats.mjs'
import { erlang, erlangTsunagi, secureNodes, tsunagi, tsunagiErlang } from './participants/nodes.mjs'
import { buses } from './participants/pubsub.mjs'
import { rawSocket } from './participants/raw-socket.mjs'
import { keepers } from './participants/store.mjs'
import { calls, crowd } from './work/call.mjs'
import { runCluster } from './work/cluster.mjs'
import { codecs, runCodec } from './work/codec.mjs'
import { canMeasureIdle, imports, runHelp, runIdle, runImport } from './work/cost.mjs'
import { runLargeMesh, runMesh } from './work/mesh.mjs'
import { runMonitors } from './work/monitors.mjs'
import { runPartition } from './work/partition.mjs'
import { runMessages, runProcesses } from './work/processes.mjs'
import { runPubSub } from './work/pubsub.mjs'
import { sends } from './work/send.mjs'
import { runStore } from './work/store.mjs'

const commandTimeout = 60_000
const participants = [rawSocket, tsunagi, tsunagiErlang, erlangTsunagi, erlang, ...secureNodes, nats, moleculer]
const options = readOptions(process.argv.slice(2), [
  ...new Set([...participants, ...buses, ...keepers].map(({ name }) => name)),
])
const results = new Results()
/** @type {Set<string>} */
const notes = new Set()

/** Writes and forgets: the line that says what is going on. @param {string} text */
function progress(text) {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`)
}

/**
 * One measurement that fails is a note in the report, and the run goes on.
 *
 * @template T
 * @param {string} what
 * @param {() => Promise<T>} measure
 * @returns {Promise<T | undefined>}
 */
async function attempt(what, measure) {
  try {
    return await measure()
  } catch (error) {
    notes.add(`${what}: ${error instanceof Error ? error.message : error}`)
    return undefined
  }
}

/** @param {{ title: string, needs: readonly string[] }} who */
function isHere({ title, needs }) {
  const missing = needs.filter((program) => !onPath(program))
  if (missing.length > 0) notes.add(`${title}: left out, ${missing.join(', ')} not found`)
  return missing.length === 0
}

/** @param {Stage} stage @param {string} round */
async function runPairs(stage, round) {
  const works = [...sends, ...calls, crowd].filter(({ group }) => options.works.includes(group))
  if (works.length === 0) return
  for (const participant of present) {
    const pair = await attempt(participant.title, () => participant.open(stage))
    if (pair === undefined) continue
    for (const work of works) {
      progress(`${round}: ${participant.title}, ${work.title}`)
      const values = await attempt(`${participant.title}, ${work.title}`, () => work.run(pair, options.ms))
      // A pair that failed may be in any state; the next round starts a new one.
      if (values === undefined) break
      results.add(work.name, participant.name, values)
    }
    await Promise.all([pair.sender.close(), pair.receiver.close()])
  }
}

/** @param {Stage} stage @param {string} round */
async function runSolos(stage, round) {
  for (const { name, title } of options.works.includes('codec') ? codecs.filter(isHere) : []) {
    progress(`${round}: codec, ${title}`)
    const values = await attempt(`codec, ${title}`, () => runCodec(stage, name, options.ms))
    if (values !== undefined) results.add('codec', name, values)
  }
  for (const { name, title, module } of options.works.includes('import') ? imports : []) {
    progress(`${round}: import, ${title}`)
    const values = await attempt(`import, ${title}`, () => runImport(stage, module))
    if (values !== undefined) results.add('import', name, values)
  }
  if (options.works.includes('import')) {
    progress(`${round}: tsunagi --help`)
    const values = await attempt('tsunagi --help', async () => runHelp())
    if (values !== undefined) results.add('help', 'tsunagi', values)
  }
}

/** @param {Stage} stage @param {string} round */
async function runBuses(stage, round) {
  for (const bus of presentBuses) {
    progress(`${round}: pub/sub, ${bus.title}`)
    for (const { name, values } of (await attempt(`pub/sub, ${bus.title}`, () => runPubSub(stage, bus, options.ms))) ??
      []) {
      results.add(name, bus.name, values)
    }
  }
}

/** @param {Stage} stage @param {string} round @param {boolean} last */
async function runKeepers(stage, round, last) {
  for (const keeper of presentKeepers) {
    progress(`${round}: store, ${keeper.title}`)
    const measured = await attempt(`store, ${keeper.title}`, () => runStore(stage, keeper, options.ms, last))
    for (const { name, values } of measured ?? []) results.add(name, keeper.name, values)
  }
}

/** @param {Stage} stage @param {string} round @param {boolean} last */
async function runLocals(stage, round, last) {
  if (options.works.includes('process')) {
    progress(`${round}: processes`)
    for (const { name, values } of (await attempt('processes', () => runProcesses(stage))) ?? []) {
      results.add('process', name, values)
    }
    progress(`${round}: local messages`)
    const values = await attempt('local messages', () => runMessages(stage, options.ms))
    if (values !== undefined) results.add('messages', 'process', values)
  }
  if (options.works.includes('monitors')) {
    progress(`${round}: monitors`)
    const values = await attempt('monitors', () => runMonitors(stage))
    if (values !== undefined) results.add('many', 'monitors', values)
  }
  if (options.works.includes('mesh')) {
    progress(`${round}: mesh`)
    // Idling is measured once, for as long as it takes until all links have ticked.
    const values = await attempt('mesh', () => runMesh(stage, last ? options.ms * 50 : 0))
    if (values !== undefined) results.add('many', 'mesh', values)
    const large = await attempt('large mesh', () => runLargeMesh(stage))
    if (large !== undefined) results.add('many', 'large mesh', large)
  }
  if (options.works.includes('cluster')) {
    progress(`${round}: cluster`)
    for (const { name, values } of (await attempt('cluster', () => runCluster(stage))) ?? []) {
      results.add('many', name, values)
    }
    const values = await attempt('partition', () => runPartition(stage))
    if (values !== undefined) results.add('many', 'partition', values)
  }
}

/** @param {Stage} stage */
async function runIdlers(stage) {
  if (!options.works.includes('idle') || !canMeasureIdle) return
  progress('idle')
  const opened = []
  for (const participant of present) {
    const pair = await attempt(participant.title, () => participant.open(stage))
    if (pair !== undefined) opened.push({ name: participant.name, pair })
  }
  for (const { name, values } of await runIdle(opened, Math.max(2_000, options.ms * 10))) {
    results.add('idle', name, values)
  }
  await Promise.all(opened.flatMap(({ pair }) => [pair.sender.close(), pair.receiver.close()]))
}

async function measure() {
  const [load = 0] = loadavg()
  if (load > 0.5) notes.add(`the machine had other work when the run began (load average ${load.toFixed(1)})`)
  const stage = new Stage(commandTimeout)
  try {
    for (let round = 1; round <= options.rounds; round++) {
      await runPairs(stage, `${round}/${options.rounds}`)
      await runSolos(stage, `${round}/${options.rounds}`)
      await runBuses(stage, `${round}/${options.rounds}`)
      await runKeepers(stage, `${round}/${options.rounds}`, round === options.rounds)
      await runLocals(stage, `${round}/${options.rounds}`, round === options.rounds)
    }
    await runIdlers(stage)
  } finally {
    progress('')
    await stage.close()
  }
  return {
    date: new Date().toISOString().slice(0, 10),
    command: ['npm run bench', ...(options.told.length > 0 ? ['--'] : []), ...options.told].join(' '),
    rounds: options.rounds,
    ms: options.ms,
    machine: describeMachine(),
    versions: describeVersions(),
    notes: [...notes],
    results: results.rows(),
    targets: judge(results),
  }
}

/** @param {import('./harness/run-record.mjs').RunRecord} record */
function report(record) {
  const all = tables(new Results(record.results), participants)
  console.log(asText(all))
  for (const note of record.notes) console.log(`note: ${note}`)
  if (options.markdown !== undefined) writeMarkdown(options.markdown, asMarkdown(all, record))
}

// Ends the children too: each lives only as long as its standard input, and `exit` ends the servers.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(1))

const wanted = [...options.works, ...options.participants]
if (
  wanted.some((name) => /codec|import|tsunagi|process|monitors|mesh|cluster|pubsub|store/.test(name)) &&
  !existsSync(new URL('../dist/index.js', import.meta.url))
) {
  throw new Error('there is no dist/: run `npm run build` in the root first')
}

const present =
  options.help || options.report
    ? []
    : participants.filter(({ name }) => options.participants.includes(name)).filter(isHere)
const presentBuses =
  options.help || options.report || !options.works.includes('pubsub')
    ? []
    : buses.filter(({ name }) => options.participants.includes(name)).filter(isHere)
const presentKeepers =
  options.help || options.report || !options.works.includes('store')
    ? []
    : keepers.filter(({ name }) => options.participants.includes(name)).filter(isHere)
if (options.help) console.log(help)
else if (options.report) report(readRecord())
else {
  const record = await measure()
  writeRecord(record)
  report(record)
}
