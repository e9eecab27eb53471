import { OptionError, TsunagiError } from '../base/errors.ts'
import { string } from '../base/options.ts'
import { PubSub } from './pubsub.ts'
import type { PubSubHost } from './pubsub-host.ts'
import { type PubSubOptions, resolvePubSubOptions } from './pubsub-options.ts'

const ELIXIR = 'Elixir.'

/** The pub/subs of a node that are open, by their names. */
export class PubSubs {
  readonly #host: PubSubHost
  readonly #open = new Map<string, PubSub>()
  #closed = false

  constructor(host: PubSubHost) {
    this.#host = host
    // What was published leaves while there are links, and a connection.
    host.serviceHost.closeFirst(() => this.close())
  }

  /** @throws OptionError, TsunagiError `ERR_CLOSED`; see `node.pubsub` */
  get(given: string, options?: PubSubOptions): PubSub {
    if (this.#closed) throw new TsunagiError('ERR_CLOSED', `the node ${this.#host.name} is closed`)
    const name = nameOf(given)
    const there = this.#open.get(name)
    if (there !== undefined && options === undefined) return there
    const resolved = resolvePubSubOptions(options ?? {}, this.#host.serviceHost.terms)
    if (there === undefined) return this.#add(name, resolved)
    const other = there.differingOption(resolved)
    if (other === undefined) return there
    const value = options?.[other as keyof PubSubOptions]
    throw new OptionError(other, value, `the same options as before for the pub/sub ${name}`)
  }

  /** Those that are open. */
  list(): PubSub[] {
    return [...this.#open.values()]
  }

  /** The node leaves. */
  withdraw(): void {
    for (const pubsub of this.#open.values()) pubsub.withdraw()
  }

  /** All of them leave, while the links of the node are still there. */
  async close(): Promise<void> {
    this.#closed = true
    await Promise.all(Array.from(this.#open.values(), (pubsub) => pubsub.close()))
  }

  #add(name: string, options: ReturnType<typeof resolvePubSubOptions>): PubSub {
    const pubsub = new PubSub(name, options, this.#host, () => this.#open.delete(name))
    this.#open.set(name, pubsub)
    return pubsub
  }
}

/** `Elixir.MyApp.PubSub` and `MyApp.PubSub` are the same. */
function nameOf(given: string): string {
  string(given, 'name')
  const name = given.startsWith(ELIXIR) ? given.slice(ELIXIR.length) : given
  // The longest name of a group has to be an atom: at most 255 characters.
  if (name === '' || name.length > 200 || !name.isWellFormed()) {
    throw new OptionError('name', given, '1 to 200 characters')
  }
  return name
}
