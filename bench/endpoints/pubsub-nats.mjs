/** nats.js: JSON for terms, a subscription with a callback for each subscriber, no echo. */
import { connect } from '@nats-io/transport-node'
import { broadcaster } from '../harness/broadcaster.mjs'

/** Messages after which a loop has to let what it wrote leave. */
const turn = 2048
/** Messages after which the server is asked whether it has read what was sent before. */
const window = turn * 16

/** @type {import('@nats-io/transport-node').NatsConnection} */
let nats
let sent = 0
let flushed = Promise.resolve()

await broadcaster({
  async open(port) {
    nats = await connect({ servers: `127.0.0.1:${port}`, noEcho: true })
    return port
  },
  ready: () => nats.flush(),
  subscribe: (take) =>
    nats.subscribe('sensors', {
      callback: (_error, message) => {
        const [, value, stamp] = message.json()
        take(value, stamp)
      },
    }),
  publish(value, stamp) {
    nats.publish('sensors', JSON.stringify(['temperature', value, stamp]))
    return ++sent % turn !== 0
  },
  async room() {
    await new Promise(setImmediate)
    if (sent % window !== 0) return
    await flushed
    flushed = nats.flush()
  },
})
