import type { Clock, Timer } from '../../base/clock.ts'
import type { Atom, Pid, Term } from '../../term/index.ts'

/** A node whose partition is to be joined with ours, as the locker knows it. */
export interface Partner {
  readonly node: Atom
  readonly locker: Pid
  readonly version: number
  readonly ourTag: number
  readonly theirTag: Term
}

/** What the name server tells its locker (`the_locker_message` in lib/kernel/src/global.erl). */
export type LockerMessage =
  | { kind: 'partner'; partner: Partner }
  /** `before` runs when the lock is about to be freed. */
  | { kind: 'cancel'; node: Atom; tag: number; before: (() => void) | undefined }
  | { kind: 'lock_set'; locker: Pid; set: boolean; tag: Term; tagged: boolean }
  | { kind: 'add_to_known'; nodes: readonly Atom[] }
  | { kind: 'remove_from_known'; node: Atom }

interface Waiter {
  readonly match: (message: LockerMessage) => boolean
  readonly resolve: (message: LockerMessage | undefined) => void
  readonly timer: Timer | undefined
}

/** The messages of a locker, of which it takes what it needs next. One wait at a time. */
export class LockerInbox {
  readonly #clock: Clock
  readonly #messages: LockerMessage[] = []
  #waiter: Waiter | undefined
  #closed = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** How many messages wait. */
  get size(): number {
    return this.#messages.length
  }

  post(message: LockerMessage): void {
    if (this.#closed) return
    const waiter = this.#waiter
    if (waiter?.match(message) === true) this.#wake(waiter, message)
    else if (!this.#isSettled(message)) this.#messages.push(message)
  }

  /**
   * Whether a message changes nothing about those that wait: a peer that repeats itself while the locker is busy must not
   * fill the memory.
   */
  #isSettled(message: LockerMessage): boolean {
    switch (message.kind) {
      case 'cancel': {
        // The locker has not heard of that partner, and need not.
        const { node, tag } = message
        const partner = this.poll(
          (it) => it.kind === 'partner' && it.partner.node === node && it.partner.ourTag === tag,
        )
        if (partner === undefined) return false
        while (
          this.poll((it) => it.kind === 'lock_set' && it.locker.nodeAtom === node && it.tag === tag) !== undefined
        );
        return true
      }
      case 'lock_set': {
        const { locker, set, tag } = message
        const isSame = (it: LockerMessage): boolean =>
          it.kind === 'lock_set' && it.locker.nodeAtom === locker.nodeAtom && it.set === set && it.tag === tag
        return this.#messages.some(isSame)
      }
      case 'add_to_known':
        return message.nodes.length === 0
      default:
        return false
    }
  }

  /** The oldest message that matches, if there is one. */
  poll(match: (message: LockerMessage) => boolean): LockerMessage | undefined {
    const at = this.#messages.findIndex(match)
    return at === -1 ? undefined : this.#messages.splice(at, 1)[0]
  }

  /** The oldest message that matches, as soon as there is one; undefined after `timeout` ms, or when closed. */
  next(match: (message: LockerMessage) => boolean, timeout: number): Promise<LockerMessage | undefined> {
    const message = this.#closed ? undefined : this.poll(match)
    if (message !== undefined || this.#closed) return Promise.resolve(message)
    return new Promise((resolve) => {
      const expire = (): void => this.#wake(waiter, undefined)
      const timer = timeout === Number.POSITIVE_INFINITY ? undefined : this.#clock.after(timeout, expire)
      const waiter: Waiter = { match, resolve, timer }
      this.#waiter = waiter
    })
  }

  get closed(): boolean {
    return this.#closed
  }

  close(): void {
    this.#closed = true
    this.#messages.length = 0
    if (this.#waiter !== undefined) this.#wake(this.#waiter, undefined)
  }

  #wake(waiter: Waiter, message: LockerMessage | undefined): void {
    waiter.timer?.cancel()
    this.#waiter = undefined
    waiter.resolve(message)
  }
}
