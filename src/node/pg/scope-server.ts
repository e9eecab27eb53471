import { TsunagiError } from '../../base/errors.ts'
import { DFLAG } from '../../dist/flags.ts'
import type { Link } from '../../dist/link.ts'
import type { ServiceProcess } from '../../process/service-process.ts'
import type { Watcher } from '../../process/watch.ts'
import { type Atom, atom, isTuple, Pid, Reference, type Term } from '../../term/index.ts'
import type { NodeHost } from '../service.ts'
import { pidKey } from './bag.ts'
import { Groups, type Membership, type PgEvent } from './groups.ts'
import { type Left, PeerScope, type ScopeLine } from './peer-scope.ts'
import { readMessage } from './scope-messages.ts'

const DOWN = atom('DOWN')
const SHUTDOWN = atom('shutdown')

/** What every BEAM node since OTP 24 can, and what C and Java nodes cannot, which hand all messages to their program. */
const HAS_SERVERS = DFLAG.SPAWN | DFLAG.ALIAS

/** Whatever the node's own options: `1` and `1.0` are different groups, and so are two binaries that are no UTF-8. */
const TERMS = { binaries: 'auto', floats: 'exact', maps: 'auto' } as const

/** Who hears of what happens to a scope. */
export interface ScopeEvents {
  changed(events: readonly PgEvent[]): void
  /** A monitor that {@link ScopeServer.watchLocal} set has fired. */
  down(ref: Reference): void
}

/**
 * One scope on this node: its process, which has the scope's name; the groups it knows; and the conversations with the
 * scopes of the same name on the peers. Behaviour: OTP's `pg`.
 */
export class ScopeServer {
  readonly groups = new Groups()
  readonly #name: Atom
  readonly #host: NodeHost
  readonly #process: ServiceProcess
  readonly #events: ScopeEvents
  readonly #members = new Map<number | string, Member>()
  readonly #peers = new Map<Atom, PeerScope>()
  #closed = false

  /** @throws TsunagiError `ERR_NAME_TAKEN`, `ERR_CLOSED` */
  constructor(name: Atom, host: NodeHost, events: ScopeEvents) {
    this.#name = name
    this.#host = host
    this.#events = events
    this.#process = host.processes.serve(name.name, TERMS, (message, peer) => this.#receive(message, peer))
    for (const link of host.peers.links) this.up(link)
  }

  get pid(): Pid {
    return this.#process.pid
  }

  get closed(): boolean {
    return this.#closed
  }

  /** There is a link. */
  up(link: Link): void {
    if (this.#closed || (link.flags & HAS_SERVERS) !== HAS_SERVERS) return
    const { clock, limits, logger } = this.#host.options
    const peer = new PeerScope(this.#lineOver(link), {
      name: this.#name.name,
      groups: this.groups,
      clock,
      logger,
      pgMembers: limits.pgMembers,
      changed: (events) => this.#events.changed(events),
    })
    this.#peers.set(link.peer, peer)
    peer.start()
  }

  /** A link is gone. */
  down(name: Atom): void {
    const peer = this.#peers.get(name)
    this.#peers.delete(name)
    if (peer !== undefined) this.#events.changed(peer.stop())
  }

