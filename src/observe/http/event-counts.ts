import type { ConnectError } from '../../dist/connect-error.ts'
import type { NodeDownReason, NodeInfo } from '../../node/node-monitor.ts'
import type { DashboardNode } from './measured-node.ts'

/** Counts what happens to a node's links, from when it was made. */
export class EventCounts {
  /** Links that came up, those before it included. */
  ups: number
  /** Links that went down, by reason. */
  readonly downs = new Map<NodeDownReason, number>()
  /** Dials that failed, by the code of the error. */
  readonly failures = new Map<string, number>()
  /** Messages that had waited for a node and were dropped. */
  unsent = 0
  readonly #node: DashboardNode

  constructor(node: DashboardNode) {
    this.#node = node
    this.ups = node.peers().reduce((sum, peer) => sum + peer.ups, 0)
    node.on('nodeup', this.#onUp)
    node.on('nodedown', this.#onDown)
    node.on('connect-failed', this.#onFailed)
    node.on('send-failed', this.#onUnsent)
  }

  close(): void {
    this.#node.off('nodeup', this.#onUp)
    this.#node.off('nodedown', this.#onDown)
    this.#node.off('connect-failed', this.#onFailed)
    this.#node.off('send-failed', this.#onUnsent)
  }

  readonly #onUp = (): void => {
    this.ups++
  }

  readonly #onDown = (_name: string, { reason }: NodeInfo & { readonly reason: NodeDownReason }): void => {
    this.downs.set(reason, (this.downs.get(reason) ?? 0) + 1)
  }

  readonly #onFailed = (_name: string, { code }: ConnectError): void => {
    this.failures.set(code, (this.failures.get(code) ?? 0) + 1)
  }

  readonly #onUnsent = (_name: string, dropped: number): void => {
    this.unsent += dropped
  }
}
