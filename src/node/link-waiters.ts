import type { ConnectError } from '../dist/connect-error.ts'
import type { Link } from '../dist/link.ts'

/** A signal that waits for a link. */
export type Held = (link: Link) => void

/** Who waits for the link to a peer: signals that are to be sent, and everybody who asked for a connection. */
export class LinkWaiters {
  readonly #held: Held[] = []
  #connected: Promise<Link> | undefined
  #resolve: ((link: Link) => void) | undefined
  #reject: ((error: ConnectError) => void) | undefined

  /** Signals that wait. */
  get held(): number {
    return this.#held.length
  }

  /** The link, when it is there; the same for all who ask. */
  get connected(): Promise<Link> {
    this.#connected ??= new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    return this.#connected
  }

  hold(signal: Held): void {
    this.#held.push(signal)
  }

  /** Sends what waits, in order. What cannot be sent holds up nothing else. */
  send(link: Link, onUnsent: (error: unknown) => void): void {
    for (const signal of this.#held.splice(0)) {
      try {
        signal(link)
      } catch (error) {
        onUnsent(error)
      }
    }
  }

  resolve(link: Link): void {
    this.#resolve?.(link)
  }

  reject(error: ConnectError): void {
    this.#reject?.(error)
  }
}
