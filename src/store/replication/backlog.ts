import type { PeerLimits } from './action.ts'
import type { Request } from './messages.ts'
import { type LogEntry, weigh } from './operation.ts'

/** Writes of one client. */
interface Waiting {
  /** How many bytes each has. */
  readonly requests: Map<number, number>
  bytes: number
}

/** Writes of other nodes that a loader has ordered and not applied yet, so that none of them takes all the room there is. */
export class Backlog {
  readonly #limits: PeerLimits
  readonly #clients = new Map<string, Waiting>()

  constructor(limits: PeerLimits) {
    this.#limits = limits
  }

  /** It is ordered already: its client has lost sight of its loader meanwhile, and sends it again. */
  has({ client, request }: Request): boolean {
    return this.#clients.get(client)?.requests.has(request) === true
  }

  /** Takes in one more, unless its client has as many as it may have. */
  add({ client, request, operation }: Request): boolean {
    const bytes = weigh({ operation })
    const known = this.#clients.get(client)
    if (known === undefined) {
      this.#clients.set(client, { requests: new Map([[request, bytes]]), bytes })
      return true
    }
    if (known.requests.size >= this.#limits.requests || known.bytes + bytes > this.#limits.requestBytes) return false
    known.requests.set(request, bytes)
    known.bytes += bytes
    return true
  }

  applied({ client, request }: LogEntry): void {
    const known = this.#clients.get(client)
    const bytes = known?.requests.get(request)
    if (known === undefined || bytes === undefined) return
    known.requests.delete(request)
    known.bytes -= bytes
    if (known.requests.size === 0) this.#clients.delete(client)
  }

  clear(): void {
    this.#clients.clear()
  }
}
