import { type Atom, atom, type Term } from '../term/index.ts'
import type { Delivery } from './delivery.ts'

/** The default dispatcher of Phoenix.PubSub: each subscriber gets the message. */
export const PHOENIX_PUBSUB: Atom = atom('Elixir.Phoenix.PubSub')
/** The dispatcher of Phoenix channels, and of `Endpoint.broadcast`. */
export const PHOENIX_CHANNEL: Atom = atom('Elixir.Phoenix.Channel.Server')

/** A subscription, as a dispatcher sees it. */
export interface Recipient {
  /** What `subscribe` was given as `metadata`. */
  readonly metadata: unknown
  /** Hands it a message, which may be another than the one that was broadcast. */
  deliver(message: Term): void
}

/**
 * Says who of the subscribers of a topic gets what, in place of Phoenix.PubSub's own way, which is: each gets the message.
 * Whoever the broadcast is not meant for (`broadcastFrom`) is left out already. Must be synchronous.
 */
export type Dispatcher = (recipients: readonly Recipient[], delivery: Delivery) => void

/**
 * Dispatchers that every pub/sub has. Phoenix.Channel.Server gives subscribers that are no channels the message itself, as
 * the default one does; there are no channels here.
 */
export function isDefault(dispatcher: Atom | undefined): boolean {
  return dispatcher === undefined || dispatcher === PHOENIX_PUBSUB || dispatcher === PHOENIX_CHANNEL
}
