/** A Tsunagi node, imported from the build as the package would be. */
import { atom, GenServer, startNode, tuple } from '../../dist/index.js'
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

await obey({
  async listen(name, cookie, epmdPort) {
    node = await startNode({ name, cookie, epmd: { port: Number(epmdPort) } })
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
  ...callers(() => node.call(echo, atom('ping'))),
})
