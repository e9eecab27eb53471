import { type Atom, atom } from '../../../term/index.ts'

/** Pools larger than this are not followed: nobody has them, and each group costs a process. */
export const MAX_POOL = 64

/**
 * The process groups of a pub/sub, as Phoenix.PubSub's PG2 adapter names them. Each member of a pool is a group; in each
 * every node has one process, registered under the group's own name.
 *
 * | Phoenix.PubSub | groups |
 * |---|---|
 * | 2.0 | `Adapter` |
 * | 2.1.0 | `Adapter_1` … `Adapter_N` |
 * | 2.1.1 and later | `Adapter`, `Adapter_2` … `Adapter_N` |
 *
 * `Adapter` stands for `Elixir.MyApp.PubSub.Adapter`. Whoever joins all of them hears every version, since each message is
 * sent to one group only. Source: `lib/phoenix/pubsub/pg2.ex` of the tags v2.0.0 to v2.2.0.
 */
export class GroupNames {
  readonly #base: string

  /** `name`: that of the pub/sub, without `Elixir.`. */
  constructor(name: string) {
    this.#base = `Elixir.${name}.Adapter`
  }

  /** The group of the first member of the pool, from 2.1.1 on, and the only one of 2.0. */
  get first(): Atom {
    return atom(this.#base)
  }

  /** The group of a member of the pool from the second on, or `_1`, the first one of 2.1.0. */
  numbered(member: number): Atom {
    return atom(`${this.#base}_${member}`)
  }

  /** All groups to listen on for pools of this size. */
  all(size: number): Atom[] {
    return [this.first, ...Array.from({ length: size }, (_, i) => this.numbered(i + 1))]
  }

  /** Which member of the pool a group is, from 1; 0 for the first of 2.1.1; undefined for a group of somebody else. */
  memberOf(group: unknown): number | undefined {
    const name = (group as Partial<Atom> | null | undefined)?.name
    if (typeof name !== 'string' || !name.startsWith(this.#base)) return undefined
    if (name.length === this.#base.length) return 0
    const digits = /^_([1-9]\d{0,3})$/.exec(name.slice(this.#base.length))
    return digits === null ? undefined : Number(digits[1])
  }
}
