import type { LocalNode } from '../node/local-node.ts'
import type { Process } from '../process/process.ts'

/** Runs something as a process and settles as it does. */
export function inProcess<T>(node: LocalNode, body: (self: Process) => Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    node.spawn((self) => body(self).then(resolve, reject))
  })
}
