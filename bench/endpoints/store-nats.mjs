/** JetStream KV by nats.js, in memory with one replica: JSON for terms. */
import { Kvm } from '@nats-io/kv'
import { connect } from '@nats-io/transport-node'
import { fill, keyOf, keysInTable, spread, writes } from '../harness/keys.mjs'
import { obey } from '../harness/obey.mjs'

/** @type {import('@nats-io/kv').KV} */
let kv

/** @param {string} key */
const token = (key) => key.replace(' ', '_')
/** @param {string} key @param {number} value */
const put = (key, value) => kv.put(token(key), JSON.stringify(value))

await obey({
  async open(port) {
    const storage = /** @type {any} */ ('memory')
    kv = await new Kvm(await connect({ servers: `127.0.0.1:${port}` })).create('bench_kv', { history: 1, storage })
  },
  async read(ms) {
    await fill(keysInTable, put)
    return { 'get/s': await spread(Number(ms), 1, async (i) => (await kv.get(token(keyOf(i))))?.json()) }
  },
  put: (ms) => writes(Number(ms), put),
})
