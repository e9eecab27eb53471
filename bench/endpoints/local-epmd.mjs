/** A node that finds the others by their EPMD, in a process of its own. */
import { once } from 'node:events'
import { localEpmd } from '../../dist/cluster/index.js'
import { startNode } from '../../dist/index.js'
import { obey } from '../harness/obey.mjs'

/** @type {import('../../dist/index.js').TsunagiNode} */
let node

await obey({
  async start(name, cookie, epmdPort) {
    node = await startNode({
      name: `${name}@127.0.0.1`,
      cookie,
      epmd: { port: Number(epmdPort) },
      mesh: false,
      topologies: { local: { strategy: localEpmd() } },
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
