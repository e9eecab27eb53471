import { inspect } from 'node:util'
import type { Pid, Term } from '../../term/index.ts'
import type { Entry } from './entry.ts'
import { type Meta, PHX_REF } from './present.ts'

/** What a handle asks of the presence that made it. */
export interface HandleOwner {
  update(handle: PresenceHandle, meta: Meta | ((meta: Meta) => Meta)): boolean
  untrack(handle: PresenceHandle): void
  metaOf(entry: Entry): Meta
}

/**
 * Somebody who is present because of this program: what `presence.track` returns. Ends by `untrack`, with its process, or
 * with the presence.
 */
export class PresenceHandle implements AsyncDisposable {
  readonly topic: string
  readonly key: Term
  /** The process it belongs to; without one of the program's, one of its own. */
  readonly pid: Pid
  /** @internal What is tracked now; undefined when it has ended. */
  entry: Entry | undefined
  readonly #owner: HandleOwner

  /** Use `presence.track`. */
  constructor(entry: Entry, key: Term, owner: HandleOwner) {
    this.topic = entry.topic as string
    this.key = key
    this.pid = entry.pid
    this.entry = entry
    this.#owner = owner
  }

  /** It is no longer tracked. */
  get closed(): boolean {
    return this.entry === undefined
  }

  /** What it was last given, with `phx_ref`; undefined when it has ended. */
  get meta(): Meta | undefined {
    return this.entry === undefined ? undefined : this.#owner.metaOf(this.entry)
  }

  /** The reference of what is tracked now, another one after each update; undefined when it has ended. */
  get ref(): string | undefined {
    const meta = this.entry?.meta as ReadonlyMap<Term, Term> | undefined
    return meta?.get(PHX_REF) as string | undefined
  }

  /**
   * Puts another meta in place, or what a function makes of the one there is. False when it is no longer tracked
   * (Phoenix.Tracker: `:nopresence`).
   *
   * @throws EncodeError, OptionError
   */
  update(meta: Meta | ((meta: Meta) => Meta)): boolean {
    return this.#owner.update(this, meta)
  }

  /** Leaves the topic. Idempotent. */
  untrack(): void {
    this.#owner.untrack(this)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.untrack()
  }

  [inspect.custom](): string {
    const { topic, key, closed } = this
    return `PresenceHandle<${topic}, ${inspect(key)}${closed ? ', closed' : ''}>`
  }
}
