import type { Atom } from '../term/atom.ts'
import { Pid, type Reference } from '../term/identifiers.ts'
import type { DecodeOptions, Term } from '../term/term.ts'
import { NOPROC } from './exit-signal.ts'
import type { ProcessTable } from './process-table.ts'
import { RemoteSpawn, SPAWN_MONITORED } from './remote-spawn.ts'
import type { InboundSignals, MessageReceiver, UnlinkId } from './router.ts'

/** What links call for the signals they read. */
export class Inbound implements InboundSignals {
  readonly #table: ProcessTable

  constructor(table: ProcessTable) {
    this.#table = table
  }

  receiverByPid(id: number, serial: number, creation: number): MessageReceiver | undefined {
    return this.#table.at(id, serial, creation)
  }

  receiverByName(name: Atom): MessageReceiver | undefined {
    return this.#table.names.find(name)
  }

  receiverByAlias(alias: Reference): MessageReceiver | undefined {
    return this.#table.references.find(alias)?.receiver
  }

  ties(peer: Atom): number {
    const known = this.#table.knownPeer(peer)
    return known === undefined ? 0 : known.links.size + known.monitors.size
  }

  handleLink(peer: Atom, from: Pid, to: Pid): boolean {
    if (from.nodeAtom !== peer) return false
    const process = this.#table.find(to)
    if (process === undefined) this.#table.router.exit(to, from, NOPROC)
    else this.#table.links.linked(process, this.#table.peer(peer), from)
    return true
  }

  handleUnlink(peer: Atom, id: UnlinkId | undefined, from: Pid, to: Pid): boolean {
    if (from.nodeAtom !== peer) return false
    const process = this.#table.find(to)
    if (process !== undefined) this.#table.links.unlinked(process, from)
    // Also for a link that is not known, and for a process that is not.
    if (id !== undefined) this.#table.router.unlinkAck(id, to, from)
    return true
  }

  handleUnlinkAck(peer: Atom, id: UnlinkId, from: Pid, to: Pid): boolean {
    if (from.nodeAtom !== peer) return false
    const process = this.#table.find(to)
    if (process !== undefined) this.#table.links.acknowledged(process, from, id)
    return true
  }

  handleExit(peer: Atom, from: Pid, to: Pid, reason: Term, bytes?: number): boolean {
    if (from.nodeAtom !== peer) return false
    const process = this.#table.find(to)
    if (process !== undefined) this.#table.links.broken(process, from, reason, bytes)
    return true
  }

  handleExit2(peer: Atom, from: Pid, to: Pid, reason: Term, bytes?: number): boolean {
    if (from.nodeAtom !== peer) return false
    this.#table.find(to)?.receiveExit('exit', from, reason, bytes)
    return true
  }

  handleMonitor(peer: Atom, from: Pid, target: Pid | Atom, ref: Reference): boolean {
    if (from.nodeAtom !== peer) return false
    this.#table.monitors.monitored(peer, from, target, ref)
    return true
  }

  handleDemonitor(peer: Atom, from: Pid, ref: Reference): boolean {
    if (from.nodeAtom !== peer) return false
    this.#table.monitors.demonitored(peer, from, ref)
    return true
  }

  handleMonitorExit(peer: Atom, from: Pid | Atom, _to: Pid, ref: Reference, reason: Term): boolean {
    if (from instanceof Pid && from.nodeAtom !== peer) return false
    this.#table.monitors.fired(peer, ref, reason)
    return true
  }

  termsOfMonitor(ref: Reference): DecodeOptions | undefined {
    return this.#table.references.find(ref)?.watcher?.terms
  }

  handleSpawnReply(peer: Atom, id: Reference, to: Pid, flags: number, result: Term): void {
    const { references, router } = this.#table
    const spawn = references.find(id)?.watcher
    if (spawn instanceof RemoteSpawn) {
      if (spawn.target === this.#table.knownPeer(peer)) spawn.answered(flags, result)
      return
    }
    // Too late: nobody waits for the process that runs there.
    if (!references.isOwn(id) || !(result instanceof Pid) || result.nodeAtom !== peer) return
    if ((flags & SPAWN_MONITORED) !== 0) router.demonitor(to, peer, result, id)
  }

  linkDown(peer: Atom): void {
    this.#table.forgetPeer(peer)?.down()
  }
}
