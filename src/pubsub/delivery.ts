import type { Term } from '../term/index.ts'

/** A message on its way to the subscribers of one node. All of them see the same object, and the same message in it. */
export interface Delivery {
  readonly topic: string
  readonly message: Term
  /** The node that broadcast it, this one included; undefined when the engine cannot tell. */
  readonly node: string | undefined
  /** It was broadcast before the subscription began, and kept; see `replay`. */
  readonly replayed: boolean
}
