/** A Tsunagi node, imported from the build as the package would be. */
import { atom, GenServer, silentLogger, startNode, tuple } from '../../dist/index.js'
import { callers } from '../harness/callers.mjs'
import { obey } from '../harness/obey.mjs'
import { Tally } from '../harness/tally.mjs'
import { noise, payloadOf, reading } from '../payloads.mjs'

const tally = new Tally()
/** @type {import('../../dist/index.js').LocalNode} */
let node
/** The peer's name. */
let peer = ''
/** @type {{ name: string, node: string }} */
let echo
/** Resolves when all monitors have fired. @type {Promise<unknown>} */
let allFired

class Echo extends GenServer {
  /** @override */
  handleCall() {
    return atom('pong')
  }
}

/** @param {string} payload */
function term(payload) {
  if (payload === 'tuple') return tuple(atom('temperature'), 42, 'hello')
  if (payload === 'map') return reading()
  return noise(payloadOf(payload).bytes)
}

/** @param {any} message */
function check(message) {
  if (message instanceof Uint8Array) return message.length
  return message.id ?? message[1]
}

/** @param {string} payload @param {number} count */
async function flood(payload, count) {
  const to = { name: 'bench_sink', node: peer }
  const message = term(payload)
  for (let left = count; left > 0; left--) {
    if (!node.send(to, message)) await node.drained(peer)
  }
}

/** Has one process monitor the peer's `bench_sink` that many times. @param {number} count */
function monitor(count) {
  return new Promise((resolve) => {
    allFired = new Promise((done) => {
      node.spawn(async (self) => {
        for (let left = count; left > 0; left--) self.monitor({ name: 'bench_sink', node: peer })
        resolve(undefined)
        for (let left = count; left > 0; left--) await self.receive()
        done(undefined)
      })
    })
  })
}

await obey({
  async listen(name, cookie, epmdPort, certificates) {
    const tls = certificates && {
      tls: {
        certFile: `${certificates}/node.crt`,
        keyFile: `${certificates}/node.key`,
        caFile: `${certificates}/ca.crt`,
      },
    }
    const logger = silentLogger
    node = await startNode({ name, cookie, epmd: { port: Number(epmdPort) }, ...(tls ? { ...tls, logger } : {}) })
    node.spawn(
      async (self) => {
        for await (const message of self) tally.take(check(message))
      },
      { name: 'bench_sink' },
    )
    await node.start(() => new Echo(), { name: 'bench_echo' })
    return { address: name }
  },
  async connect(name) {
    peer = name
    echo = { name: 'bench_echo', node: name }
    await node.connect(name)
  },
  arm: (_payload, count) => tally.arm(Number(count)),
  collect: () => tally.collect(),
  flood: (payload, count) => flood(payload, Number(count)),
  async monitor(count) {
    await monitor(Number(count))
    // Signals arrive in order: once this is answered, the peer has all monitors.
    await node.call(echo, atom('ping'), { timeout: 20_000 })
  },
  async cut() {
    const begin = performance.now()
    await node.disconnect(peer)
    await allFired
    return { ms: performance.now() - begin }
  },
  ...callers(() => node.call(echo, atom('ping'))),
})
