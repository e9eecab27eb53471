/**
 * `node bench/observe.mjs`: what a dashboard costs the node that has it, in a cluster of twenty: processor time of its whole
 * process, without a dashboard, with one that nobody looks at, and with five viewers. The other nodes, and the viewers,
 * are in a process of their own. Needs `npm run build` first.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as after } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { startNode } from '../dist/index.js'
import { openDashboard } from '../dist/observe/index.js'

const OTHERS = 19
const SECONDS = Number(process.argv[2] ?? 20)
const SECTIONS = process.argv[3]

if (process.argv[2] === 'crowd') await crowd(Number(process.argv[3]))
else await measure()

/** @param {number} port the EPMD's */
async function crowd(port) {
  const nodes = []
  for (let i = 0; i < OTHERS; i++) {
    nodes.push(
      await startNode({ name: `crowd${i}@127.0.0.1`, cookie: 'bench', epmd: { port }, connectTo: 'seen@127.0.0.1' }),
    )
  }
  await Promise.all(nodes.map((node) => node.ready({ nodes: OTHERS, timeout: 60_000 })))
  const [first, second] = nodes
  for (const node of [first, second]) node?.pubsub('bench').subscribe('ticks', { onMessage() {} })
  setInterval(() => first?.pubsub('bench').broadcast('ticks', Date.now()), 20)
  process.on('message', async ({ url, count }) => {
    for (let i = 0; i < count; i++) void view(url)
    process.send?.('viewing')
  })
  process.send?.('ready')
}

/** Reads a dashboard's stream until the process ends. @param {string} url */
async function view(url) {
  const response = await fetch(url)
  if (!response.ok || response.body === null) throw new Error(`${url}: ${response.status}`)
  for await (const _chunk of response.body);
}

async function measure() {
  const port = 20_000 + Math.floor(Math.random() * 20_000)
  const node = await startNode({ name: 'seen@127.0.0.1', cookie: 'bench', epmd: { port } })
  const others = fork(fileURLToPath(import.meta.url), ['crowd', String(port)])
  try {
    await once(others, 'message')
    await after(3000)
    const alone = await share()
    const dashboard = await openDashboard(node)
    await after(5000)
    const unwatched = await share()
    const what = SECTIONS === undefined ? '' : `?sections=${SECTIONS}`
    others.send({ url: `${dashboard.url}api/events${what}`, count: 5 })
    await once(others, 'message')
    await after(3000)
    const watched = await share()
    /** @type {(title: string, value: number) => void} */
    const row = (title, value) => console.log(`${title.padEnd(28)} ${value.toFixed(2)} % of one processor`)
    row('no dashboard', alone)
    row('dashboard, no viewer', unwatched)
    row('dashboard, five viewers', watched)
  } finally {
    others.kill()
    await node.close()
  }
}

/** Percent of one processor that this process takes. */
async function share() {
  const begun = performance.now()
  const before = process.cpuUsage()
  await after(SECONDS * 1000)
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 10 / (performance.now() - begun)
}
