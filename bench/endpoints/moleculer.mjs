/** Moleculer over its TCP transporter with fixed addresses: JSON, its default, with base64 for bytes. */
import moleculer from 'moleculer'
import { callers } from '../harness/callers.mjs'
import { obey } from '../harness/obey.mjs'
import { Tally } from '../harness/tally.mjs'
import { noise, payloadOf, reading } from '../payloads.mjs'

const tally = new Tally()
/** @type {import('moleculer').ServiceBroker} */
let broker

/** @param {string} nodeID @param {string[]} urls */
function create(nodeID, urls) {
  return new moleculer.ServiceBroker({
    nodeID,
    logger: false,
    transporter: {
      type: 'TCP',
      options: { udpDiscovery: false, urls, gossipPeriod: 1, maxPacketSize: 16 * 1024 * 1024 },
    },
  })
}

/** @param {string} payload */
function writer(payload) {
  const map = reading()
  if (payload === 'tuple') return () => ['temperature', 42, 'hello']
  if (payload === 'map') return () => map
  const bytes = Buffer.from(noise(payloadOf(payload).bytes))
  return () => ({ data: bytes.toString('base64') })
}

/** @param {string} payload @param {number} count */
async function flood(payload, count) {
  const write = writer(payload)
  const turn = Math.max(2, Math.ceil(65_536 / payloadOf(payload).bytes))
  let written = Promise.resolve()
  /** @type {PromiseLike<unknown>[]} */
  let batch = []
  for (let left = count; left > 0; left--) {
    batch.push(broker.emit(`bench.${payload}`, write()))
    if (batch.length < turn && left > 1) continue
    // It has no back-pressure of its own: one batch may be on its way while the next is written.
    await written
    written = Promise.all(batch).then(() => {})
    batch = []
  }
  await written
}

await obey({
  async listen(port, peerPort) {
    broker = create('receiver', [`127.0.0.1:${port}/receiver`, `127.0.0.1:${peerPort}/sender`])
    broker.createService({
      name: 'bench',
      actions: { echo: () => 'pong' },
      events: {
        'bench.tuple': (/** @type {import('moleculer').Context<any>} */ context) => tally.take(context.params[1]),
        'bench.map': (/** @type {import('moleculer').Context<any>} */ context) => tally.take(context.params.id),
        'bench.*iB': (/** @type {import('moleculer').Context<any>} */ context) =>
          tally.take(Buffer.from(context.params.data, 'base64').length),
      },
    })
    await broker.start()
    return { address: `${peerPort} ${port}` }
  },
  async connect(port, peerPort) {
    broker = create('sender', [`127.0.0.1:${port}/sender`, `127.0.0.1:${peerPort}/receiver`])
    await broker.start()
    await broker.waitForServices('bench', 20_000, 50)
  },
  arm: (_payload, count) => tally.arm(Number(count)),
  collect: () => tally.collect(),
  flood: (payload, count) => flood(payload, Number(count)),
  ...callers(() => broker.call('bench.echo', 'ping')),
})
