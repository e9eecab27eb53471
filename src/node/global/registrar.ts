import { type Atom, atom } from '../../term/index.ts'
import type { GlobalState } from './global-state.ts'
import { type Asker, LockClient } from './lock-client.ts'
import type { LockId } from './requests.ts'
import { bossOf } from './term-order.ts'

/** The nodes that are locked, this one among them. */
export type Locked = readonly [Atom, ...Atom[]]

/**
 * Changes the names on all known nodes, one change after the other and each under the lock that guards the names
 * (`the_registrar` and `trans_all_known` of OTP's global).
 */
export class Registrar {
  readonly #state: GlobalState
  readonly #client: LockClient
  readonly #id: LockId
  #last: Promise<unknown> = Promise.resolve()

  constructor(state: GlobalState, asker: Asker) {
    this.#state = state
    this.#client = new LockClient(state.lockHost, asker)
    this.#id = { resource: atom('global'), requester: asker.pid }
  }

  /**
   * Runs a change with all known nodes locked, after those before it. An abort is heeded until the lock is set.
   *
   * @throws the signal's reason; `ERR_CLOSED` or ExitError when the node closes.
   */
  run<T>(change: (client: LockClient, nodes: Locked) => Promise<T>, signal?: AbortSignal): Promise<T> {
    const result = this.#last.then(() => this.#locked(change, signal))
    this.#last = result.catch(() => {
      // Whoever asked for it hears of it.
    })
    return result
  }

  async #locked<T>(
    change: (client: LockClient, nodes: Locked) => Promise<T>,
    signal: AbortSignal | undefined,
  ): Promise<T> {
    const nodes = await this.#lock(signal)
    try {
      signal?.throwIfAborted()
      return await change(this.#client, nodes)
    } finally {
      await this.#client.deleteBossLast(this.#id, nodes)
    }
  }

  /** `set_lock_known`: the boss first, then all; again when there are others meanwhile. */
  async #lock(signal: AbortSignal | undefined): Promise<Locked> {
    for (let times = 0; ; times++) {
      signal?.throwIfAborted()
      const known = this.#state.known.nodes
      const nodes: Locked = [this.#state.self, ...known]
      const boss = bossOf(nodes)
      if (await this.#client.setOnce(this.#id, [boss])) {
        if (await this.#client.setOnce(this.#id, nodes)) {
          if (this.#state.known.nodes.every((node) => known.includes(node))) return nodes
          await this.#client.deleteBossLast(this.#id, nodes)
        } else await this.#client.delete(this.#id, [boss])
      }
      await this.#client.sleep(times, signal)
    }
  }
}
