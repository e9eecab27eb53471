/** Many nodes in one process. */
import { subscribe } from 'node:diagnostics_channel'
import { setTimeout as after } from 'node:timers/promises'
import { startNode } from '../../dist/index.js'
import { obey } from '../harness/obey.mjs'

/** What follows the last link: the nodes tell each other of it once more. */
const settling = 2_000

/**
 * Counts the connections this process tries, except those to the EPMD.
 *
 * @param {number} epmdPort
 */
function countDials(epmdPort) {
  let dials = 0
  subscribe('net.client.socket', (message) => {
    const { socket } = /** @type {{ socket: import('node:net').Socket }} */ (message)
    socket.once('connectionAttempt', (/** @type {string} */ _, /** @type {number} */ port) => {
      if (port !== epmdPort) dials++
    })
  })
  return () => dials
}

await obey({
  /** Resolves when each is connected with all others. */
  async form(words, cookie, epmdPort) {
    const size = Number(words)
    const seed = 'mesh0@127.0.0.1'
    const dials = countDials(Number(epmdPort))
    const begin = performance.now()
    const nodes = await Promise.all(
      Array.from({ length: size }, (_, index) =>
        startNode({
          name: `mesh${index}@127.0.0.1`,
          cookie,
          epmd: { port: Number(epmdPort) },
          connectTo: index === 0 ? [] : [seed],
        }),
      ),
    )
    await Promise.all(nodes.map((node) => node.ready({ nodes: size - 1, timeout: 50_000 })))
    return { ms: performance.now() - begin, dials: dials() }
  },

  /** Share of one processor, of all threads of the process. */
  async idle(ms) {
    await after(settling)
    const before = process.cpuUsage()
    const begin = performance.now()
    await after(Number(ms))
    const { user, system } = process.cpuUsage(before)
    return { percent: ((user + system) / 1000 / (performance.now() - begin)) * 100 }
  },
})
