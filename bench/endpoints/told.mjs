/** A node that is told the names of the others, in a process of its own. */
import { once } from 'node:events'
import { staticNodes } from '../../dist/cluster/index.js'
import { silentLogger, startNode } from '../../dist/index.js'
import { obey } from '../harness/obey.mjs'

/** @type {import('../../dist/index.js').TsunagiNode} */
let node

await obey({
  async start(name, cookie, epmdPort, netTickTime, ...names) {
    node = await startNode({
      name,
      cookie,
      epmd: { port: Number(epmdPort) },
      netTickTime: Number(netTickTime),
      topologies: { all: { strategy: staticNodes(names) } },
      logger: silentLogger,
    })
  },

  /** Resolves when at least so many are connected. */
  async reach(count) {
    await node.ready({ nodes: Number(count), timeout: 50_000 })
  },

  /** Resolves when no more than so many are. */
  async shrink(count) {
    while (node.nodes().length > Number(count)) await once(node, 'nodedown')
  },
})
