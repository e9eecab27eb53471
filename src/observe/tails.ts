import { OptionError, TsunagiError } from '../base/errors.ts'
import type { Subscription } from '../pubsub/subscription.ts'
import { print, type Term } from '../term/index.ts'
import type { TailMessage } from './observatory.ts'
import type { ObservedNode } from './report/observed-node.ts'
import { cut } from './shape.ts'

/** Tails at once. */
const MAX_TAILS = 50
/** Messages of one tail in a second. */
const MAX_RATE = 50
/** The longest text of a message. */
const MAX_TEXT = 2000

/** Shows the messages of topics as they pass this node. */
export class Tails {
  readonly #node: ObservedNode
  readonly #wallNow: () => number
  readonly #open = new Set<Subscription>()

  constructor(node: ObservedNode, wallNow: () => number) {
    this.#node = node
    this.#wallNow = wallNow
  }

  /** See `Observatory.tail`. */
  open(name: string, topic: string, listener: (message: TailMessage) => void): () => void {
    const pubsub = this.#node.pubsubs().find((it) => it.name === name)
    if (pubsub === undefined) {
      throw new OptionError('pubsub', name, `the name of a pub/sub that ${this.#node.name} takes part in`)
    }
    if (this.#open.size >= MAX_TAILS) {
      throw new TsunagiError('ERR_LIMIT', `there are ${MAX_TAILS} tails already, which is all there can be`)
    }
    const { clock } = this.#node.serviceHost
    let second = 0
    let shown = 0
    let skipped = 0
    const subscription = pubsub.subscribe<Term>(topic, {
      pattern: topic.includes('*'),
      onMessage: (message, info) => {
        const now = Math.floor(clock.now() / 1000)
        if (now !== second) [second, shown] = [now, 0]
        if (++shown > MAX_RATE) return void skipped++
        const { text, isCut } = textOf(message)
        listener({
          at: this.#wallNow(),
          topic: cut(info.topic, 300),
          node: info.node ?? null,
          text,
          cut: isCut,
          skipped,
        })
        skipped = 0
      },
    })
    this.#open.add(subscription)
    return () => {
      this.#open.delete(subscription)
      subscription.close()
    }
  }

  close(): void {
    for (const subscription of this.#open) subscription.close()
    this.#open.clear()
  }
}

function textOf(message: Term): { readonly text: string; readonly isCut: boolean } {
  // Enough to see whether there is more.
  const whole = print(message, { length: 2 * MAX_TEXT })
  return { text: cut(whole, MAX_TEXT), isCut: whole.length > MAX_TEXT }
}
