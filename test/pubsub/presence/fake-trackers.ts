import type { Entry } from '../../../src/pubsub/presence/entry.ts'
import { type PresenceOptions, resolvePresenceOptions } from '../../../src/pubsub/presence/presence-options.ts'
import { EXACT } from '../../../src/pubsub/presence/present.ts'
import { replicaKey } from '../../../src/pubsub/presence/replica.ts'
import { Tracker } from '../../../src/pubsub/presence/tracker.ts'
import { decode, encode, type Term } from '../../../src/term/index.ts'
import { FakeClock } from '../../../src/testing/fake-clock.ts'
import { newPid } from './cast.ts'

interface Member {
  readonly name: string
  tracker: Tracker
  version: number
  /** How long it stood still so far. */
  still: number
  own: Entry[]
  readonly events: string[]
}

export interface FakeTrackersOptions {
  /** How many of the messages are lost: from 0 to 1. */
  readonly loss?: number
  readonly options?: Partial<PresenceOptions>
}

/** Trackers of one shard on nodes that are all connected, on one clock. Messages take a millisecond, and really are encoded. */
export class FakeTrackers {
  readonly clock = new FakeClock()
  readonly members: Member[]
  readonly sent: { readonly from: string; readonly to: string; readonly message: Term }[] = []
  /** What was refused. */
  readonly errors: string[] = []
  readonly #options: PresenceOptions
  readonly #cuts = new Set<string>()
  #loss: number
  #random = 1
  #keys = 0

  constructor(names: readonly string[], { loss = 0, options = {} }: FakeTrackersOptions = {}) {
    this.#loss = loss
    this.#options = { name: 'T', ...options }
    this.members = names.map((name) => ({
      name,
      tracker: undefined as unknown as Tracker,
      version: 0,
      still: 0,
      own: [],
      events: [],
    }))
    for (const at of this.members.keys()) this.#start(at)
  }

  at(index: number): Member {
    return this.members[index] as Member
  }

  join(at: number, key: Term = `k${++this.#keys}`, topic = 't'): Entry {
    const entry = this.at(at).tracker.track({ pid: newPid(), topic, key, meta: new Map() })
    this.at(at).own.push(entry)
    return entry
  }

  leave(at: number, which = 0): void {
    const member = this.at(at)
    member.tracker.untrack(member.own.splice(which, 1))
  }

  update(at: number, which = 0): void {
    const { own, tracker } = this.at(at)
    const entry = own[which]
    if (entry !== undefined) own[which] = tracker.update(entry, new Map([['updated', true]]))
  }

  cut(a: number, b: number): void {
    this.#cuts.add(`${Math.min(a, b)} ${Math.max(a, b)}`)
  }

  mend(a: number, b: number): void {
    this.#cuts.delete(`${Math.min(a, b)} ${Math.max(a, b)}`)
  }

  heal(): void {
    this.#cuts.clear()
    this.#loss = 0
  }

  /** One does nothing for a while, in which the others do as much as they like. */
  standStill(at: number, ms: number): void {
    this.at(at).still += ms
  }

  /** Ends one without a word, and starts it anew with nobody tracked. */
  restart(at: number): void {
    this.at(at).tracker.close(false)
    this.at(at).own = []
    this.#start(at)
  }

  list(at: number): Term[] {
    return Array.from(this.at(at).tracker.state.all(), tag).sort()
  }

  /** What all that is tracked by those that run comes to. */
  expected(): Term[] {
    return this.members.flatMap(({ own }) => own.map(tag)).sort()
  }

  #start(at: number): void {
    const member = this.at(at)
    const { name } = member
    member.tracker = new Tracker({
      replica: replicaKey(name, ++member.version),
      pid: newPid(name),
      options: resolvePresenceOptions(this.#options, {}),
      clock: {
        now: () => this.clock.now() + member.still,
        after: (ms, callback) => this.clock.after(ms, callback),
      },
      line: {
        broadcast: (message) => {
          for (const to of this.members.keys()) if (to !== at) this.#send(at, to, message)
        },
        send: (node, message) =>
          this.#send(
            at,
            this.members.findIndex((other) => other.name === node),
            message,
          ),
      },
      events: {
        changed: () => {},
        replica: (what, node) => void member.events.push(`${what} ${node}`),
        refused: (cause, node) => void this.errors.push(`${cause} ${node}`),
      },
    })
  }

  #send(from: number, to: number, message: Term): void {
    this.sent.push({ from: this.at(from).name, to: this.at(to).name, message })
    if (this.#cuts.has(`${Math.min(from, to)} ${Math.max(from, to)}`) || this.#next() < this.#loss) return
    const bytes = encode(message)
    const { tracker } = this.at(to)
    this.clock.after(1, () => {
      if (this.at(to).tracker === tracker) tracker.receive(decode(bytes, EXACT), this.at(from).name)
    })
  }

  /** The same in every run. */
  #next(): number {
    this.#random = (this.#random * 48271) % 0x7fffffff
    return this.#random / 0x7fffffff
  }
}

const tag = ({ replica, clock, key }: Entry): string => `${replica} ${clock} ${key}`
