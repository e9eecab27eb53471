import type { Atom } from '../term/atom.ts'
import type { Pid, Reference } from '../term/identifiers.ts'
import type { DecodeOptions, Term } from '../term/term.ts'

/** The number of an UNLINK_ID signal: 1 to 2^64 - 1, given back unchanged. */
export type UnlinkId = number | bigint

/**
 * What processes need of their node: a way out for signals whose receiver lives on another one. Signals between local
 * processes never come here.
 *
 * Every method names its peer, by the receiver's `nodeAtom` or by `node`. To a peer without a link the node dials first
 * and keeps the signals in order meanwhile. When the link goes down, or when the dial fails, it calls
 * {@link InboundSignals.linkDown} once; that is all a failed link, monitor or call needs, so none of the signal methods
 * throws because of a missing connection. What is sent to a node that is known to be of another incarnation than a pid's
 * `creation` may be dropped for messages, and must still reach {@link InboundSignals.handleMonitorExit} or `handleExit`
 * with `noconnection` for monitors and links.
 *
 * Messages answer like `send` of the public interface: true, or false when the link is over its high-water mark; they
 * throw `ERR_LINK_FULL` over the hard limit and `ERR_ENCODE` for what is no term, both without queueing anything. Of the
 * other signals `link`, `monitor` and `exit2`, which may dial, throw `ERR_LINK_FULL` when too much waits for the dial. The
 * rest is never refused for lack of room, since links and monitors must fire. `exit`, `exit2` and `monitorExit` throw
 * `ERR_ENCODE` for an impossible reason.
 *
 * The operation numbers are those of the distribution protocol's control messages.
 */
export interface Router {
  /** This node's name, final. */
  readonly nodeAtom: Atom
  /** This incarnation of it, final; every pid and reference made here carries it. */
  readonly creation: number

  /**
   * SEND_SENDER (22), or SEND (2) to a peer without it. `token`: what goes with it to a node of this package, which makes it
   * SEND_SENDER_TT (23).
   */
  sendToPid(from: Pid, to: Pid, message: Term, token?: Term): boolean
  /** REG_SEND (6), with a token REG_SEND_TT (16). */
  sendToName(from: Pid, node: Atom, name: Atom, message: Term, token?: Term): boolean
  /** ALIAS_SEND (33), or ALTACT_SIG_SEND (37) where the peer has it. */
  sendToAlias(from: Pid, to: Reference, message: Term): boolean

  /** LINK (1). */
  link(from: Pid, to: Pid): void
  /** UNLINK_ID (35). */
  unlink(id: UnlinkId, from: Pid, to: Pid): void
  /** UNLINK_ID_ACK (36): before any later signal to the same pid. */
  unlinkAck(id: UnlinkId, from: Pid, to: Pid): void
  /** PAYLOAD_EXIT (24), or EXIT (3): a link broke. */
  exit(from: Pid, to: Pid, reason: Term): void
  /** PAYLOAD_EXIT2 (26), or EXIT2 (8): `exit(to, reason)`. */
  exit2(from: Pid, to: Pid, reason: Term): void

  /** MONITOR_P (19): `target` is a pid of `node` or a name registered there. */
  monitor(from: Pid, node: Atom, target: Pid | Atom, ref: Reference): void
  /** DEMONITOR_P (20). */
  demonitor(from: Pid, node: Atom, target: Pid | Atom, ref: Reference): void
  /** PAYLOAD_MONITOR_P_EXIT (28), or MONITOR_P_EXIT (21): `from` is the name if the monitor was set by name. */
  monitorExit(from: Pid | Atom, to: Pid, ref: Reference, reason: Term): void
}

/** Whoever a message is for, found before the message is decoded: it says how. */
export interface MessageReceiver {
  /** How messages for it are decoded; undefined: as its node's. */
  readonly terms: DecodeOptions | undefined
  /**
   * `bytes`: the message's size on the wire; `peer`: the node whose link brought it, undefined when it comes from this
   * one; `as`: decodes it anew in another way, until this returns; `token`: the trace token it came with. Never throws.
   */
  deliver(message: Term, bytes: number, peer?: Atom, as?: (terms: DecodeOptions) => Term, token?: Term): void
}

/**
 * The way in: what a link calls for the signals it reads. `bytes` is the size on the wire of a message, or of an exit signal
 * that can become one, and counts against the receiver's mailbox. None of these methods throws, whatever the peer says; those that answer a boolean say false
 * when the signal breaks the protocol (its sender does not live on `peer`), for which OTP closes the connection.
 * Receivers that do not exist are answered as the protocol demands, or ignored where it does not.
 */
export interface InboundSignals {
  /** SEND, SEND_SENDER: the receiver's pid, by its numbers. */
  receiverByPid(id: number, serial: number, creation: number): MessageReceiver | undefined
  /** REG_SEND. */
  receiverByName(name: Atom): MessageReceiver | undefined
  /** ALIAS_SEND, ALTACT_SIG_SEND. */
  receiverByAlias(alias: Reference): MessageReceiver | undefined

  /** How many links and monitors tie processes of this node to those of a peer, but for monitors set here. */
  ties(peer: Atom): number
  handleLink(peer: Atom, from: Pid, to: Pid): boolean
  /** UNLINK_ID; an old UNLINK (4) is `handleUnlink(peer, undefined, from, to)`, which is not acknowledged. */
  handleUnlink(peer: Atom, id: UnlinkId | undefined, from: Pid, to: Pid): boolean
  handleUnlinkAck(peer: Atom, id: UnlinkId, from: Pid, to: Pid): boolean
  /** EXIT and PAYLOAD_EXIT: a link broke. */
  handleExit(peer: Atom, from: Pid, to: Pid, reason: Term, bytes?: number): boolean
  /** EXIT2 and PAYLOAD_EXIT2. */
  handleExit2(peer: Atom, from: Pid, to: Pid, reason: Term, bytes?: number): boolean
  handleMonitor(peer: Atom, from: Pid, target: Pid | Atom, ref: Reference): boolean
  handleDemonitor(peer: Atom, from: Pid, ref: Reference): boolean
  handleMonitorExit(peer: Atom, from: Pid | Atom, to: Pid, ref: Reference, reason: Term): boolean
  /** How the reason of a MONITOR_P_EXIT is decoded; undefined: as its node's other terms. */
  termsOfMonitor(ref: Reference): DecodeOptions | undefined
  /** SPAWN_REPLY; `result` is a pid, or an atom that says why there is none. */
  handleSpawnReply(peer: Atom, id: Reference, to: Pid, flags: number, result: Term): void

  /**
   * The link to `peer` is gone, or dialling it failed: every link to it breaks and every monitor on it fires, with
   * `noconnection`; pending calls to it reject with `ERR_NOCONNECTION`. Nothing of other peers is touched.
   */
  linkDown(peer: Atom): void
}
