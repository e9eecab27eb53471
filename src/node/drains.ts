import { TsunagiError } from '../base/errors.ts'
import type { Atom } from '../term/index.ts'

/** Those who wait until the link to a peer has room again. */
export class Drains {
  readonly #waiting = new Map<Atom, { resolve: () => void; reject: (error: unknown) => void }[]>()

  wait(peer: Atom): Promise<void> {
    return new Promise((resolve, reject) => {
      const list = this.#waiting.get(peer) ?? []
      list.push({ resolve, reject })
      this.#waiting.set(peer, list)
    })
  }

  /** There is room. */
  drained(peer: Atom): void {
    for (const { resolve } of this.#take(peer)) resolve()
  }

  /** The link is gone, or did not come about. */
  down(peer: Atom): void {
    const waiting = this.#take(peer)
    if (waiting.length === 0) return
    const error = new TsunagiError('ERR_NOCONNECTION', `there is no connection to ${peer.name} any more`)
    for (const { reject } of waiting) reject(error)
  }

  #take(peer: Atom): { resolve: () => void; reject: (error: unknown) => void }[] {
    const waiting = this.#waiting.get(peer) ?? []
    this.#waiting.delete(peer)
    return waiting
  }
}
