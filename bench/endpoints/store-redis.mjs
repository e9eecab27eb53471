/** ioredis: JSON for terms, commands of a turn in one pipeline. */
import { Redis } from 'ioredis'
import { fill, keyOf, keysInTable, spread, writes } from '../harness/keys.mjs'
import { obey } from '../harness/obey.mjs'

/** @type {Redis} */
let redis

/** @param {string} key @param {number} value */
const put = (key, value) => redis.set(key, JSON.stringify(value))

await obey({
  async open(port) {
    redis = new Redis({ host: '127.0.0.1', port: Number(port), enableAutoPipelining: true })
    await redis.ping()
  },
  async read(ms) {
    await fill(keysInTable, put)
    return { 'get/s': await spread(Number(ms), 1024, async (i) => JSON.parse((await redis.get(keyOf(i))) ?? 'null')) }
  },
  put: (ms) => writes(Number(ms), put),
})
