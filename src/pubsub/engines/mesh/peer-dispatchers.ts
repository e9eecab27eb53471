import type { Clock } from '../../../base/clock.ts'
import { type Atom, atom, isTuple } from '../../../term/index.ts'
import type { PubSubHost } from '../../pubsub-host.ts'

/** A node that lacked a dispatcher is asked again after this many milliseconds: it may have been loaded since. */
const ASK_AGAIN = 10_000
/** How many dispatchers are remembered per node. */
const MAX_KNOWN = 64

type Knowledge = 'has' | 'asking' | { readonly lacksUntil: number }

/**
 * Which dispatchers a BEAM node has. One it lacks would crash the process there that dispatches, and if that happens often
 * enough the whole application; so it is asked (`code:ensure_loaded/1`, `erlang:function_exported/3`) before it is sent
 * one for the first time, also when it sent such a one itself: that was for who has it, which need not be itself.
 */
export class PeerDispatchers {
  readonly #node: Atom
  readonly #host: PubSubHost
  readonly #clock: Clock
  readonly #known = new Map<Atom, Knowledge>()

  constructor(node: Atom, host: PubSubHost, clock: Clock) {
    this.#node = node
    this.#host = host
    this.#clock = clock
  }

  /** True, false, or undefined while it is not known: then `answered` is called when it is. */
  has(dispatcher: Atom, answered: () => void): boolean | undefined {
    const known = this.#known.get(dispatcher)
    if (known === 'has') return true
    if (known === 'asking') return undefined
    if (known !== undefined && this.#clock.now() < known.lacksUntil) return false
    this.#learn(dispatcher, 'asking')
    void this.#ask(dispatcher).then((has) => {
      const lacks = { lacksUntil: this.#clock.now() + ASK_AGAIN }
      if (this.#known.get(dispatcher) === 'asking') this.#learn(dispatcher, has ? 'has' : lacks)
      answered()
    })
    return undefined
  }

  async #ask(dispatcher: Atom): Promise<boolean> {
    // A node of this package can take any.
    if (this.#host.serviceHost.isOurs(this.#node)) return true
    try {
      const { name } = this.#node
      const loaded = await this.#host.rpc(name, 'code', 'ensure_loaded', [dispatcher])
      if (!isTuple(loaded) || loaded[0] !== atom('module')) return false
      return (await this.#host.rpc(name, 'erlang', 'function_exported', [dispatcher, atom('dispatch'), 3])) === true
    } catch {
      // It cannot be asked, so it is not known to have it.
      return this.#host.serviceHost.isOurs(this.#node)
    }
  }

  #learn(dispatcher: Atom, knowledge: Knowledge): void {
    this.#known.delete(dispatcher)
    this.#known.set(dispatcher, knowledge)
    if (this.#known.size <= MAX_KNOWN) return
    const [oldest] = this.#known.keys()
    this.#known.delete(oldest as Atom)
  }
}
