import { setMaxListeners } from 'node:events'
import { atom } from '../term/index.ts'
import { askBeam, identifyBeam } from './ask-beam.ts'
import { AskError, type AskOptions, askReport } from './ask-node.ts'
import type { KnownNode } from './known-node.ts'
import type { ObservedNode } from './report/observed-node.ts'
import type { Part } from './report/question.ts'
import type { EventReport, Report } from './report/report.ts'

/** Milliseconds after which a node's answer is no longer waited for. */
const PATIENCE = 5000
/** Milliseconds between two questions to a node that nothing can be learned from. */
const REFUSED = 30_000

/** What a poller tells of what came. */
export interface PollerEvents {
  /** A report has come, with its events, which are in its own time. */
  onReport(node: KnownNode, report: Report, events: readonly EventReport[]): void
  /** A BEAM node sees others than before. */
  onSight(node: KnownNode, name: string, up: boolean): void
}

/** How to ask. */
export interface Pace {
  readonly parts: readonly Part[]
  readonly watched: boolean
  /** Milliseconds between two questions to a BEAM node. */
  readonly beamInterval: number
}

/** Asks one node after the other, each in its own tongue, and never one that has not answered yet. */
export class NodePoller {
  readonly #node: ObservedNode
  readonly #events: PollerEvents
  readonly #wallNow: () => number
  readonly #closing = new AbortController()

  constructor(node: ObservedNode, wallNow: () => number, events: PollerEvents) {
    this.#node = node
    this.#wallNow = wallNow
    this.#events = events
    // Each question that is under way listens to it.
    setMaxListeners(0, this.#closing.signal)
  }

  /** Asks a node, if it is time to. Resolves when it has answered, or will not; never rejects. */
  async ask(known: KnownNode, pace: Pace): Promise<void> {
    const now = this.#node.serviceHost.clock.now()
    const { state } = known.answer
    if (known.asking || known.state !== 'connected') return
    const isHopeless = state === 'refused' || state === 'invalid'
    const isBeam = known.confirmed && known.kind === 'beam'
    const pause = isHopeless ? REFUSED : isBeam ? pace.beamInterval : 0
    if (now - known.askedAt < pause * 0.9) return
    known.asking = true
    known.askedAt = now
    try {
      if (isBeam || !(await this.#askReport(known, pace))) await this.#askBeam(known)
    } catch (error) {
      if (this.#closing.signal.aborted) return
      if (!(error instanceof AskError)) return this.#misread(known, error)
      if (error.state === 'none') return known.fail('waiting', error.message)
      known.fail(error.state === 'absent' ? 'refused' : error.state, error.message)
    } finally {
      known.asking = false
    }
  }

  /** Asks no more; what comes now is not taken. Idempotent. */
  close(): void {
    this.#closing.abort()
  }

  get options(): AskOptions {
    return { timeout: PATIENCE, signal: this.#closing.signal }
  }

  /** False: nobody tells there, so that it may be a node of the BEAM. */
  async #askReport(known: KnownNode, { parts, watched }: Pace): Promise<boolean> {
    const isNew = !known.confirmed
    const wanted: Part[] = isNew ? ['samples', 'topologies', 'processes', 'pubsubs', 'stores'] : [...parts]
    const question = { parts: wanted, ...known.heard, watched }
    try {
      const report = await askReport(this.#node, known.name, question, this.options)
      if (this.#closing.signal.aborted || known.state !== 'connected') return true
      known.take(report, this.#wallNow())
      this.#events.onReport(known, report, report.events)
      return true
    } catch (error) {
      if (!(error instanceof AskError) || error.state !== 'absent') throw error
      // One of ours that does not tell has nothing more to say.
      if (!this.#node.serviceHost.isOurs(atom(known.name))) return false
      throw new AskError('refused', 'it does not tell (observable: false)')
    }
  }

  async #askBeam(known: KnownNode): Promise<void> {
    const { name } = known
    const there = known.confirmed ? known.identity : undefined
    const identity = there ?? (await identifyBeam(this.#node, name, this.options))
    const before = known.sees
    const state = await askBeam(this.#node, name, this.options)
    if (this.#closing.signal.aborted || known.state !== 'connected') return
    known.identity = identity
    known.takeBeam(state, this.#wallNow())
    if (before === undefined || known.sees === undefined) return
    for (const other of known.sees) if (!before.has(other)) this.#events.onSight(known, other, true)
    for (const other of before) if (!known.sees.has(other)) this.#events.onSight(known, other, false)
  }

  /** Nothing that a node answers may end this one. */
  #misread(known: KnownNode, error: unknown): void {
    this.#node.serviceHost.logger.error({ node: known.name, err: error }, `could not read what ${known.name} tells`)
    known.fail('invalid', 'its answer cannot be read')
  }
}
