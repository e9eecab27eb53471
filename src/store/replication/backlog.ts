import type { PeerLimits } from './action.ts'
import { type LogEntry, type Operation, weigh } from './operation.ts'

/** Writes of other nodes that a loader has ordered and not applied yet, so that none of them takes all the room there is. */
export class Backlog {
  readonly #limits: PeerLimits
  readonly #clients = new Map<string, { requests: number; bytes: number }>()

  constructor(limits: PeerLimits) {
    this.#limits = limits
  }

  /** Whether one more of this client can be ordered. */
  hasRoom(client: string, operation: Operation): boolean {
    const known = this.#clients.get(client)
    if (known === undefined) return true
    if (known.requests >= this.#limits.requests) return false
    return known.bytes + weigh({ operation }) <= this.#limits.requestBytes
  }

  ordered(client: string, operation: Operation): void {
    const known = this.#clients.get(client)
    if (known === undefined) {
      this.#clients.set(client, { requests: 1, bytes: weigh({ operation }) })
      return
    }
    known.requests++
    known.bytes += weigh({ operation })
  }

  applied({ client, operation }: LogEntry): void {
    const known = this.#clients.get(client)
    if (known === undefined) return
    known.requests--
    known.bytes -= weigh({ operation })
    if (known.requests === 0) this.#clients.delete(client)
  }

  clear(): void {
    this.#clients.clear()
  }
}
