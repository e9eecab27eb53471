/** Publish and subscribe of a Tsunagi node: over its links, or over NATS where it gets the port of a server. */
import { atom, startNode, tuple } from '../../dist/index.js'
import { nats } from '../../dist/pubsub/nats/index.js'
import { broadcaster } from '../harness/broadcaster.mjs'

const kind = atom('temperature')
/** @type {import('../../dist/index.js').TsunagiNode} */
let node
/** @type {import('../../dist/pubsub/index.js').PubSub} */
let pubsub
let onNats = false

await broadcaster({
  async open(name, cookie, epmdPort, natsPort) {
    onNats = natsPort !== undefined
    node = await startNode({ name, cookie, epmd: { port: Number(epmdPort) } })
    pubsub = node.pubsub('Bench.PubSub', onNats ? { engine: nats({ servers: `127.0.0.1:${natsPort}` }) } : {})
    return name
  },
  async join(name) {
    if (!onNats) await node.connect(name)
  },
  ready: (peers) => pubsub.ready({ nodes: peers, timeout: 20_000 }),
  subscribe: (take) =>
    pubsub.subscribe('sensors', { onMessage: (/** @type {any} */ message) => take(message[1], message[2]) }),
  publish: (value, stamp) => pubsub.broadcast('sensors', tuple(kind, value, stamp)),
  room: () => pubsub.drained(),
})
