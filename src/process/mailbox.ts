import type { Term } from '../term/term.ts'
import { MessageQueue } from './message-queue.ts'
import { nextTurn, takeTurn } from './turn.ts'

/** Says whether a message is one that a receiver waits for. Called where the message arrives: keep it short and pure. */
export type Match = (message: Term) => boolean

/** How much a mailbox holds before it overflows. */
export interface MailboxLimits {
  readonly mailboxMessages: number
  readonly mailboxBytes: number
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

/** Settles the promise that `for await` waits on. */
type Resolve = (result: IteratorResult<Term, undefined>) => void

/** A `for await` that waits in line with others. */
class NextWaiter extends Waiter {
  readonly #resolve: Resolve

  constructor(resolve: Resolve) {
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

/**
 * The messages of one process, in the order they came; receivers wait in line. What only some processes need is made
 * when they do, so that one that just waits costs little: the queue with the first message that has to wait, the line
 * with the second receiver.
 */
export abstract class Mailbox implements AsyncIterator<Term, undefined> {
  #queue: MessageQueue | undefined
  /** A `for await` that waits and is the only one who does, as in most processes: it needs no line. */
  #loop: Resolve | undefined
  #first: Waiter | undefined
  /** The turn is used up: what waits is served in the next one. */
  #deferred = false
  #closed = false

  protected abstract get limits(): MailboxLimits

  /** Messages that wait to be received. */
  get length(): number {
    return this.#queue === undefined ? 0 : this.#queue.length
  }

  /** Their size on the wire; messages of local senders count nothing. */
  get bytes(): number {
    return this.#queue === undefined ? 0 : this.#queue.bytes
  }

  get closed(): boolean {
    return this.#closed
  }

  /** Takes a message of `bytes` in. False when it does not fit; a message alone always fits. */
  push(message: Term, bytes: number): boolean {
    if (this.#closed) return true
    if (!this.#deferred && (this.#loop !== undefined || this.#first !== undefined)) {
      if (!takeTurn()) this.#defer()
      else if (this.#offer(message)) return true
    }
    this.#queue ??= new MessageQueue()
    const queue = this.#queue
    const { mailboxMessages, mailboxBytes } = this.limits
    if (queue.length > 0 && (queue.length >= mailboxMessages || queue.bytes + bytes > mailboxBytes)) return false
    queue.push(message, bytes)
    this.wake()
    return true
  }

  /** A message came that nobody took. Those who empty their mailbox by themselves, without waiting in line, hear it here. */
  protected wake(): void {}

  /** Removes the oldest message. Look at `length` first: `undefined` is a message too. */
  shift(): Term {
    return this.#queue?.shift()
  }

  /** Removes the oldest message that matches, if there is one now. */
  take(match: Match = anything): { readonly message: Term } | undefined {
    const queue = this.#queue
    const offset = queue?.find(match) ?? -1
    return queue === undefined || offset === -1 ? undefined : { message: queue.removeAt(offset) }
  }

  next(): Promise<IteratorResult<Term, undefined>> {
    const queue = this.#queue
    if (queue !== undefined && queue.length > 0 && !this.#deferred) {
      if (takeTurn()) return Promise.resolve({ value: queue.shift(), done: false })
      this.#defer()
    }
    if (this.#closed) return Promise.resolve({ value: undefined, done: true })
    return new Promise((resolve) => this.#addLoop(resolve))
  }

  /** Serves a waiter with the oldest message it matches, now or when one comes. */
  wait(waiter: Waiter): void {
    if (this.#closed) return waiter.end()
    if (this.length > 0 && !this.#deferred) {
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
    this.#queue = undefined
    const first = this.#first
    this.#first = undefined
    this.#takeLoop()?.({ value: undefined, done: true })
    for (let at = first; at !== undefined; at = at.next) at.end()
  }

  #addLoop(resolve: Resolve): void {
    if (this.#loop === undefined && this.#first === undefined) this.#loop = resolve
    else this.#add(new NextWaiter(resolve))
  }

  #add(waiter: Waiter): void {
    const loop = this.#takeLoop()
    if (loop !== undefined) this.#first = new NextWaiter(loop)
    let last = this.#first
    if (last === undefined) {
      this.#first = waiter
      return
    }
    while (last.next !== undefined) last = last.next
    last.next = waiter
  }

  #takeLoop(): Resolve | undefined {
    const loop = this.#loop
    this.#loop = undefined
    return loop
  }

  #unlink(waiter: Waiter, before: Waiter | undefined): void {
    if (before === undefined) this.#first = waiter.next
    else before.next = waiter.next
    waiter.next = undefined
  }

  /** Gives a message that just came to the first in line who wants it. */
  #offer(message: Term): boolean {
    const loop = this.#takeLoop()
    if (loop !== undefined) {
      loop({ value: message, done: false })
      return true
    }
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

  /** Gives a waiter a message from the queue. True when that settled it. */
  #serve(waiter: Waiter): boolean {
    try {
      const found = this.take(waiter.match)
      if (found === undefined) return false
      waiter.give(found.message)
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
    if (this.#loop !== undefined && this.length > 0) {
      if (!takeTurn()) return this.#defer()
      this.#takeLoop()?.({ value: this.shift(), done: false })
    }
    let before: Waiter | undefined
    for (let at = this.#first; at !== undefined && this.length > 0; ) {
      if (!takeTurn()) return this.#defer()
      const next = at.next
      if (this.#serve(at)) this.#unlink(at, before)
      else before = at
      at = next
    }
  }
}
