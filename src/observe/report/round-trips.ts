import type { LocalNode } from '../../node/local-node.ts'
import { atom, tuple } from '../../term/index.ts'
import type { Rtt } from '../view.ts'

/** What is needed of a node to measure. */
export type RoundTripHost = Pick<LocalNode, 'name' | 'call' | 'nodes' | 'serviceHost'>

/** Answers that count. */
const WINDOW = 50
/** Milliseconds after which an answer is not waited for any more. */
const PATIENCE = 5000

interface Peer {
  /** The last of them, the newest last. */
  readonly times: number[]
  waiting: boolean
  asked: number
}

/**
 * How long a question takes over each link and back. It is the one that `net_adm:ping/1` asks, which every node answers at
 * once: `{is_auth, Node}` to `net_kernel`.
 */
export class RoundTrips {
  readonly #node: RoundTripHost
  readonly #peers = new Map<string, Peer>()

  constructor(node: RoundTripHost) {
    this.#node = node
  }

  /** Asks each connected node that was not asked for `interval` milliseconds, and forgets those that are gone. */
  measure(interval: number): void {
    const { clock } = this.#node.serviceHost
    const connected = new Set(this.#node.nodes())
    for (const name of this.#peers.keys()) if (!connected.has(name)) this.#peers.delete(name)
    const now = clock.now()
    for (const name of connected) {
      let peer = this.#peers.get(name)
      if (peer === undefined) {
        peer = { times: [], waiting: false, asked: Number.NEGATIVE_INFINITY }
        this.#peers.set(name, peer)
      }
      // Rounds come about as often as intervals end.
      if (!peer.waiting && now - peer.asked >= interval * 0.9) void this.#ask(name, peer)
    }
  }

  /** Milliseconds; undefined for a node that has not answered yet. */
  of(name: string): Rtt | undefined {
    const times = this.#peers.get(name)?.times
    const last = times?.at(-1)
    if (times === undefined || last === undefined) return undefined
    const sorted = times.toSorted((a, b) => a - b)
    const at = (share: number): number => rounded(sorted[Math.ceil(sorted.length * share) - 1] as number)
    return { last: rounded(last), p50: at(0.5), p99: at(0.99) }
  }

  async #ask(name: string, peer: Peer): Promise<void> {
    const { clock } = this.#node.serviceHost
    peer.waiting = true
    peer.asked = clock.now()
    try {
      const question = tuple(atom('is_auth'), atom(this.#node.name))
      await this.#node.call({ name: 'net_kernel', node: name }, question, { timeout: PATIENCE })
      peer.times.push(clock.now() - peer.asked)
      if (peer.times.length > WINDOW) peer.times.shift()
    } catch {
      // A link that is down, or a node that does not answer, has no round trip.
    } finally {
      peer.waiting = false
    }
  }
}

function rounded(ms: number): number {
  return Math.round(ms * 1000) / 1000
}
