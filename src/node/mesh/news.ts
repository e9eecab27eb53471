import type { Clock, Timer } from '../../base/clock.ts'
import { TsunagiError } from '../../base/errors.ts'
import type { Link } from '../../dist/link.ts'
import { atom, type Pid } from '../../term/index.ts'
import type { LearnedNames } from './learned-names.ts'
import { encodeMeshMessage, type Manner, MESH_NAME, type MeshMessage } from './mesh-message.ts'

const MESH = atom(MESH_NAME)

/** How long changes are gathered before they are told, in milliseconds. */
export const GATHER = 100

/** When to try again to tell a peer that has too much to read already, in milliseconds. */
const FULL_PAUSE = 1_000

/** A peer of this package that dials whom it learns of. */
interface Listener {
  readonly link: Link
  /** What it was told and is still so. */
  readonly told: Set<string>
  /** What it was told and is so no more. */
  readonly gone: Set<string>
  /** Names it may have to be told. */
  readonly stale: Set<string>
}

/**
 * Tells the peers that seek whom this node is connected to: all at first, then what changes. Changes of a while travel in
 * one message, and nobody is told what it reported itself: a hundred nodes that come at once would otherwise tell each
 * other a million times.
 */
export class News {
  readonly #clock: Clock
  readonly #sender: Pid
  readonly #learned: LearnedNames
  /** Whom there is to tell of. */
  readonly #nodes = new Map<string, Manner>()
  readonly #listeners = new Map<string, Listener>()
  #timer: Timer | undefined

  constructor(clock: Clock, sender: Pid, learned: LearnedNames) {
    this.#clock = clock
    this.#sender = sender
    this.#learned = learned
  }

  /** A peer that others may be told of is connected. */
  up(name: string, manner: Manner): void {
    this.#nodes.set(name, manner)
    for (const [peer, { stale }] of this.#listeners) {
      if (peer !== name) stale.add(name)
    }
    this.#schedule(GATHER)
  }

  /** A peer that dials whom it learns of is connected: it hears of all others at once. */
  listen(link: Link): void {
    const { name } = link.peer
    const stale = new Set(this.#nodes.keys())
    stale.delete(name)
    const listener = { link, told: new Set<string>(), gone: new Set<string>(), stale }
    this.#listeners.set(name, listener)
    if (!this.#tell(listener)) this.#schedule(FULL_PAUSE)
  }

  down(name: string): void {
    this.#listeners.delete(name)
    if (!this.#nodes.delete(name)) return
    // Told even if it is back by then: it came up anew.
    for (const { told, gone } of this.#listeners.values()) {
      if (told.delete(name)) gone.add(name)
    }
    this.#schedule(GATHER)
  }

  /** `peer` reports `name` no more: now it may need to hear of it from us. */
  lostBy(peer: string, name: string): void {
    const listener = this.#listeners.get(peer)
    if (listener === undefined || listener.told.has(name) || !this.#nodes.has(name) || name === peer) return
    listener.stale.add(name)
    this.#schedule(GATHER)
  }

  close(): void {
    this.#timer?.cancel()
    this.#listeners.clear()
    this.#nodes.clear()
  }

  #schedule(ms: number): void {
    this.#timer ??= this.#clock.after(ms, () => {
      this.#timer = undefined
      let all = true
      for (const listener of this.#listeners.values()) all = this.#tell(listener) && all
      if (!all) this.#schedule(FULL_PAUSE)
    })
  }

  /** False when the peer has not read for so long that nothing more fits. */
  #tell(listener: Listener): boolean {
    const { link, told, gone, stale } = listener
    const lists: Record<Manner, string[]> = { seeking: [], sought: [] }
    for (const name of stale) {
      const manner = this.#nodes.get(name)
      if (manner !== undefined && !told.has(name) && !this.#learned.has(link.peer.name, name)) lists[manner].push(name)
    }
    const { seeking, sought } = lists
    if (seeking.length + sought.length + gone.size > 0) {
      if (!sendMeshMessage(link, this.#sender, { type: 'nodes', seeking, sought, gone: [...gone] })) return false
      for (const name of seeking) told.add(name)
      for (const name of sought) told.add(name)
      gone.clear()
    }
    stale.clear()
    return true
  }
}

/** False when there is no room for it. */
export function sendMeshMessage(link: Link, sender: Pid, message: MeshMessage): boolean {
  if (link.down) return true
  try {
    link.send.sendToName(sender, MESH, encodeMeshMessage(message))
    return true
  } catch (error) {
    if (error instanceof TsunagiError && error.code === 'ERR_LINK_FULL') return false
    throw error
  }
}
