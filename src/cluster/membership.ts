import type { Clock } from '../base/clock.ts'
import type { Reading } from './answer.ts'
import { Departed } from './departed.ts'
import type { Overlay, Standings } from './overlay.ts'
import type { FoundNode } from './strategy.ts'
import type { Telemetry } from './telemetry.ts'
import type { FailedNode } from './topology-events.ts'
import type { TopologyReports } from './topology-reports.ts'

/** What pruning came to. */
export interface Pruned {
  readonly pruned: readonly string[]
  readonly failed: readonly FailedNode[]
}

/** What a {@link Membership} needs of its topology. */
export interface MembershipHost {
  readonly clock: Clock
  readonly maxNames: number
  readonly reports: TopologyReports
  readonly telemetry: Telemetry
}

/** The nodes of a topology: the last good answer, who is to be connected for it, and who is no longer part of it. */
export class Membership {
  readonly #host: MembershipHost
  #overlay: Overlay
  #departed: Departed
  #found: ReadonlyMap<string, FoundNode> = new Map()
  /** What was found was not given to the overlay yet. */
  #fresh = true

  constructor(host: MembershipHost, overlay: Overlay, pruneAfter: number) {
    this.#host = host
    this.#overlay = overlay
    this.#departed = new Departed(pruneAfter, host.maxNames)
  }

  get names(): string[] {
    return [...this.#found.keys()]
  }

  /** Milliseconds until somebody can be pruned, or, each `again`, who could not be in time; undefined when nobody will be. */
  pruneIn(again: number): number | undefined {
    return this.#departed.nextIn(this.#host.clock.now(), again)
  }

  /** Another rule for pruning holds from now on. */
  prune(after: number): void {
    this.#departed = this.#departed.with(after)
  }

  /** Connects by other means from the next answer on. */
  replace(overlay: Overlay): void {
    this.#overlay.close()
    this.#overlay = overlay
    this.#fresh = true
  }

  /** Takes an answer: connects who is in it, lets go of who is not, and prunes. Rejects as the overlay does. */
  async take(reading: Reading, hurry: boolean, signal: AbortSignal): Promise<Pruned> {
    const before = this.#found
    const now = this.#host.clock.now()
    this.#found = reading.nodes
    const gone = [...before.keys()].filter((name) => !this.#found.has(name))
    const fresh = this.#fresh
    this.#fresh = false
    const anew = new Set<string>()
    for (const [name, { port }] of this.#found) {
      const known = before.get(name)
      if (fresh || known === undefined || known.port !== port) anew.add(name)
      this.#departed.delete(name)
    }
    for (const name of gone) this.#departed.add(name, now)
    // Begun before anybody hears of it, and may pause or close the topology.
    const applied = this.#overlay.apply({ nodes: this.#found, anew, gone, hurry }, signal)
    for (const [name, node] of this.#found) if (!before.has(name)) this.#host.reports.found(node)
    for (const name of gone) this.#host.reports.lost(name)
    await applied
    signal.throwIfAborted()
    return reading.whole ? await this.#prune(signal) : { pruned: [], failed: [] }
  }

  /** Resolves when the dials that `take` began have ended, or when the signal aborts. */
  settled(signal: AbortSignal): Promise<void> {
    return this.#overlay.settled(signal)
  }

  standings(signal: AbortSignal): Promise<Standings> {
    return this.#overlay.standings(this.#found.keys(), signal)
  }

  close(): void {
    this.#overlay.close()
  }

  async #prune(signal: AbortSignal): Promise<Pruned> {
    const { clock, telemetry } = this.#host
    const pruned: string[] = []
    const failed: FailedNode[] = []
    for (const node of this.#departed.due(clock.now())) {
      signal.throwIfAborted()
      const begun = clock.now()
      try {
        const outcome = await this.#overlay.cut(node, signal)
        if (outcome !== 'wanted') this.#departed.delete(node)
        if (outcome !== 'cut') continue
        pruned.push(node)
        telemetry.disconnected(node, clock.now() - begun)
      } catch (error) {
        signal.throwIfAborted()
        failed.push({ node, action: 'disconnect', error })
        telemetry.notDisconnected(node, clock.now() - begun, error)
      }
    }
    return { pruned, failed }
  }
}
