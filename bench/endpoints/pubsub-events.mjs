/** One process and its own emitter: what a call of a function costs, and nothing else. */
import { EventEmitter } from 'node:events'
import { broadcaster } from '../harness/broadcaster.mjs'

const emitter = new EventEmitter().setMaxListeners(0)

await broadcaster({
  open: async () => '',
  subscribe: (take) => emitter.on('sensors', (message) => take(message[1], message[2])),
  publish: (value, stamp) => emitter.emit('sensors', ['temperature', value, stamp]),
  room: () => new Promise(setImmediate),
})
