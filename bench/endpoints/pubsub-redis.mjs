/** ioredis: JSON for terms, one connection for all subscribers of a process, a listener for each; commands of a turn in one pipeline. */
import { Redis } from 'ioredis'
import { broadcaster } from '../harness/broadcaster.mjs'

/** Messages after which a loop has to let what it wrote leave. */
const turn = 2048
/** Answers waited for at most so many messages later. */
const window = turn * 4

/** @type {Redis} */
let publisher
/** @type {Redis} */
let subscriber
let sent = 0
/** @type {Promise<unknown>} */
let answered = Promise.resolve()
/** @type {Promise<unknown>} */
let last = Promise.resolve()

await broadcaster({
  async open(port) {
    publisher = new Redis({ host: '127.0.0.1', port: Number(port), enableAutoPipelining: true })
    subscriber = new Redis({ host: '127.0.0.1', port: Number(port) })
    await Promise.all([publisher.ping(), subscriber.ping()])
    return port
  },
  async subscribe(take) {
    await subscriber.subscribe('sensors')
    subscriber.on('message', (_channel, text) => {
      const [, value, stamp] = JSON.parse(text)
      take(value, stamp)
    })
  },
  publish(value, stamp) {
    last = publisher.publish('sensors', JSON.stringify(['temperature', value, stamp]))
    return ++sent % turn !== 0
  },
  async room() {
    await new Promise(setImmediate)
    if (sent % window !== 0) return
    await answered
    answered = last
  },
})
