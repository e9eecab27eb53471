import type { Atom, DecodeOptions, Pid, Term } from '../term/index.ts'
import type { Overflow } from './pubsub-options.ts'
import type { OnMessage } from './subscription.ts'

/** Options of every `pubsub.subscribe`. How messages of other nodes are decoded can differ from the pub/sub. */
export interface SubscribeOptions extends DecodeOptions {
  /**
   * The topic is a pattern: `*` in it stands for any characters, none included, and `\` takes the one after it as it is.
   * Default false, since a topic may well contain a star.
   */
  readonly pattern?: boolean
  /** For dispatchers of one's own: they see it beside each subscription. */
  readonly metadata?: unknown
  /**
   * Begin with the last value that was broadcast with `retain`, before `subscribe` returns, if this node has it; and get a
   * later one that it learns of from others. Default false.
   */
  readonly replay?: boolean
  /** Closes the subscription. */
  readonly signal?: AbortSignal | undefined
}

/** Options of a subscription that is read with `for await`. */
export interface StreamOptions extends SubscribeOptions {
  /**
   * Messages held for a slow reader. Default: the pub/sub's. Those that came from other nodes are also bounded by
   * `limits.mailboxBytes`, as in a mailbox.
   */
  readonly capacity?: number
  /** What happens above that. Default: the pub/sub's. */
  readonly overflow?: Overflow
}

/** Options of a subscription that calls a function. */
export interface CallbackOptions<T = Term> extends SubscribeOptions {
  /** Called with each message, in the turn in which it arrives or is broadcast. */
  readonly onMessage: OnMessage<T>
}

/** Options of a subscription of a process. */
export interface ProcessOptions extends SubscribeOptions {
  /** A process of this node, which gets the messages in its mailbox, as they are. */
  readonly to: Pid
}

/** Options of a broadcast. */
export interface BroadcastOptions {
  /**
   * The module that dispatches the message on each node, such as `Elixir.Phoenix.Channel.Server`. A BEAM node that does not
   * have it gets nothing. Default: Phoenix.PubSub's own.
   */
  readonly dispatcher?: Atom | string
  /**
   * Keep the message as the last value of its topic, on all nodes of this package that take part, for those who subscribe
   * later with `replay`. Of two that were broadcast at once the one whose publisher's clock was ahead wins, everywhere.
   * `undefined` as message takes a kept value away. Default false.
   */
  readonly retain?: boolean
}
