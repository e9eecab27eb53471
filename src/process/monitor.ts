import { type Atom, atom } from '../term/atom.ts'
import type { Pid, Reference } from '../term/identifiers.ts'
import type { Term } from '../term/term.ts'
import { isTuple, type Tuple, tuple } from '../term/tuple.ts'
import type { RegisteredName } from './address.ts'
import type { LocalProcess } from './local-process.ts'
import type { Peer } from './peer.ts'
import type { ReferenceUse } from './references.ts'
import type { Watchable, Watcher } from './watch.ts'

const DOWN = atom('DOWN')
const PROCESS = atom('process')

/** A monitor that a local process set, on a local process or on one of a peer. */
export class Monitor implements Watcher, ReferenceUse {
  readonly ref: Reference
  readonly owner: LocalProcess
  readonly of: Pid | RegisteredName
  readonly target: Watchable

  constructor(ref: Reference, owner: LocalProcess, of: Pid | RegisteredName, target: Watchable) {
    this.ref = ref
    this.owner = owner
    this.of = of
    this.target = target
  }

  get watcher(): this {
    return this
  }

  down(reason: Term): void {
    this.owner.forgetMonitor(this)
    this.owner.deliver(downMessage(this.ref, this.of, reason), 0)
  }
}

/** What whoever spawned a process for a peer has to do with that peer's monitor on it. */
export interface MonitorHooks {
  /** It was taken away, or the link to the peer is gone, while the process still runs. */
  readonly abandoned?: () => void
  /** What it tells in place of an exit reason that is no term. */
  readonly unencodable?: (error: unknown) => Term
}

/** A monitor that a process of a peer set on a local one. It is answered exactly once. */
export class PeerMonitor implements Watcher {
  readonly ref: Reference
  readonly #peer: Peer
  readonly from: Pid
  readonly #name: Atom | undefined
  readonly target: LocalProcess
  readonly #hooks: MonitorHooks | undefined

  /** `name` when it was set by name, which the answer then carries. */
  constructor(
    ref: Reference,
    peer: Peer,
    from: Pid,
    name: Atom | undefined,
    target: LocalProcess,
    hooks?: MonitorHooks,
  ) {
    this.ref = ref
    this.#peer = peer
    this.from = from
    this.#name = name
    this.target = target
    this.#hooks = hooks
  }

  down(reason: Term): void {
    this.#peer.monitors.delete(this.ref)
    const of = this.#name ?? this.target.pid
    this.#peer.answerMonitor(of, this.from, this.ref, reason, this.#hooks?.unencodable)
  }

  /** The peer took it away, or is gone itself. */
  cancel(): void {
    this.target.unwatch(this)
    this.#hooks?.abandoned?.()
  }
}

/** `{'DOWN', Ref, process, Pid | {Name, Node}, Reason}`. */
export function downMessage(ref: Reference, of: Pid | RegisteredName, reason: Term): Tuple {
  return tuple(DOWN, ref, PROCESS, 'name' in of ? tuple(of.name, of.node) : of, reason)
}

/** Whether a message is the DOWN of this monitor. */
export function isDownOf(message: Term, ref: Reference): boolean {
  return isTuple(message) && message.length === 5 && message[0] === DOWN && ref.equals(message[1])
}
