import type { Clock } from '../../base/clock.ts'
import { TsunagiError } from '../../base/errors.ts'
import type { CallOptions } from '../../process/call.ts'
import { ExitError } from '../../process/exit-reason.ts'
import type { Atom, Pid, Term } from '../../term/index.ts'
import type { LockTable } from './lock-table.ts'
import { EXACT, NAME_SERVER } from './messages.ts'
import { type LockId, serverRequest } from './requests.ts'
import { bossOf } from './term-order.ts'

/** Who asks: the process that holds the locks. */
export interface Asker {
  readonly pid: Pid
  call(to: { readonly name: string; readonly node: Atom }, request: Term, options: CallOptions): Promise<Term>
}

/** What a client of locks needs of its node. */
export interface LockHost {
  readonly self: Atom
  readonly clock: Clock
  readonly locks: LockTable
  /** Whether a node may be asked, and so dialled. */
  mayAsk(node: Atom): boolean
  /** Has a wait ended when the node closes. The result takes that back. */
  onClose(closer: () => void): () => void
}

/** Options of setting a lock. */
export interface SetLockOptions {
  /** How often to try again after a refusal. Default: for ever. */
  readonly retries?: number
  readonly signal?: AbortSignal | undefined
}

const patient: CallOptions = { timeout: Number.POSITIVE_INFINITY, terms: EXACT }

/** Sets and deletes locks on several nodes, for one process (`set_lock`, `del_lock` and `trans` of OTP's global). */
export class LockClient {
  readonly #host: LockHost
  readonly #asker: Asker

  constructor(host: LockHost, asker: Asker) {
    this.#host = host
    this.#asker = asker
  }

  /**
   * Asks the name servers of several nodes; those that are gone are left out.
   *
   * @throws ExitError when the asker has ended; `CallError` or `ERR_CLOSED` when this node's own server is gone.
   */
  async ask(nodes: readonly Atom[], request: Term): Promise<(readonly [node: Atom, reply: Term])[]> {
    const answers = await Promise.all(nodes.map((node) => this.#askOne(node, request)))
    return answers.filter((answer) => answer !== undefined)
  }

  async #askOne(node: Atom, request: Term): Promise<readonly [Atom, Term] | undefined> {
    if (!this.#host.mayAsk(node)) return undefined
    try {
      return [node, await this.#asker.call({ name: NAME_SERVER, node }, request, patient)]
    } catch (error) {
      if (error instanceof ExitError || node === this.#host.self) throw error
      return undefined
    }
  }

  /** Sets a lock on all nodes, or on none. Between attempts it waits longer and longer, up to 8 s. */
  async set(id: LockId, nodes: readonly Atom[], options: SetLockOptions = {}): Promise<boolean> {
    const { retries = Number.POSITIVE_INFINITY, signal } = options
    for (let times = 1; ; times++) {
      signal?.throwIfAborted()
      if (await this.setOnce(id, nodes)) {
        if (signal?.aborted !== true) return true
        await this.delete(id, nodes)
        signal.throwIfAborted()
      }
      if (times > retries) return false
      await this.sleep(times, signal)
    }
  }

  /** One attempt. Where another requester is met, what was set is deleted again. */
  async setOnce(id: LockId, nodes: readonly Atom[]): Promise<boolean> {
    if (nodes.length === 0) return true
    const { locks, self } = this.#host
    // Looked up at home first, as one refusal is enough.
    if (nodes.length > 1 && nodes.includes(self) && !locks.isFreeFor(id)) return false
    const replies = await this.ask(nodes, serverRequest.setLock(id))
    if (replies.every(([, reply]) => reply === true)) return true
    const set = replies.filter(([, reply]) => reply === true).map(([node]) => node)
    await this.delete(id, set)
    return false
  }

  async delete(id: LockId, nodes: readonly Atom[]): Promise<void> {
    if (nodes.length > 0) await this.ask(nodes, serverRequest.delLock(id))
  }

  /** Deletes a lock last where it was set first: who waits there then finds the others free. */
  async deleteBossLast(id: LockId, nodes: readonly [Atom, ...Atom[]]): Promise<void> {
    const boss = bossOf(nodes)
    await this.delete(
      id,
      nodes.filter((node) => node !== boss),
    )
    await this.delete(id, [boss])
  }

  /** A random time: at first up to a quarter of a second, doubled with each attempt up to 8 seconds. */
  sleep(times: number, signal?: AbortSignal): Promise<void> {
    const most = times > 5 ? 8000 : (2 ** times * 1000) / 8
    return new Promise((resolve, reject) => {
      const end = (): void => {
        timer.cancel()
        forget()
        signal?.removeEventListener('abort', abort)
      }
      const abort = (): void => {
        end()
        reject(signal?.reason)
      }
      const timer = this.#host.clock.after(Math.ceil(Math.random() * most), () => {
        end()
        resolve()
      })
      const forget = this.#host.onClose(() => {
        end()
        reject(new TsunagiError('ERR_CLOSED', 'the node is closed'))
      })
      signal?.addEventListener('abort', abort, { once: true })
    })
  }
}
