import type { Message } from '../store/replication/messages.ts'
import type { SimulatedProcess } from './simulated-process.ts'

interface Grant {
  readonly holder: string
  readonly request: number
  readonly until: number
  readonly epoch: string
  over: boolean
}

/** The shortest time for which leases are asked for: a longer one may still be live, and is not counted. */
export const SHORTEST_HOLD = 500

/** Follows the leases that loaders grant: each has one live lease per key in an epoch. */
export class LeaseWatch {
  /** How many leases were granted. */
  granted = 0
  readonly #clock: (process: SimulatedProcess) => number
  readonly #fail: (message: string) => never
  readonly #grants = new Map<string, Grant>()
  /** The keys that were asked about, as each loader knows it: who asks may be another incarnation by the time of the answer. */
  readonly #requested = new Map<string, string>()

  constructor(clock: (process: SimulatedProcess) => number, fail: (message: string) => never) {
    this.#clock = clock
    this.#fail = fail
  }

  sent(loader: SimulatedProcess, to: string, message: Message): void {
    if (message.kind === 'lease-lost') this.over(loader, to, message.request)
    if (message.kind === 'leave') this.down(loader, to)
    if (message.kind !== 'lease-answer' || message.answer.kind !== 'granted') return
    const key = this.#requested.get(`${loader.client} ${to}/${message.request}`)
    if (key !== undefined) this.grant(loader, to, key, message.request)
  }

  delivered(loader: SimulatedProcess, from: string, message: Message): void {
    if (message.kind === 'lease-request')
      this.#requested.set(`${loader.client} ${from}/${message.request}`, message.key)
    if (message.kind === 'lease-end') this.over(loader, from, message.request)
    if (message.kind === 'bye' || message.kind === 'join' || message.kind === 'leave') this.down(loader, from)
    if (message.kind !== 'submit') return
    for (const { lease } of message.requests) if (lease !== undefined) this.over(loader, from, lease)
  }

  /** A node is gone, for this loader. */
  down(loader: SimulatedProcess, peer: string): void {
    for (const [place, grant] of this.#grants) {
      if (place.startsWith(`${loader.client} `) && grant.holder === peer) grant.over = true
    }
  }

  grant(loader: SimulatedProcess, holder: string, key: string, request: number): void {
    this.granted++
    const place = `${loader.client} ${key}`
    const { epoch, loader: name } = loader.replica.currentEpoch
    const now = this.#clock(loader)
    const before = this.#grants.get(place)
    const current = `${epoch} ${name}`
    if (before !== undefined && !before.over && before.epoch === current && now < before.until) {
      this.#fail(`${loader.client} grants ${key} to ${holder}, while ${before.holder} has it`)
    }
    this.#grants.set(place, { holder, request, until: now + SHORTEST_HOLD, epoch: current, over: false })
  }

  over(loader: SimulatedProcess, holder: string, request: number): void {
    for (const [place, grant] of this.#grants) {
      const isIt = grant.holder === holder && grant.request === request
      if (isIt && place.startsWith(`${loader.client} `)) grant.over = true
    }
  }
}
