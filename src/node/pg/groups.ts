import type { Pid, Term } from '../../term/index.ts'
import { Bag } from './bag.ts'

/** Processes joined a group, or left it. */
export interface PgEvent {
  readonly type: 'join' | 'leave'
  readonly group: Term
  /** Those who did, each as often as it did. All live on the same node. */
  readonly pids: readonly Pid[]
}

/** A group's name and members, as a sync has them. */
export interface Membership {
  readonly name: Term
  readonly pids: readonly Pid[]
}

/** The memberships that one side told of: this node, or a peer's scope. */
export class Holder {
  /** By the key of their group. */
  readonly parts = new Map<unknown, Part>()
  /** Some were refused for lack of room. */
  full = false
  readonly #limit: number
  #weight = 0

  /** `limit`: see {@link weigh}. Default: none. */
  constructor(limit: number = Number.POSITIVE_INFINITY) {
    this.#limit = limit
  }

  /** How many of `pids` may still be added to a group. */
  room(key: unknown, pids: readonly Pid[]): readonly Pid[] {
    const own = this.parts.has(key) ? 0 : weigh(key)
    const left = this.#limit - this.#weight - own
    if (pids.length <= left) return pids
    this.full = true
    return pids.slice(0, Math.max(0, left))
  }

  /** Counts memberships that were added, or taken away when negative. */
  count(memberships: number): void {
    this.#weight += memberships
  }
}

/** One side's members of a group. There is one only while it has any. */
class Part {
  readonly group: Group
  bag = new Bag()

  constructor(group: Group) {
    this.group = group
  }
}

/** A group that has members. */
class Group {
  readonly key: unknown
  readonly name: Term
  readonly parts: Part[] = []
  local: Part | undefined
  #members: readonly Pid[] | undefined
  #localMembers: readonly Pid[] | undefined

  constructor(key: unknown, name: Term) {
    this.key = key
    this.name = name
  }

  /** Made when somebody asks, and kept until a member comes or goes: those who send to a group ask for each message. */
  get members(): readonly Pid[] {
    this.#members ??= Object.freeze(this.parts.flatMap(({ bag }) => [...bag]))
    return this.#members
  }

  get localMembers(): readonly Pid[] {
    this.#localMembers ??= Object.freeze([...(this.local?.bag ?? [])])
    return this.#localMembers
  }

  changed(): void {
    this.#members = undefined
    this.#localMembers = undefined
  }
}

const nobody: readonly Pid[] = Object.freeze([])

/** Who is in which group, whoever told of it. Groups are known by the key of their name (`termKey`). */
export class Groups {
  /** The memberships of this node's own processes. */
  readonly local = new Holder()
  readonly #groups = new Map<unknown, Group>()

  members(key: unknown): readonly Pid[] {
    return this.#groups.get(key)?.members ?? nobody
  }

  localMembers(key: unknown): readonly Pid[] {
    return this.#groups.get(key)?.localMembers ?? nobody
  }

  /** How many members of this node a group has. */
  localSize(key: unknown): number {
    return this.local.parts.get(key)?.bag.size ?? 0
  }

  get all(): Iterable<{ readonly name: Term; readonly members: readonly Pid[] }> {
    return this.#groups.values()
  }

  /** The memberships of this node's own processes, with the keys of their groups. */
  *localMemberships(): Generator<Membership & { readonly key: unknown }, void, undefined> {
    for (const [key, { group }] of this.local.parts) yield { key, name: group.name, pids: group.localMembers }
  }

  /** A group's name, if it has members: the very term its first member came with. */
  find(key: unknown): { readonly name: Term } | undefined {
    return this.#groups.get(key)
  }

  /** Adds members of one side; answers those for which it had room. */
  add(holder: Holder, key: unknown, { name, pids }: Membership): readonly Pid[] {
    const added = holder.room(key, pids)
    if (added.length === 0) return added
    const part = holder.parts.get(key) ?? this.#addPart(holder, key, name)
    for (const pid of added) part.bag.add(pid)
    holder.count(added.length)
    part.group.changed()
    return added
  }

  /** Takes members of one side away, each once; answers those that were there. */
  take(holder: Holder, key: unknown, pids: readonly Pid[]): readonly Pid[] {
    const part = holder.parts.get(key)
    if (part === undefined) return nobody
    const taken = pids.filter((pid) => part.bag.take(pid))
    holder.count(-taken.length)
    if (part.bag.size === 0) this.#removePart(holder, part)
    part.group.changed()
    return taken
  }

  /** Puts these memberships in the place of all one side had, and answers what has changed by that. */
  replace(holder: Holder, wanted: ReadonlyMap<unknown, Membership>): PgEvent[] {
    const events: PgEvent[] = []
    for (const [key, part] of [...holder.parts]) {
      if (!wanted.has(key)) events.push(this.#empty(holder, part))
    }
    for (const [key, membership] of wanted) {
      const part = holder.parts.get(key)
      if (part === undefined) addEvent(events, 'join', membership.name, this.add(holder, key, membership))
      else this.#exchange(holder, part, membership.pids, events)
    }
    return events
  }

  /** Takes away all one side had, and answers what has changed by that. */
  clear(holder: Holder): PgEvent[] {
    return Array.from(holder.parts.values(), (part) => this.#empty(holder, part))
  }

  #exchange(holder: Holder, part: Part, pids: readonly Pid[], events: PgEvent[]): void {
    const { group } = part
    const old = part.bag
    holder.count(-old.size)
    part.bag = new Bag()
    const joined: Pid[] = []
    for (const pid of holder.room(group.key, pids)) {
      part.bag.add(pid)
      if (!old.take(pid)) joined.push(pid)
    }
    holder.count(part.bag.size)
    if (part.bag.size === 0) this.#removePart(holder, part)
    addEvent(events, 'leave', group.name, [...old])
    addEvent(events, 'join', group.name, joined)
    group.changed()
  }

  #empty(holder: Holder, part: Part): PgEvent {
    const pids = [...part.bag]
    holder.count(-pids.length)
    this.#removePart(holder, part)
    part.group.changed()
    return { type: 'leave', group: part.group.name, pids }
  }

  #addPart(holder: Holder, key: unknown, name: Term): Part {
    let group = this.#groups.get(key)
    if (group === undefined) {
      group = new Group(key, name)
      this.#groups.set(key, group)
    }
    const part = new Part(group)
    group.parts.push(part)
    if (holder === this.local) group.local = part
    holder.parts.set(key, part)
    holder.count(weigh(key))
    return part
  }

  #removePart(holder: Holder, part: Part): void {
    const { group } = part
    group.parts.splice(group.parts.indexOf(part), 1)
    if (group.local === part) group.local = undefined
    if (group.parts.length === 0) this.#groups.delete(group.key)
    holder.parts.delete(group.key)
    holder.count(-weigh(group.key))
  }
}

/** What the name of a group counts beside its members, so that long names cannot take all memory: one per 256 units. */
function weigh(key: unknown): number {
  if (typeof key === 'string') return key.length >>> 8
  return typeof key === 'bigint' ? key.toString(16).length >>> 9 : 0
}

function addEvent(events: PgEvent[], type: PgEvent['type'], group: Term, pids: readonly Pid[]): void {
  if (pids.length > 0) events.push({ type, group, pids })
}
