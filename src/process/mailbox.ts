import type { Term } from '../term/term.ts'
import { nextTurn, takeTurn } from './turn.ts'

/** Says whether a message is one that a receiver waits for. Called where the message arrives: keep it short and pure. */
export type Match = (message: Term) => boolean

/** How much a mailbox holds before it overflows. */
export interface MailboxLimits {
  readonly mailboxMessages: number
  readonly mailboxBytes: number
}

/** One who empties a mailbox by itself, without waiting in its line. */
export interface MailboxReader {
  wake(): void
}

/** Someone who waits for a message. */
export abstract class Waiter {
  /** The next in line. */
  next: Waiter | undefined
  /** Which messages it takes; all when undefined. */
  readonly match: Match | undefined

  constructor(match: Match | undefined) {
    this.match = match
  }

  abstract give(message: Term): void
  /** `match` threw. */
  abstract fail(error: unknown): void
  /** The mailbox was closed. */
  abstract end(): void
}

/** What `for await` waits with. */
class NextWaiter extends Waiter {
  readonly #resolve: (result: IteratorResult<Term, undefined>) => void

  constructor(resolve: (result: IteratorResult<Term, undefined>) => void) {
    super(undefined)
    this.#resolve = resolve
  }

  give(message: Term): void {
    this.#resolve({ value: message, done: false })
  }

  fail(): void {}

  end(): void {
    this.#resolve({ value: undefined, done: true })
  }
}

const anything: Match = () => true
const unallocated: Term[] = []
const firstCapacity = 8
/** Above this many slots a drained ring is given back. */
const keptCapacity = 1024

/**
 * The messages of one process, in the order they came. A ring that is made with the first message that has to wait,
 * so that an idle process costs little; receivers wait in line.
 */
export class Mailbox implements AsyncIterator<Term, undefined> {
  readonly #limits: MailboxLimits
  #items = unallocated
  /** What each item counts against `mailboxBytes`, at the same place. */
  #sizes: number[] = unallocated as number[]
  #head = 0
  #length = 0
  #bytes = 0
  #first: Waiter | undefined
  /** The turn is used up: what waits is served in the next one. */
  #deferred = false
  #closed = false
  /** Told of each message that nobody took on arrival. */
  reader: MailboxReader | undefined

  constructor(limits: MailboxLimits) {
    this.#limits = limits
  }

  /** Messages that wait to be received. */
  get length(): number {
    return this.#length
  }

  /** Their size on the wire; messages of local senders count nothing. */
  get bytes(): number {
    return this.#bytes
  }

  get closed(): boolean {
    return this.#closed
  }

