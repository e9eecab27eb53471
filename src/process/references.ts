import type { Atom } from '../term/atom.ts'
import { Reference } from '../term/identifiers.ts'
import type { MessageReceiver } from './router.ts'
import type { Watcher } from './watch.ts'

/** What a reference made here stands for as long as it is in use: a monitor, an alias, or a call, which is both. */
export interface ReferenceUse {
  /** Itself, if it watches somebody. */
  readonly watcher?: Watcher
  /** Itself, if messages can be sent to the reference. */
  readonly receiver?: MessageReceiver
}

// The first word holds 18 bits on every OTP release, the second 32, and the third says that we made it: it cannot be
// guessed by a peer that was not told.
const low = 2 ** 18

/** Makes references, and knows what those in use stand for, found by their counter. */
export class References {
  readonly #node: Atom
  readonly #creation: number
  readonly #secret: number
  readonly #uses = new Map<number, ReferenceUse>()
  #counter = 0

  constructor(node: Atom, creation: number, secret: number) {
    this.#node = node
    this.#creation = creation
    this.#secret = secret
  }

  /** How many are in use. */
  get size(): number {
    return this.#uses.size
  }

  create(): Reference {
    const counter = ++this.#counter
    return new Reference(this.#node, [counter % low, Math.floor(counter / low), this.#secret], this.#creation)
  }

  use(ref: Reference, use: ReferenceUse): void {
    this.#uses.set(counterOf(ref), use)
  }

  /** Forgets what a reference made by {@link create} stands for. */
  drop(ref: Reference): void {
    this.#uses.delete(counterOf(ref))
  }

  find(ref: Reference): ReferenceUse | undefined {
    return this.isOwn(ref) ? this.#uses.get(counterOf(ref)) : undefined
  }

  /** Whether a reference was made here, in use or not. */
  isOwn(ref: Reference): boolean {
    const { words } = ref
    if (words[2] !== this.#secret || words.length !== 3) return false
    return ref.creation === this.#creation && ref.nodeAtom === this.#node
  }
}

function counterOf({ words }: Reference): number {
  return (words[0] as number) + (words[1] as number) * low
}
