/** A store of a Tsunagi node: on the mesh, with a disk or without, or on NATS where it gets the port of a server. */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { startNode } from '../../dist/index.js'
import { nats } from '../../dist/store/nats/index.js'
import { fill, keyOf, keysInTable, rateOf, spread, writes } from '../harness/keys.mjs'
import { obey } from '../harness/obey.mjs'

/** @type {import('../../dist/index.js').TsunagiNode} */
let node
/** @type {import('../../dist/store/index.js').Store} */
let store
/** @type {{ times: number[], stop: () => Promise<void> } | undefined} */
let writer
let stall = 0
const wait = { timeout: 60_000 }
/** @param {number} a @param {number} b */
const add = (a, b) => a + b

await obey({
  async start(name, cookie, epmdPort) {
    node = await startNode({ name, cookie, epmd: { port: Number(epmdPort) } })
    return { address: name }
  },
  async join(name) {
    await node.connect(name)
  },
  /** `-` stands for none. */
  async open(members, directory, natsPort, nodes) {
    const names = members === '-' ? undefined : members.split(',')
    store = node.store({
      ...(natsPort === '-' ? {} : { engine: nats({ servers: `127.0.0.1:${natsPort}`, storage: 'memory' }) }),
      ...(names === undefined ? {} : { members: names, functions: { from: names } }),
      ...(directory === '-' ? {} : { directory }),
    })
    await store.ready({ ...wait, ...(natsPort === '-' ? { nodes: Number(nodes) } : {}) })
    return { loader: store.status.loader ?? '' }
  },
  /** Reads of keys that are there. */
  async read(ms) {
    await fill(keysInTable, (key, value) => store.put(key, value, wait))
    const peek = rateOf(Number(ms), (i) => store.peek(keyOf(i)))
    const got = await spread(Number(ms), 1024, (i) => store.get(keyOf(i)))
    return { 'peek/s': peek, 'get/s': got }
  },
  async put(ms) {
    return writes(Number(ms), (key, value) => store.put(key, value, wait))
  },
  /** Values that nobody has yet, one after the other. */
  async compute(ms) {
    const end = performance.now() + Number(ms)
    /** @type {number[]} */
    const times = []
    for (let i = 0; performance.now() < end; i++) {
      const begin = performance.now()
      await store.get(`computed ${i}`, () => i, wait)
      times.push(performance.now() - begin)
    }
    times.sort((a, b) => a - b)
    return { 'p50 ns': (times[times.length >> 1] ?? 0) * 1e6 }
  },
  async functions(ms) {
    await store.define('add', add)
    const local = store.functions.local('add')
    if (local === undefined) throw new Error('the function is not there')
    const direct = rateOf(Number(ms), (i) => local(i, 1))
    const run = await spread(Number(ms), 1, (i) => store.run('add', [i, 1]))
    return { 'local ns': 1e9 / direct, 'run ns': 1e9 / run }
  },
  async fill(count) {
    await fill(Number(count), (key, value) => store.put(key, value, wait))
    return { size: store.status.size }
  },
  /** Writes one key after the other until it is told to stop, and notes how long each took. */
  disturb() {
    const delay = monitorEventLoopDelay({ resolution: 5 })
    delay.enable()
    /** @type {number[]} */
    const times = []
    let stopped = false
    const ended = (async () => {
      for (let i = 0; !stopped; i++) {
        const begin = performance.now()
        await store.put(`disturbed ${i % 100}`, i, wait)
        times.push(performance.now() - begin)
        await new Promise((resolve) => setTimeout(resolve, 1))
      }
    })()
    writer = {
      times,
      async stop() {
        stopped = true
        await ended
        delay.disable()
        times.push(0)
        stall = delay.max
      },
    }
  },
  async calm() {
    await writer?.stop()
    const times = (writer?.times ?? []).sort((a, b) => a - b)
    return { 'p99 ns': (times[Math.floor(times.length * 0.99)] ?? 0) * 1e6, 'stall ns': stall }
  },
  size: () => ({ size: store.status.size }),
})
