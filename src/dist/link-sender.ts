import { TsunagiError } from '../base/errors.ts'
import type { Limits } from '../base/limits.ts'
import type { AtomRefs } from '../term/encoder.ts'
import { type Atom, atom, Pid, type Reference, type Term, tuple } from '../term/index.ts'
import { Writer } from '../term/writer.ts'
import { type AtomBudget, NoAtomCache, OutgoingAtomCache } from './atom-cache.ts'
import { BigMessages, type Target } from './big-messages.ts'
import type { Carrier } from './carrier.ts'
import * as op from './control.ts'
import { DFLAG } from './flags.ts'
import { FRAGMENT_ABOVE } from './fragments.ts'
import { MessageWriter } from './message-writer.ts'
import { Outbox } from './outbox.ts'

/** Bytes of a new output buffer after a big message took the old one along. */
const FRESH_BYTES = 16 * 1024

/** What a {@link LinkSender} needs to know of its link. */
export interface LinkSenderOptions {
  readonly carrier: Carrier
  /** The flags both sides agreed on. */
  readonly flags: bigint
  readonly limits: Limits
  /** Plain objects' keys become binaries. */
  readonly stringKeys: boolean
  /** Bounds the atoms introduced to a BEAM peer; undefined for one of ours. */
  readonly budget: AtomBudget | undefined
  /** Queued bytes fell to half of the high-water mark after a send had answered false. */
  readonly onDrained: () => void
  /** Some bytes have left. */
  readonly onWritten: () => void
}

/**
 * The way out of a link: one method per signal. All of them answer true, or false while more bytes are queued than
 * `limits.linkHighWater`. Messages throw `ERR_LINK_FULL` above `limits.linkMax`; links, monitors and exits are never
 * refused, since they must fire. All throw `ERR_ENCODE` for what is no term. What throws has queued nothing.
 *
 * Signals from one process to another keep their order. A big message goes out in fragments between which others pass;
 * what follows it between the same two processes, whatever it calls the receiver, waits for its end.
 */
export class LinkSender {
  readonly #flags: bigint
  /** Flags looked at for every message, apart from the rest: arithmetic on bigints is slow. */
  readonly #sendSender: boolean
  readonly #alias: boolean
  readonly #altact: boolean
  readonly #monitorsPids: boolean
  readonly #monitorsNames: boolean
  readonly #limits: Limits
  readonly #options: LinkSenderOptions
  readonly #outbox: Outbox
  readonly #big: BigMessages
  readonly #main: MessageWriter
  readonly #refs: AtomRefs
  readonly #framing: { readonly header: boolean }
  #markBytes = false
  #full = false
  /** Messages sent since the beginning. */
  messages = 0

