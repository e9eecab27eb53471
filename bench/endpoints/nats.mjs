/** nats.js through a nats-server: JSON for terms, bytes as they are, the callback form of subscriptions. */
import { connect } from '@nats-io/transport-node'
import { callers } from '../harness/callers.mjs'
import { obey } from '../harness/obey.mjs'
import { Tally } from '../harness/tally.mjs'
import { noise, payloadOf, reading } from '../payloads.mjs'

const tally = new Tally()
/** @type {import('@nats-io/transport-node').NatsConnection} */
let nats

/** @param {string} payload @returns {() => string | Uint8Array} */
function writer(payload) {
  const map = reading()
  if (payload === 'tuple') return () => JSON.stringify(['temperature', 42, 'hello'])
  if (payload === 'map') return () => JSON.stringify(map)
  const bytes = noise(payloadOf(payload).bytes)
  return () => bytes
}

/** @param {string} payload @param {number} count */
async function flood(payload, count) {
  const write = writer(payload)
  const turn = Math.ceil(65_536 / payloadOf(payload).bytes)
  const window = turn * 16
  let flushed = Promise.resolve()
  for (let sent = 1; sent <= count; sent++) {
    nats.publish(`bench.${payload}`, write())
    // A loop that never yields would write nothing until its end; the server's pong, a window late, bounds what waits.
    if (sent % turn === 0) await new Promise(setImmediate)
    if (sent % window === 0) {
      await flushed
      flushed = nats.flush()
    }
  }
  await nats.flush()
}

await obey({
  async listen(port) {
    nats = await connect({ servers: `127.0.0.1:${port}` })
    nats.subscribe('bench.tuple', { callback: (_error, message) => tally.take(message.json()[1]) })
    nats.subscribe('bench.map', { callback: (_error, message) => tally.take(message.json().id) })
    for (const name of ['1KiB', '64KiB', '1MiB']) {
      nats.subscribe(`bench.${name}`, { callback: (_error, message) => tally.take(message.data.length) })
    }
    nats.subscribe('bench.echo', { callback: (_error, message) => void message.respond('pong') })
    await nats.flush()
    return { address: port }
  },
  async connect(port) {
    nats = await connect({ servers: `127.0.0.1:${port}` })
  },
  arm: (_payload, count) => tally.arm(Number(count)),
  collect: () => tally.collect(),
  flood: (payload, count) => flood(payload, Number(count)),
  ...callers(() => nats.request('bench.echo', 'ping', { timeout: 10_000 })),
})