  /** Processes of this node join; those that have ended do not. */
  join(key: unknown, { name, pids }: Membership): void {
    const living = pids.filter((pid) => this.#enrol(pid, key))
    if (living.length === 0) return
    this.groups.add(this.groups.local, key, { name, pids: living })
    const all = this.groups.localSize(key)
    for (const peer of this.#peers.values()) peer.joined(key, { name, pids: living }, all)
    this.#events.changed([{ type: 'join', group: name, pids: living }])
  }

  /** Processes of this node leave, each as often as it is listed. False when none of them was a member. */
  leave(key: unknown, pids: readonly Pid[]): boolean {
    const name = this.groups.find(key)?.name
    const current = pids.filter(({ creation }) => creation === this.pid.creation)
    const left = this.groups.take(this.groups.local, key, current)
    if (left.length === 0) return false
    for (const pid of left) this.#discharge(pid, key)
    this.#tellLeft(left, [{ key, name }])
    this.#events.changed([{ type: 'leave', group: name, pids: left }])
    return true
  }

  /** Monitors a process of this node. @throws TsunagiError `ERR_NOPROC` */
  watchLocal(pid: Pid): Reference {
    if (!this.#host.processes.isAlive(pid)) {
      throw new TsunagiError('ERR_NOPROC', `${pid} is no living process of this node`)
    }
    return this.#process.monitor(pid)
  }

  unwatchLocal(ref: Reference): void {
    if (!this.#closed) this.#process.demonitor(ref)
  }

  /** Sends to a process of this node. */
  send(to: Pid, message: Term): void {
    this.#host.processes.send(to, message)
  }

  /** Ends the scope's process, by whose monitors the peers learn that it is gone with all its members. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    for (const peer of this.#peers.values()) peer.stop()
    this.#peers.clear()
    for (const member of this.#members.values()) this.#host.processes.unwatch(member.pid, member)
    this.#members.clear()
    this.groups.clear(this.groups.local)
    this.#process.end(SHUTDOWN)
  }

  #receive(message: Term, node: Atom | undefined): void {
    if (node === undefined) {
      if (isTuple(message) && message[0] === DOWN && message[1] instanceof Reference) this.#down(message[1], message[3])
      return
    }
    const read = readMessage(message)
    if (read === undefined) return
    const { scope } = read
    const creation = this.#host.peers.linkTo(node)?.peerCreation
    // Nobody speaks for the scope of another node, nor for one of an earlier incarnation.
    if (scope.nodeAtom !== node || (creation !== 0 && scope.creation !== creation)) return
    this.#peers.get(node)?.receive(read)
  }

  /** `of`: `{Name, Node}`, or a pid. */
  #down(ref: Reference, of: Term): void {
    const node = of instanceof Pid ? of.nodeAtom : isTuple(of) ? (of[1] as Atom) : undefined
    const peer = node === undefined ? undefined : this.#peers.get(node)
    if (peer?.down(ref) !== true) this.#events.down(ref)
  }

  /** A process that joins is watched as long as it is a member of any group. False when it has ended. */
  #enrol(pid: Pid, key: unknown): boolean {
    if (pid.creation !== this.pid.creation) return false
    const id = pidKey(pid)
    let member = this.#members.get(id)
    if (member === undefined) {
      member = new Member(pid, (ended) => this.#ended(ended))
      if (!this.#host.processes.watch(pid, member)) return false
      this.#members.set(id, member)
    }
    member.groups.set(key, (member.groups.get(key) ?? 0) + 1)
    return true
  }

  #discharge(pid: Pid, key: unknown): void {
    const id = pidKey(pid)
    const member = this.#members.get(id)
    if (member === undefined) return
    const times = member.groups.get(key) ?? 0
    if (times > 1) {
      member.groups.set(key, times - 1)
      return
    }
    member.groups.delete(key)
    if (member.groups.size > 0) return
    this.#members.delete(id)
    this.#host.processes.unwatch(pid, member)
  }

  #ended({ groups, pid }: Member): void {
    this.#members.delete(pidKey(pid))
    const left: { key: unknown; name: Term }[] = []
    const events: PgEvent[] = []
    for (const [key, times] of groups) {
      const name = this.groups.find(key)?.name
      const pids = new Array<Pid>(times).fill(pid)
      this.groups.take(this.groups.local, key, pids)
      for (let time = 0; time < times; time++) left.push({ key, name })
      events.push({ type: 'leave', group: name, pids })
    }
    this.#tellLeft([pid], left)
    this.#events.changed(events)
  }

  #tellLeft(pids: readonly Pid[], groups: readonly { readonly key: unknown; readonly name: Term }[]): void {
    const left: Left[] = groups.map(({ key, name }) => ({ key, name, empty: !this.groups.local.parts.has(key) }))
    for (const peer of this.#peers.values()) peer.left(pids, left)
  }

  /** Keys of plain objects are sent as atoms, whatever the node's option, as the keys of the groups take them. */
  #lineOver(link: Link): ScopeLine {
    const { peer, send } = link
    const process = this.#process
    const { pid } = process
    return {
      peer,
      self: pid,
      sendToName: (message) => void send.sendToName(pid, this.#name, message, false),
      sendTo: (scope, message) => void send.sendToPid(pid, scope, message, false),
      monitor: (scope) => process.monitor(scope ?? { name: this.#name, node: peer }),
      demonitor: (ref) => process.demonitor(ref),
    }
  }
}

/** A process of this node that is in groups. */
class Member implements Watcher {
  readonly target = undefined
  readonly pid: Pid
  /** How often it is in which, by their keys. */
  readonly groups = new Map<unknown, number>()
  readonly #onEnd: (member: Member) => void

  constructor(pid: Pid, onEnd: (member: Member) => void) {
    this.pid = pid
    this.#onEnd = onEnd
  }

  down(): void {
    this.#onEnd(this)
  }
}
