import { LocalNode } from './node/local-node.ts'
import type { NodeOptions } from './node/node-options.ts'

/**
 * Starts a node: registers its name with the EPMD of the host (or serves one), listens, and keeps connected to the nodes
 * of `connectTo` for ever.
 *
 * @throws OptionError (`ERR_INVALID_OPTION`) naming the option and the value at fault
 * @throws TsunagiError `ERR_NAME_TAKEN`, `ERR_LISTEN`, `ERR_COOKIE_FILE`, `ERR_EPMD_…`
 *
 * @example
 * const node = await startNode({ name: 'node1@127.0.0.1', cookie: 'hello', connectTo: ['node2@127.0.0.1'] })
 * node.on('nodeup', (name) => console.log(name))
 */
export function startNode(options: NodeOptions = {}): Promise<LocalNode> {
  return LocalNode.start(options)
}
