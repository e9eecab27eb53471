import type { Atom, Term } from '../../term/index.ts'
import type { NameEntry, Operation, ServerMessage } from './messages.ts'

/** An `init_connect`, as read. */
export type InitConnect = ServerMessage & { kind: 'init_connect' }

/** What has come of the names of one node, in either order. */
export interface Session {
  /** Our tag, from when the node is up; messages of another session carry another one. */
  ourTag?: number
  theirTag?: Term
  /** The version both speak. */
  version?: number
  /** An `init_connect` that came before the node was up to us. */
  early?: InitConnect
  /** Of `lock_is_set` and `exchange` the one that came first. */
  waitLock?: 'lock_is_set' | { readonly exchange: readonly NameEntry[] }
  /** Our changes, once they are known, or the partner's, if they came first. */
  operations?: readonly Operation[]
  resolved?: ServerMessage & { kind: 'resolved' }
  /** `{global, LockRequester}`. */
  lock?: Term
}

/** Compares their names with ours, in the background (`resolver`). */
export interface Resolver {
  readonly tag: number
  readonly abort: AbortController
}

/** The exchanges of names that are under way, by node. */
export class Sessions {
  readonly resolvers = new Map<Atom, Resolver>()
  readonly #sessions = new Map<Atom, Session>()

  get size(): number {
    return this.#sessions.size + this.resolvers.size
  }

  of(node: Atom): Session {
    let session = this.#sessions.get(node)
    if (session === undefined) {
      session = {}
      this.#sessions.set(node, session)
    }
    return session
  }

  /** The session a message with this tag of ours belongs to; undefined when it is of an earlier one, or of none. */
  current(node: Atom, tag: Term): Session | undefined {
    const session = this.#sessions.get(node)
    return session?.ourTag !== undefined && session.ourTag === tag ? session : undefined
  }

  tagOf(node: Atom): number | undefined {
    return this.#sessions.get(node)?.ourTag
  }

  find(node: Atom): Session | undefined {
    return this.#sessions.get(node)
  }

  reset(node: Atom): void {
    this.#sessions.delete(node)
  }

  clear(): void {
    for (const { abort } of this.resolvers.values()) abort.abort()
    this.resolvers.clear()
    this.#sessions.clear()
  }
}
