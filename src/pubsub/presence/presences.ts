import { OptionError, TsunagiError } from '../../base/errors.ts'
import { decodeOptions } from '../pubsub-options.ts'
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
    if (pubsub.closed) throw new TsunagiError('ERR_CLOSED', `the pub/sub ${pubsub.name} is closed`)
    const resolved = resolvePresenceOptions(options, { ...terms, ...decodeOptions(options) })
    const there = this.#open.get(resolved.name)
    if (there === undefined) return this.#add(resolved)
    if (there.hasOptions(resolved)) return there
    throw new OptionError('options', options, `the same options as before for the presence ${resolved.name}`)
  }

  /** All of them leave, while the pub/sub is still there. */
  close(): void {
    for (const presence of [...this.#open.values()]) presence.close()
  }

  #add(options: ReturnType<typeof resolvePresenceOptions>): Presence {
    const presence = new Presence(options, this.#host, () => this.#open.delete(options.name))
    this.#open.set(options.name, presence)
    return presence
  }
}
