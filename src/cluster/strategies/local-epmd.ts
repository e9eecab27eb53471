import { isLongHost, splitNodeName } from '../../base/node-name.ts'
import type { FoundNode, PullStrategy } from '../strategy.ts'
import { EpmdNames } from './epmd-names.ts'

/**
 * All nodes that the node's own EPMD knows: those of this machine. A node that does not tell its host is taken to have the
 * same as this one, since EPMD knows but the part before the `@`. Source: the `LocalEpmd` of libcluster, which looks only
 * once; Barnacle's `local_epmd`; gen_cluster's `epmd_all`.
 *
 * @example
 * await startNode({ name: 'a@127.0.0.1', topologies: { local: { strategy: localEpmd() } } })
 */
export function localEpmd(): PullStrategy {
  const names = new EpmdNames()
  return {
    name: 'localEpmd',
    async discover(context): Promise<FoundNode[]> {
      const { host } = context.self
      const found = await names.find(context, { at: undefined, host })
      // Nodes with the other kind of names, short or long, could not be connected.
      return found.filter(({ name }) => isLongHost(splitNodeName(name)?.host ?? '') === isLongHost(host))
    },
  }
}
