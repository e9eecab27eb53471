import type { Clock, Timer } from '../../base/clock.ts'
import { atom } from '../../term/index.ts'
import type { Peers } from '../peers.ts'
import { MAX_NAMES, type Manner } from './mesh-message.ts'

/** How long the one of two seeking nodes with the greater name leaves the dial to the other, in milliseconds. */
export const COURTESY = 1_000

/** The interest of the mesh in a peer. */
export const MESH = 'mesh'

/** What this needs of the node's peers. */
export type LearnedPeers = Pick<Peers, 'allowsHearsay' | 'connector' | 'find'>

/** A name somebody reports. */
interface Learned {
  /** Who reports it. */
  reporters: number
  wanted: boolean
  /** The dial was left to the other side for a while. */
  timer: Timer | undefined
  /** The peer ended its link on purpose: what was reported before does not count. */
  spent: boolean
  /** A reporter lost it meanwhile: if one has it again, it came up anew. */
  lost: boolean
}

/**
 * Who reported whom. A name is wanted as long as a live peer reports it, unless the node behind it wants no link; then it
 * is again when it comes up anew. Of two nodes that would dial each other, the one with the lesser name does: otherwise
 * half of the dials would be wasted.
 */
export class LearnedNames {
  readonly #self: string
  readonly #peers: LearnedPeers
  readonly #clock: Clock
  readonly #listening: boolean
  readonly #reports = new Map<string, Set<string>>()
  readonly #names = new Map<string, Learned>()

  /** @param listening whether others can dial this node */
  constructor(self: string, peers: LearnedPeers, clock: Clock, listening: boolean) {
    this.#self = self
    this.#listening = listening
    this.#peers = peers
    this.#clock = clock
  }

  /** How many names are reported. */
  get size(): number {
    return this.#names.size
  }

  /** Whether `reporter` reports `name` now. */
  has(reporter: string, name: string): boolean {
    return this.#reports.get(reporter)?.has(name) === true
  }

  add(reporter: string, name: string, manner: Manner): void {
    if (name === this.#self) return
    let reported = this.#reports.get(reporter)
    if (reported === undefined) {
      reported = new Set()
      this.#reports.set(reporter, reported)
    }
    if (reported.has(name) || reported.size >= MAX_NAMES) return
    reported.add(name)
    let learned = this.#names.get(name)
    if (learned === undefined) {
      learned = { reporters: 0, wanted: false, timer: undefined, spent: false, lost: false }
      this.#names.set(name, learned)
    }
    learned.reporters++
    if (learned.reporters > 1 && !learned.lost) return
    learned.spent = false
    learned.lost = false
    this.#seek(learned, name, manner)
  }

  remove(reporter: string, name: string): void {
    const reported = this.#reports.get(reporter)
    if (reported?.delete(name) !== true) return
    if (reported.size === 0) this.#reports.delete(reporter)
    this.#withdraw(name)
  }

  /** The reporter is gone, and with it all that it had reported. */
  forget(reporter: string): void {
    const reported = this.#reports.get(reporter)
    this.#reports.delete(reporter)
    for (const name of reported ?? []) this.#withdraw(name)
  }

  /** The node of this name ended its link, or is about to, because it wants none. */
  spend(name: string): void {
    const learned = this.#names.get(name)
    if (learned === undefined) return
    learned.spent = true
    this.#rest(learned, name)
  }

  close(): void {
    for (const [name, learned] of this.#names) this.#rest(learned, name)
    this.#names.clear()
    this.#reports.clear()
  }

  #seek(learned: Learned, name: string, manner: Manner): void {
    if (!this.#peers.allowsHearsay(name)) return
    learned.timer?.cancel()
    learned.timer = undefined
    const linked = this.#peers.find(atom(name))?.link !== undefined
    const ours = linked || manner === 'sought' || !this.#listening || this.#self < name
    if (ours) return this.#want(learned, name)
    learned.timer = this.#clock.after(COURTESY, () => {
      learned.timer = undefined
      this.#want(learned, name)
    })
  }

  /** Also dials again where that was in vain before. */
  #want(learned: Learned, name: string): void {
    learned.wanted = true
    this.#peers.connector(name).want(MESH, 'learned')
  }

  /** Wants the name no more. */
  #rest(learned: Learned, name: string): void {
    learned.timer?.cancel()
    learned.timer = undefined
    if (!learned.wanted) return
    learned.wanted = false
    this.#peers.find(atom(name))?.unwant(MESH)
  }

  #withdraw(name: string): void {
    const learned = this.#names.get(name)
    if (learned === undefined) return
    learned.reporters--
    if (learned.reporters === 0) {
      this.#names.delete(name)
      return this.#rest(learned, name)
    }
    // A link there is says more than any report.
    const connector = this.#peers.find(atom(name))
    if (learned.spent || (connector?.link === undefined && connector?.lastError?.permanent === true))
      learned.lost = true
  }
}
