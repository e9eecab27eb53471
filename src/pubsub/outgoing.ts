import { OptionError, TsunagiError } from '../base/errors.ts'
import { boolean, knownOnly, string } from '../base/options.ts'
import { type Atom, atom, isAtom, Pid, type Term } from '../term/index.ts'
import { checkBroadcast } from './broadcast.ts'
import { PHOENIX_CHANNEL } from './dispatcher.ts'
import type { Outgoing, RetainedStamp } from './engine.ts'
import type { ResolvedPubSubOptions } from './pubsub-options.ts'
import type { RetainedValues } from './retained.ts'
import type { BroadcastOptions } from './subscribe-options.ts'
import type { Except } from './subscriber-group.ts'
import { Subscription } from './subscription.ts'

/** Makes messages on their way out of what broadcasts are called with. */
export class OutgoingMessages {
  readonly #options: ResolvedPubSubOptions
  readonly #node: string
  readonly #retained: RetainedValues | undefined

  /** `retained`: undefined where none are kept. */
  constructor(options: ResolvedPubSubOptions, node: string, retained: RetainedValues | undefined) {
    this.#options = options
    this.#node = node
    this.#retained = retained
  }

  /**
   * `one`: it goes to one node only, and cannot be retained.
   *
   * @throws OptionError; EncodeError for what a Phoenix node could not dispatch; TsunagiError `ERR_UNSUPPORTED`
   */
  make(topic: string, message: Term, options: BroadcastOptions | undefined, one = false): Outgoing {
    checkTopic(topic)
    const { terms, engine } = this.#options
    const stringKeys = terms.keys === 'strings'
    if (options === undefined) return { topic, message, dispatcher: undefined, stringKeys, retained: undefined }
    knownOnly(options, one ? ['dispatcher'] : ['dispatcher', 'retain'])
    const dispatcher = dispatcherOf(options.dispatcher)
    if (dispatcher !== undefined && !engine.capabilities.dispatchers) throw unsupported('dispatchers', engine.name)
    if (dispatcher === PHOENIX_CHANNEL) checkBroadcast(message)
    return { topic, message, dispatcher, stringKeys, retained: this.#stamp(options) }
  }

  #stamp({ retain = false }: BroadcastOptions): RetainedStamp | undefined {
    if (!boolean(retain, 'retain')) return undefined
    const { engine } = this.#options
    if (this.#retained === undefined || !engine.capabilities.retained) throw unsupported('retained values', engine.name)
    return this.#retained.stamp(this.#node)
  }
}

/** What an engine lacks, or the options of the pub/sub have forgone. */
export function unsupported(what: string, engine: string): TsunagiError {
  return new TsunagiError('ERR_UNSUPPORTED', `there are no ${what} with these options and this engine (${engine})`)
}

/** @throws OptionError */
export function checkTopic(topic: string): string {
  if (typeof topic === 'string' && topic.isWellFormed()) return topic
  throw new OptionError('topic', topic, 'text without lone surrogates')
}

/** Who a broadcast is not for. @throws OptionError */
export function exceptFor(from: Subscription | Pid): Except {
  if (from instanceof Subscription) return (subscription) => subscription === from
  if (from instanceof Pid) return ({ to }) => to?.equals(from) === true
  throw new OptionError('from', from, 'a subscription, or a pid')
}

function dispatcherOf(dispatcher: Atom | string | undefined): Atom | undefined {
  if (dispatcher === undefined || isAtom(dispatcher)) return dispatcher
  return atom(string(dispatcher, 'dispatcher'))
}