  constructor(options: LinkSenderOptions) {
    this.#options = options
    this.#flags = options.flags
    this.#sendSender = this.#has(DFLAG.SEND_SENDER)
    this.#alias = this.#has(DFLAG.ALIAS)
    this.#altact = this.#has(DFLAG.ALTACT_SIG)
    this.#monitorsPids = this.#has(DFLAG.DIST_MONITOR)
    this.#monitorsNames = this.#monitorsPids && this.#has(DFLAG.DIST_MONITOR_NAME)
    this.#limits = options.limits
    this.#outbox = new Outbox(options.carrier, {
      onRoom: () => this.#big.feed(),
      onWritten: () => this.#onWritten(),
    })
    this.#big = new BigMessages(this.#outbox)
    const cached = this.#has(DFLAG.DIST_HDR_ATOM_CACHE)
    this.#framing = { header: cached || this.#has(DFLAG.FRAGMENTS) }
    this.#refs = cached ? new OutgoingAtomCache(options.budget) : new NoAtomCache(options.budget)
    this.#main = this.#writer(this.#outbox.writer, this.#refs)
  }

  /** Bytes that have not left this process. */
  get queuedBytes(): number {
    return this.#outbox.queuedBytes + this.#big.bytesLeft
  }

  /** Bytes sent or queued since the beginning. */
  get bytes(): number {
    return this.#outbox.acceptedBytes
  }

  /** Bytes that have left since the beginning. */
  get writtenBytes(): number {
    return this.#outbox.writtenBytes
  }

  /** Whether the last send answered false and {@link LinkSenderOptions.onDrained} is still to come. */
  get full(): boolean {
    return this.#full
  }

  /** The peer is, or turned out to be, one of ours: bytes are marked as such, and it frees its atoms. */
  peerIsOurs(): void {
    this.#markBytes = true
    this.#main.markBytes = true
    this.#options.budget?.lift()
  }

  /** The carrier has room again. */
  drained(): void {
    this.#outbox.drained()
  }

  /** Four zero bytes, which only say that we live. */
  tick(): void {
    this.#outbox.push(Buffer.alloc(4))
  }

  /** Hands over all that is queued, big messages too; what is sent later is dropped. */
  close(): void {
    this.#big.flush()
    this.#outbox.close()
  }

  /** REG_SEND. With a token, to a node of ours, REG_SEND_TT. */
  sendToName(from: Pid, name: Atom, message: Term, stringKeys?: boolean, token?: Term): boolean {
    this.#admit()
    const traced = token !== undefined && this.#markBytes
    const writer = this.#begin(from, name, traced ? 5 : 4, traced ? op.REG_SEND_TT : op.REG_SEND)
    try {
      writer.pid(from)
      writer.unused()
      writer.atom(name)
      if (traced) writer.term(token)
      writer.payload(message, stringKeys)
    } catch (error) {
      throw writer.fail(message, error)
    }
    return this.#end(writer, from, name)
  }

  /** SEND_SENDER, or SEND to a peer that does not know it. With a token, to a node of ours, SEND_SENDER_TT. */
  sendToPid(from: Pid, to: Pid, message: Term, stringKeys?: boolean, token?: Term): boolean {
    this.#admit()
    const sender = this.#sendSender
    const traced = token !== undefined && sender && this.#markBytes
    const operation = traced ? op.SEND_SENDER_TT : sender ? op.SEND_SENDER : op.SEND
    const writer = this.#begin(from, to, traced ? 4 : 3, operation)
    try {
      if (sender) writer.pid(from)
      else writer.unused()
      writer.pid(to)
      if (traced) writer.term(token)
      writer.payload(message, stringKeys)
    } catch (error) {
      throw writer.fail(message, error)
    }
    return this.#end(writer, from, to)
  }

  /** ALIAS_SEND, or ALTACT_SIG_SEND where both know it. To a peer without aliases nothing is sent. */
  sendToAlias(from: Pid, to: Reference, message: Term, stringKeys?: boolean): boolean {
    if (!this.#alias) return true
    this.#admit()
    const altact = this.#altact
    const writer = altact ? this.#begin(from, to, 4, op.ALTACT_SIG_SEND) : this.#begin(from, to, 3, op.ALIAS_SEND)
    try {
      if (altact) writer.term(op.ALTACT.alias)
      writer.pid(from)
      writer.reference(to)
      writer.payload(message, stringKeys)
    } catch (error) {
      throw writer.fail(message, error)
    }
    return this.#end(writer, from, to)
  }

  link(from: Pid, to: Pid): boolean {
    return this.#control(from, to, op.LINK, [from, to])
  }

  /** UNLINK_ID, or UNLINK to a peer from before OTP 23. */
  unlink(id: number | bigint, from: Pid, to: Pid): boolean {
    if (!this.#has(DFLAG.UNLINK_ID)) return this.#control(from, to, op.UNLINK, [from, to])
    return this.#control(from, to, op.UNLINK_ID, [id, from, to])
  }

  unlinkAck(id: number | bigint, from: Pid, to: Pid): boolean {
    return this.#control(from, to, op.UNLINK_ID_ACK, [id, from, to])
  }

  /** A link broke: PAYLOAD_EXIT, or EXIT. */
  exit(from: Pid, to: Pid, reason: Term): boolean {
    return this.#has(DFLAG.EXIT_PAYLOAD)
      ? this.#control(from, to, op.PAYLOAD_EXIT, [from, to], [reason])
      : this.#control(from, to, op.EXIT, [from, to, reason])
  }

  /** `exit/2`: PAYLOAD_EXIT2, or EXIT2. */
  exit2(from: Pid, to: Pid, reason: Term): boolean {
    return this.#has(DFLAG.EXIT_PAYLOAD)
      ? this.#control(from, to, op.PAYLOAD_EXIT2, [from, to], [reason])
      : this.#control(from, to, op.EXIT2, [from, to, reason])
  }

  /** MONITOR_P. To a peer without monitors nothing is sent: only the link's end will fire it. */
  monitor(from: Pid, target: Pid | Atom, ref: Reference): boolean {
    return this.#monitoring(op.MONITOR_P, from, target, ref)
  }

  demonitor(from: Pid, target: Pid | Atom, ref: Reference): boolean {
    return this.#monitoring(op.DEMONITOR_P, from, target, ref)
  }

  /** Every call has one of each, so that they are written without a list of their fields. */
  #monitoring(operation: number, from: Pid, target: Pid | Atom, ref: Reference): boolean {
    const byPid = target instanceof Pid
    if (!(byPid ? this.#monitorsPids : this.#monitorsNames)) return true
    const writer = this.#begin(from, target, 4, operation)
    try {
      // A monitor can tell the peer a name it has not heard of; nothing else of it is new.
      this.#exempt(byPid || operation === op.DEMONITOR_P)
      writer.pid(from)
      if (byPid) writer.pid(target)
      else writer.atom(target)
      writer.reference(ref)
    } catch (error) {
      throw writer.fail(ref, error)
    } finally {
      this.#exempt(false)
    }
    return this.#end(writer, from, target)
  }

  /** PAYLOAD_MONITOR_P_EXIT, or MONITOR_P_EXIT. */
  monitorExit(from: Pid | Atom, to: Pid, ref: Reference, reason: Term): boolean {
    const sender = from instanceof Pid ? from : to
    return this.#has(DFLAG.EXIT_PAYLOAD)
      ? this.#control(sender, to, op.PAYLOAD_MONITOR_P_EXIT, [from, to, ref], [reason])
      : this.#control(sender, to, op.MONITOR_P_EXIT, [from, to, ref, reason])
  }

  /** SPAWN_REPLY. */
  spawnReply(id: Reference, from: Pid, to: Pid, flags: number, result: Term): boolean {
    return this.#control(from, to, op.SPAWN_REPLY, [id, to, flags, result])
  }

  /** SPAWN_REQUEST; the peer must know it ({@link DFLAG.SPAWN}). With a token, to a node of ours, SPAWN_REQUEST_TT. */
  spawnRequest(
    id: Reference,
    from: Pid,
    mfa: readonly [Atom, Atom],
    args: readonly Term[],
    options: Term,
    token?: Term,
  ): boolean {
    const fields = [id, from, from, tuple(mfa[0], mfa[1], args.length), options]
    return token !== undefined && this.#markBytes
      ? this.#control(from, atom(''), op.SPAWN_REQUEST_TT, [...fields, token], [args])
      : this.#control(from, atom(''), op.SPAWN_REQUEST, fields, [args])
  }

  #control(from: Pid, to: Pid | Atom, operation: number, fields: readonly Term[], payload?: readonly [Term]): boolean {
    const writer = this.#begin(from, to, fields.length + 1, operation)
    try {
      this.#exempt(operation !== op.SPAWN_REQUEST && operation !== op.SPAWN_REQUEST_TT)
      for (const field of fields) writer.term(field)
      this.#exempt(false)
      if (payload !== undefined) writer.payload(payload[0])
    } catch (error) {
      throw writer.fail(payload?.[0] ?? fields.at(-1), error)
    } finally {
      this.#exempt(false)
    }
    return this.#end(writer, from, to)
  }

  #exempt(exempt: boolean): void {
    const { budget } = this.#options
    if (budget !== undefined) budget.exempt = exempt
  }

  #has(flag: bigint): boolean {
    return (this.#flags & flag) !== 0n
  }

  #writer(out: Writer, refs: AtomRefs): MessageWriter {
    const { stringKeys } = this.#options
    return new MessageWriter(out, this.#framing, refs, { stringKeys, markBytes: this.#markBytes })
  }

  #admit(): void {
    if (this.queuedBytes <= this.#limits.linkMax) return
    throw new TsunagiError(
      'ERR_LINK_FULL',
      `more than ${this.#limits.linkMax} bytes are queued for this node; wait for drained() when send answers false`,
    )
  }

  /** A message that must wait for a big one is written aside, without the atom cache: its turn is not known yet. */
  #begin(from: Pid, to: Target, arity: number, operation: number): MessageWriter {
    const aside = this.#big.busy && this.#big.holds(from, to)
    const writer = aside ? this.#writer(new Writer(1024), new NoAtomCache(this.#options.budget)) : this.#main
    writer.begin(arity, operation)
    return writer
  }

  #end(writer: MessageWriter, from: Pid, to: Target): boolean {
    const size = writer.end()
    this.messages++
    if (writer === this.#main && size <= FRAGMENT_ABOVE) this.#outbox.commit(size)
    else this.#endBig(writer, from, to, size)
    if (this.queuedBytes <= this.#limits.linkHighWater) return true
    this.#full = true
    return false
  }

  #endBig(writer: MessageWriter, from: Pid, to: Target, size: number): void {
    const { bodyOffset } = writer
    const frame = writer.out.detach(FRESH_BYTES)
    if (writer === this.#main && !this.#has(DFLAG.FRAGMENTS)) return this.#outbox.push(frame)
    const fragmented = size > FRAGMENT_ABOVE && this.#has(DFLAG.FRAGMENTS)
    this.#big.add(from, to, { frame, bodyOffset, fragmented })
  }

  #onWritten(): void {
    if (this.#full && this.queuedBytes <= this.#limits.linkHighWater / 2) {
      this.#full = false
      this.#options.onDrained()
    }
    this.#options.onWritten()
  }
}
