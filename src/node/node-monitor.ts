import { knownOnly, oneOf } from '../base/options.ts'
import { AsyncQueue } from '../base/queue.ts'

/** What is known of a node that came or went. */
export interface NodeInfo {
  /** Whether the node takes part in the cluster visibly. */
  readonly nodeType: 'visible' | 'hidden'
  /** Distinguishes connections to the same node. */
  readonly connectionId: number
}

/**
 * Why a node went: OTP's reasons (`connection_closed`, `disconnect`, `net_tick_timeout`), and ours: `protocol_error`
 * (it sent what is no valid distribution message), `replaced` (it connected anew before the old link was seen to be dead).
 */
export type NodeDownReason = 'connection_closed' | 'disconnect' | 'net_tick_timeout' | 'protocol_error' | 'replaced'

/** One event of `node.monitorNodes`. */
export type NodeEvent =
  | { readonly type: 'nodeup'; readonly node: string; readonly info: NodeInfo }
  | { readonly type: 'nodedown'; readonly node: string; readonly info: NodeInfo & { readonly reason: NodeDownReason } }

/** Options of `node.monitorNodes`. */
export interface MonitorNodesOptions {
  /**
   * Which nodes. Default `'all'`: unlike on the BEAM most of our peers are hidden.
   * Source: `net_kernel:monitor_nodes/2`.
   */
  readonly nodeType?: 'visible' | 'hidden' | 'all'
  /** Ends the iteration. */
  readonly signal?: AbortSignal
}

/** Hands node events to everybody who iterates. */
export class NodeMonitors {
  readonly #queues = new Set<{ queue: AsyncQueue<NodeEvent>; nodeType: 'visible' | 'hidden' | 'all' }>()

  open(options: MonitorNodesOptions = {}): AsyncQueue<NodeEvent> {
    knownOnly(options, ['nodeType', 'signal'])
    const { nodeType = 'all', signal } = options
    oneOf('all', 'visible', 'hidden')(nodeType, 'nodeType')
    const entry = {
      nodeType,
      queue: new AsyncQueue<NodeEvent>({ signal, onClose: () => void this.#queues.delete(entry) }),
    }
    if (!entry.queue.closed) this.#queues.add(entry)
    return entry.queue
  }

  emit(event: NodeEvent): void {
    for (const { queue, nodeType } of this.#queues) {
      if (nodeType === 'all' || nodeType === event.info.nodeType) queue.push(event)
    }
  }

  close(): void {
    for (const { queue } of [...this.#queues]) queue.close()
  }
}
