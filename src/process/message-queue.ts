import type { Term } from '../term/term.ts'

const firstCapacity = 8
/** Above this many slots a drained queue gives its room back. */
const keptCapacity = 1024

/** Messages in the order they came, each with its size: a ring, from whose middle a message can be taken, too. */
export class MessageQueue {
  #items: Term[] = new Array(firstCapacity)
  /** What each item counts against `mailboxBytes`, at the same place. */
  #sizes: number[] = new Array(firstCapacity)
  #head = 0
  #length = 0
  #bytes = 0

  get length(): number {
    return this.#length
  }

  get bytes(): number {
    return this.#bytes
  }

  push(message: Term, bytes: number): void {
    if (this.#length === this.#items.length) this.#resize(this.#length * 2)
    const slot = (this.#head + this.#length) & (this.#items.length - 1)
    this.#items[slot] = message
    this.#sizes[slot] = bytes
    this.#bytes += bytes
    this.#length++
  }

  /** Removes the oldest message; there must be one. */
  shift(): Term {
    const message = this.#items[this.#head]
    this.#items[this.#head] = undefined
    this.#bytes -= this.#sizes[this.#head] as number
    this.#head = (this.#head + 1) & (this.#items.length - 1)
    if (--this.#length === 0 && this.#items.length > keptCapacity) this.#resize(firstCapacity)
    return message
  }

  /** How many are before the oldest one that matches; -1 when none does. */
  find(match: (message: Term) => boolean): number {
    const mask = this.#items.length - 1
    for (let offset = 0; offset < this.#length; offset++) {
      if (match(this.#items[(this.#head + offset) & mask])) return offset
    }
    return -1
  }

  /** Removes one message by moving those before it up by one. */
  removeAt(offset: number): Term {
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

  #resize(capacity: number): void {
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
}
