import { OptionError } from '../../base/errors.ts'
import { parsePeer } from '../../node/peer-address.ts'
import type { FoundNode, PullStrategy } from '../strategy.ts'

/**
 * A fixed list of nodes: `'b@host'`, or `'b@host:9100'` to dial a port without asking EPMD. The node's own name may be
 * among them, so that one list serves all. Source: gen_cluster's `static`, libcluster's `Epmd`, Barnacle's `epmd`.
 *
 * @throws OptionError
 *
 * @example
 * await startNode({ topologies: { app: { strategy: staticNodes(['a@127.0.0.1', 'b@127.0.0.1']) } } })
 */
export function staticNodes(nodes: readonly string[]): PullStrategy {
  if (!Array.isArray(nodes)) throw new OptionError('nodes', nodes, 'a list of node names')
  const found = nodes.map((node: unknown, i): FoundNode => {
    const { name, port } = parsePeer(node, `nodes[${i}]`)
    return port === undefined ? { name } : { name, port }
  })
  return { name: 'staticNodes', discover: () => found }
}
