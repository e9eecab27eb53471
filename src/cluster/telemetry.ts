import { channel } from 'node:diagnostics_channel'

/** What a message on one of the cluster's channels says. */
export interface ClusterMessage {
  /** The topology. */
  readonly topology: string
  /** The name of this node. */
  readonly self: string
  /** The node it is about. */
  readonly node: string
  /** Milliseconds: since the topology asked for the node, its last dial failed, or its link was lost. */
  readonly duration: number
  /** What was at fault, on the `error` channels. */
  readonly error?: unknown
}

const connectOk = channel('tsunagi:cluster:connect_node:ok')
const connectError = channel('tsunagi:cluster:connect_node:error')
const disconnectOk = channel('tsunagi:cluster:disconnect_node:ok')
const disconnectError = channel('tsunagi:cluster:disconnect_node:error')

/**
 * Publishes what becomes of a topology's nodes on `node:diagnostics_channel`, where anybody can listen who knows the
 * channel's name. The four of them are those of libcluster's telemetry.
 */
export class Telemetry {
  readonly #topology: string
  readonly #self: string

  constructor(topology: string, self: string) {
    this.#topology = topology
    this.#self = self
  }

  connected(node: string, duration: number): void {
    connectOk.publish(this.#message(node, duration))
  }

  notConnected(node: string, duration: number, error: unknown): void {
    connectError.publish({ ...this.#message(node, duration), error })
  }

  disconnected(node: string, duration: number): void {
    disconnectOk.publish(this.#message(node, duration))
  }

  notDisconnected(node: string, duration: number, error: unknown): void {
    disconnectError.publish({ ...this.#message(node, duration), error })
  }

  #message(node: string, duration: number): ClusterMessage {
    return { topology: this.#topology, self: this.#self, node, duration }
  }
}
