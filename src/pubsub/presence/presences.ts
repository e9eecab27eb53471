import { OptionError, TsunagiError } from '../../base/errors.ts'
import { instance } from '../../base/options.ts'
import { resolveTermOptions } from '../../term/term-options.ts'
import { Presence } from './presence.ts'
import type { PresenceHost } from './presence-host.ts'
import { type PresenceOptions, resolvePresenceOptions } from './presence-options.ts'

/** The presences of a pub/sub that are open, by their names. */
export class Presences {
  readonly #host: PresenceHost
  readonly #open = new Map<string, Presence>()

  constructor(host: PresenceHost) {
    this.#host = host
    host.pubsub.on('nodeup', (name) => {
      for (const presence of [...this.#open.values()]) presence.nodeUp(name)
    })
  }

  /** @throws OptionError, TsunagiError `ERR_CLOSED`, `ERR_UNSUPPORTED`; see `pubsub.presence` */
  get(options: PresenceOptions): Presence {
    const { pubsub, terms } = this.#host
    instance(options, 'options', 'an object of presence options with a name', (it) => !Array.isArray(it))
    if (pubsub.closed) throw new TsunagiError('ERR_CLOSED', `the pub/sub ${pubsub.name} is closed`)
    const resolved = resolvePresenceOptions(options, resolveTermOptions(options, terms))
    const there = this.#open.get(resolved.name)
    if (there === undefined) return this.#add(resolved)
    const other = there.differingOption(resolved)
    if (other === undefined) return there
    const value = options[other as keyof PresenceOptions]
    throw new OptionError(other, value, `the same options as before for the presence ${resolved.name}`)
  }

  /** All of them leave, while the pub/sub is still there. */
  close(): void {
    for (const presence of [...this.#open.values()]) presence.close()
  }

  #add(options: ReturnType<typeof resolvePresenceOptions>): Presence {
    const { capabilities, name } = this.#host.pubsub
    if (!capabilities.presence) {
      throw new TsunagiError('ERR_UNSUPPORTED', `the engine of the pub/sub ${name} has no presence`)
    }
    const presence = new Presence(options, this.#host, () => this.#open.delete(options.name))
    this.#open.set(options.name, presence)
    return presence
  }
}
