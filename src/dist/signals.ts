import type { Atom, AtomValue, DecodeOptions, Pid, Reference, Term } from '../term/index.ts'

/** Whoever a message is for. It is looked up before the message is decoded, so that it can say how. */
export interface Receiver {
  /** How messages for it are decoded; undefined: as its node's other messages. */
  readonly terms: DecodeOptions | undefined
  /**
   * `bytes`: the message's size on the wire; `peer`: whose link brought it; `as`: decodes it anew in another way, until this
   * returns; `token`: the trace token it came with. Must not throw.
   */
  deliver(message: Term, bytes: number, peer: Atom, as: (terms: DecodeOptions) => Term, token?: Term): void
}

/** A function asked to be spawned on this node. Every request must be answered, with a SPAWN_REPLY. */
export interface SpawnRequest {
  readonly id: Reference
  readonly from: Pid
  readonly groupLeader: Pid
  readonly module: AtomValue
  readonly function: AtomValue
  readonly arity: number
  readonly options: Term
  readonly args: readonly Term[]
  /** The trace token it came with. */
  readonly token?: Term
  /** The arguments decoded anew in another way. Only while the request is being handled. */
  argsAs(terms: DecodeOptions): readonly Term[]
}

/**
 * Takes the signals that arrive on a link, in the order of their arrival. The link has checked that senders belong to
 * the peer and pids among the receivers to this node.
 */
export interface SignalHandler {
  receiverByName(name: Atom): Receiver | undefined
  receiverByPid(id: number, serial: number, creation: number): Receiver | undefined
  receiverByAlias(alias: Reference): Receiver | undefined
  link(from: Pid, to: Pid): void
  /** Acknowledged with {@link SignalHandler.unlinkAck}'s signal, unless `id` is undefined: an UNLINK of old. */
  unlink(id: number | bigint | undefined, from: Pid, to: Pid): void
  unlinkAck(id: number | bigint, from: Pid, to: Pid): void
  /** A linked process ended. `bytes`: the signal's size on the wire. */
  exit(from: Pid, to: Pid, reason: Term, bytes: number): void
  /** `exit/2`. */
  exit2(from: Pid, to: Pid, reason: Term, bytes: number): void
  monitor(from: Pid, target: Pid | Atom, ref: Reference): void
  demonitor(from: Pid, target: Pid | Atom, ref: Reference): void
  /** How the reason of a monitored process's end is decoded; undefined: as its node's other terms. */
  termsOfMonitor?(ref: Reference): DecodeOptions | undefined
  /** A monitored process (or name) is down. */
  monitorExit(from: Pid | Atom, to: Pid, ref: Reference, reason: Term): void
  spawnRequest(request: SpawnRequest): void
  /** `flags`: 1 link set, 2 monitor set. `result`: a pid or an atom that says what went wrong. */
  spawnReply(id: Reference, to: Pid, flags: number, result: Term): void
}