  /** Takes a message of `bytes` in. False when it does not fit; a message alone always fits. */
  push(message: Term, bytes: number): boolean {
    if (this.#closed) return true
    if (this.#first !== undefined && !this.#deferred) {
      if (!takeTurn()) this.#defer()
      else if (this.#offer(message)) return true
    }
    const { mailboxMessages, mailboxBytes } = this.#limits
    if (this.#length > 0 && (this.#length >= mailboxMessages || this.#bytes + bytes > mailboxBytes)) return false
    if (this.#length === this.#items.length) this.#grow()
    const slot = (this.#head + this.#length) & (this.#items.length - 1)
    this.#items[slot] = message
    this.#sizes[slot] = bytes
    this.#bytes += bytes
    this.#length++
    this.reader?.wake()
    return true
  }

  /** Removes the oldest message. Look at `length` first: `undefined` is a message too. */
  shift(): Term {
    const message = this.#items[this.#head]
    this.#items[this.#head] = undefined
    this.#bytes -= this.#sizes[this.#head] as number
    this.#head = (this.#head + 1) & (this.#items.length - 1)
    if (--this.#length === 0 && this.#items.length > keptCapacity) this.#release()
    return message
  }

  /** Removes the oldest message that matches, if there is one now. */
  take(match: Match = anything): { readonly message: Term } | undefined {
    const offset = this.#find(match)
    return offset === -1 ? undefined : { message: this.#removeAt(offset) }
  }

  next(): Promise<IteratorResult<Term, undefined>> {
    if (this.#length > 0 && !this.#deferred) {
      if (takeTurn()) return Promise.resolve({ value: this.shift(), done: false })
      this.#defer()
    }
    if (this.#closed) return Promise.resolve({ value: undefined, done: true })
    return new Promise((resolve) => this.#add(new NextWaiter(resolve)))
  }

  /** Serves a waiter with the oldest message it matches, now or when one comes. */
  wait(waiter: Waiter): void {
    if (this.#closed) return waiter.end()
    if (this.#length > 0 && !this.#deferred) {
      if (!takeTurn()) this.#defer()
      else if (this.#serve(waiter)) return
    }
    this.#add(waiter)
  }

  /** Takes a waiter out of the line. */
  leave(waiter: Waiter): void {
    let before: Waiter | undefined
    for (let at = this.#first; at !== undefined; before = at, at = at.next) {
      if (at !== waiter) continue
      this.#unlink(waiter, before)
      return
    }
  }

  /** Drops all messages, ends all waiters, and takes nothing in any more. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.reader = undefined
    this.#release()
    const first = this.#first
    this.#first = undefined
    for (let at = first; at !== undefined; at = at.next) at.end()
  }

  #add(waiter: Waiter): void {
    let last = this.#first
    if (last === undefined) {
      this.#first = waiter
      return
    }
    while (last.next !== undefined) last = last.next
    last.next = waiter
  }

  #unlink(waiter: Waiter, before: Waiter | undefined): void {
    if (before === undefined) this.#first = waiter.next
    else before.next = waiter.next
    waiter.next = undefined
  }

  /** Gives a message that just came to the first in line who wants it. */
  #offer(message: Term): boolean {
    let before: Waiter | undefined
    for (let at = this.#first; at !== undefined; ) {
      const next = at.next
      try {
        if (at.match === undefined || at.match(message)) {
          this.#unlink(at, before)
          at.give(message)
          return true
        }
        before = at
      } catch (error) {
        this.#unlink(at, before)
        at.fail(error)
      }
      at = next
    }
    return false
  }

  /** Gives a waiter a message from the ring. True when that settled it. */
  #serve(waiter: Waiter): boolean {
    try {
      const offset = waiter.match === undefined ? 0 : this.#find(waiter.match)
      if (offset === -1) return false
      waiter.give(this.#removeAt(offset))
    } catch (error) {
      waiter.fail(error)
    }
    return true
  }

  #defer(): void {
    if (this.#deferred) return
    this.#deferred = true
    nextTurn(() => this.#resume())
  }

  #resume(): void {
    this.#deferred = false
    let before: Waiter | undefined
    for (let at = this.#first; at !== undefined && this.#length > 0; ) {
      if (!takeTurn()) return this.#defer()
      const next = at.next
      if (this.#serve(at)) this.#unlink(at, before)
      else before = at
      at = next
    }
  }

  #find(match: Match): number {
    const mask = this.#items.length - 1
    for (let offset = 0; offset < this.#length; offset++) {
      if (match(this.#items[(this.#head + offset) & mask])) return offset
    }
    return -1
  }

  /** Removes one message by moving those before it up by one. */
  #removeAt(offset: number): Term {
    const mask = this.#items.length - 1
    const slot = (this.#head + offset) & mask
    const message = this.#items[slot]
    const bytes = this.#sizes[slot] as number
    for (let to = offset; to > 0; to--) {
      this.#items[(this.#head + to) & mask] = this.#items[(this.#head + to - 1) & mask]
      this.#sizes[(this.#head + to) & mask] = this.#sizes[(this.#head + to - 1) & mask] as number
    }
    this.#sizes[this.#head] = bytes
    this.shift()
    return message
  }

  #grow(): void {
    const capacity = this.#items.length === 0 ? firstCapacity : this.#items.length * 2
    const items: Term[] = new Array(capacity)
    const sizes: number[] = new Array(capacity)
    for (let offset = 0; offset < this.#length; offset++) {
      const slot = (this.#head + offset) & (this.#items.length - 1)
      items[offset] = this.#items[slot]
      sizes[offset] = this.#sizes[slot] as number
    }
    this.#items = items
    this.#sizes = sizes
    this.#head = 0
  }

  #release(): void {
    this.#items = unallocated
    this.#sizes = unallocated as number[]
    this.#head = 0
    this.#length = 0
    this.#bytes = 0
  }
}
