import type { Limits } from '../base/limits.ts'
import { ProtocolError } from '../dist/protocol-error.ts'
import type { Receiver, SignalHandler, SpawnRequest } from '../dist/signals.ts'
import type { InboundSignals } from '../process/router.ts'
import type { Atom, DecodeOptions, Pid, Reference, Term } from '../term/index.ts'

/** Answers a peer's request to spawn a function here. Every request must be answered. */
export type SpawnHandler = (peer: Atom, request: SpawnRequest) => void

/**
 * What a link's signals do on this node: they go to its processes. A signal in the name of a process that is not the
 * peer's ends the link, as in OTP: what throws here does that.
 */
export class Inbound implements SignalHandler {
  readonly #peer: Atom
  readonly #processes: InboundSignals
  readonly #onSpawn: SpawnHandler
  readonly #maxTies: number

  constructor(peer: Atom, processes: InboundSignals, onSpawn: SpawnHandler, limits: Pick<Limits, 'peerTies'>) {
    this.#peer = peer
    this.#processes = processes
    this.#onSpawn = onSpawn
    this.#maxTies = limits.peerTies
  }

  receiverByName(name: Atom): Receiver | undefined {
    return this.#processes.receiverByName(name)
  }

  receiverByPid(id: number, serial: number, creation: number): Receiver | undefined {
    return this.#processes.receiverByPid(id, serial, creation)
  }

  receiverByAlias(alias: Reference): Receiver | undefined {
    return this.#processes.receiverByAlias(alias)
  }

  link(from: Pid, to: Pid): void {
    this.#admitTie()
    this.#check(this.#processes.handleLink(this.#peer, from, to))
  }

  unlink(id: number | bigint | undefined, from: Pid, to: Pid): void {
    this.#check(this.#processes.handleUnlink(this.#peer, id, from, to))
  }

  unlinkAck(id: number | bigint, from: Pid, to: Pid): void {
    this.#check(this.#processes.handleUnlinkAck(this.#peer, id, from, to))
  }

  exit(from: Pid, to: Pid, reason: Term, bytes: number): void {
    this.#check(this.#processes.handleExit(this.#peer, from, to, reason, bytes))
  }

  exit2(from: Pid, to: Pid, reason: Term, bytes: number): void {
    this.#check(this.#processes.handleExit2(this.#peer, from, to, reason, bytes))
  }

  monitor(from: Pid, target: Pid | Atom, ref: Reference): void {
    this.#admitTie()
    this.#check(this.#processes.handleMonitor(this.#peer, from, target, ref))
  }

  demonitor(from: Pid, _target: Pid | Atom, ref: Reference): void {
    this.#check(this.#processes.handleDemonitor(this.#peer, from, ref))
  }

  termsOfMonitor(ref: Reference): DecodeOptions | undefined {
    return this.#processes.termsOfMonitor(ref)
  }

  monitorExit(from: Pid | Atom, to: Pid, ref: Reference, reason: Term): void {
    this.#check(this.#processes.handleMonitorExit(this.#peer, from, to, ref, reason))
  }

  spawnRequest(request: SpawnRequest): void {
    this.#onSpawn(this.#peer, request)
  }

  spawnReply(id: Reference, to: Pid, flags: number, result: Term): void {
    this.#processes.handleSpawnReply(this.#peer, id, to, flags, result)
  }

  #check(isThePeers: boolean): void {
    if (!isThePeers) throw new ProtocolError(`a signal in the name of a process that is not of ${this.#peer.name}`)
  }

  #admitTie(): void {
    if (this.#processes.ties(this.#peer) < this.#maxTies) return
    throw new ProtocolError(`more than ${this.#maxTies} links and monitors of its processes`)
  }
}
