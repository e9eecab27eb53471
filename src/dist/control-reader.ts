import { type AtomValue, atomName } from '../term/atom.ts'
import type { Decoder } from '../term/decoder.ts'
import { type Atom, type DecodeOptions, isAtom, isTuple, Pid, Reference, type Term } from '../term/index.ts'
import * as op from './control.ts'
import { ProtocolError } from './protocol-error.ts'
import type { Receiver, SignalHandler } from './signals.ts'

const VERSION = 131
const SMALL_TUPLE = 104
const SMALL_INTEGER = 97
const NEW_PID = 88

/** Names and options a {@link ControlReader} judges messages by. */
export interface ControlReaderOptions {
  /** Our own name: the node of every pid a message may be for. */
  readonly self: Atom
  /** The peer's name: the node of everything a message may come from. */
  readonly peer: Atom
  readonly handler: SignalHandler
  /** How terms are decoded unless their receiver says otherwise. */
  readonly terms: DecodeOptions
  /** A version byte precedes each term (links without distribution headers). */
  readonly versions: boolean
}

/**
 * Reads a control message by its operation, without making a tuple of it, then its payload if it has one, and calls
 * the handler. Anything that OTP would take for an invalid distribution message throws a {@link ProtocolError}.
 */
export class ControlReader {
  readonly #in: Decoder
  readonly #self: Atom
  readonly #peer: Atom
  readonly #handler: SignalHandler
  readonly #terms: DecodeOptions
  readonly #versions: boolean
  #size = 0
  /** Where the payload of the message begins that is being delivered. */
  #start = 0

  constructor(decoder: Decoder, options: ControlReaderOptions) {
    this.#in = decoder
    this.#self = options.self
    this.#peer = options.peer
    this.#handler = options.handler
    this.#terms = options.terms
    this.#versions = options.versions
  }

  /** Reads the message the decoder points at. `size`: its bytes on the wire. */
  read(size: number): void {
    const decoder = this.#in
    this.#size = size
    if (this.#versions) this.#version()
    if (decoder.u8() !== SMALL_TUPLE) throw new ProtocolError('a control message that is no tuple')
    const arity = decoder.u8()
    if (decoder.u8() !== SMALL_INTEGER) throw new ProtocolError('a control message without an operation')
    const operation = decoder.u8()
    switch (operation) {
      case op.REG_SEND:
      case op.REG_SEND_TT:
        this.#arity(operation, arity, operation === op.REG_SEND ? 4 : 5)
        this.#skipPid()
        decoder.read()
        return this.#regSend(operation === op.REG_SEND_TT)
      case op.SEND:
      case op.SEND_TT:
        this.#arity(operation, arity, operation === op.SEND ? 3 : 4)
        decoder.read()
        return this.#send(operation === op.SEND_TT)
      case op.SEND_SENDER:
      case op.SEND_SENDER_TT:
        this.#arity(operation, arity, operation === op.SEND_SENDER ? 3 : 4)
        this.#skipPid()
        return this.#send(operation === op.SEND_SENDER_TT)
      case op.ALIAS_SEND:
      case op.ALIAS_SEND_TT: {
        this.#arity(operation, arity, operation === op.ALIAS_SEND ? 3 : 4)
        this.#skipPid()
        const alias = this.#ref()
        const token = operation === op.ALIAS_SEND_TT ? decoder.read() : undefined
        return this.#deliver(this.#handler.receiverByAlias(alias), token)
      }
      default:
        return this.#rare(operation, arity)
    }
  }

  #regSend(token: boolean): void {
    const name = this.#in.atom()
    const trace = token ? this.#in.read() : undefined
    this.#deliver(this.#handler.receiverByName(name), trace)
  }

  /** The receiver's pid, read without making one. */
  #send(token: boolean): void {
    const decoder = this.#in
    let receiver: Receiver | undefined
    if (decoder.bytes[decoder.position] === NEW_PID) {
      decoder.u8()
      if (decoder.atom() !== this.#self) throw new ProtocolError('a message for a process of another node')
      receiver = this.#handler.receiverByPid(decoder.u32(), decoder.u32(), decoder.u32())
    } else {
      const to = this.#own(decoder.read())
      receiver = this.#handler.receiverByPid(to.id, to.serial, to.creation)
    }
    const trace = token ? decoder.read() : undefined
    this.#deliver(receiver, trace)
  }

  /** Decodes the message as its receiver wants it. For nobody it is not decoded at all. */
  #deliver(receiver: Receiver | undefined, token?: Term): void {
    if (receiver === undefined) return
    this.#start = this.#in.position
    receiver.deliver(this.#payloadAs(receiver.terms), this.#size, this.#peer, this.#as, token)
  }

  readonly #as = (terms: DecodeOptions): Term => {
    this.#in.position = this.#start
    return this.#payloadAs(terms)
  }

  #payloadAs(terms: DecodeOptions | undefined): Term {
    if (terms === undefined) return this.#payload()
    this.#in.configure(terms)
    try {
      return this.#payload()
    } finally {
      this.#in.configure(this.#terms)
    }
  }

  #payload(): Term {
    const decoder = this.#in
    if (this.#versions) this.#version()
    const term = decoder.read()
    if (decoder.position !== decoder.end) throw new ProtocolError('a message that is longer than its terms')
    return term
  }

  #version(): void {
    if (this.#in.u8() !== VERSION) throw new ProtocolError('a term without its version')
  }

  #rare(operation: number, arity: number): void {
    const handler = this.#handler
    switch (operation) {
      case op.LINK:
        this.#arity(operation, arity, 3)
        return handler.link(this.#foreign(), this.#ownPid())
      case op.UNLINK:
        // From a node that does not know UNLINK_ID; it expects no acknowledgement.
        this.#arity(operation, arity, 3)
        return handler.unlink(undefined, this.#foreign(), this.#ownPid())
      case op.UNLINK_ID:
        this.#arity(operation, arity, 4)
        return handler.unlink(this.#unlinkId(), this.#foreign(), this.#ownPid())
      case op.UNLINK_ID_ACK:
        this.#arity(operation, arity, 4)
        return handler.unlinkAck(this.#unlinkId(), this.#foreign(), this.#ownPid())
      case op.EXIT:
      case op.EXIT_TT: {
        const [from, to] = this.#pair(operation, arity, operation === op.EXIT ? 4 : 5, operation === op.EXIT_TT)
        return handler.exit(from, to, this.#in.read(), this.#size)
      }
      case op.EXIT2:
      case op.EXIT2_TT: {
        const [from, to] = this.#pair(operation, arity, operation === op.EXIT2 ? 4 : 5, operation === op.EXIT2_TT)
        return handler.exit2(from, to, this.#in.read(), this.#size)
      }
      case op.PAYLOAD_EXIT:
      case op.PAYLOAD_EXIT_TT: {
        const token = operation === op.PAYLOAD_EXIT_TT
        const [from, to] = this.#pair(operation, arity, token ? 4 : 3, token)
        return handler.exit(from, to, this.#payload(), this.#size)
      }
      case op.PAYLOAD_EXIT2:
      case op.PAYLOAD_EXIT2_TT: {
        const token = operation === op.PAYLOAD_EXIT2_TT
        const [from, to] = this.#pair(operation, arity, token ? 4 : 3, token)
        return handler.exit2(from, to, this.#payload(), this.#size)
      }
      case op.MONITOR_P:
        this.#arity(operation, arity, 4)
        return handler.monitor(this.#foreign(), this.#pidOrName(this.#self), this.#ref())
      case op.DEMONITOR_P:
        this.#arity(operation, arity, 4)
        return handler.demonitor(this.#foreign(), this.#pidOrName(this.#self), this.#ref())
      case op.MONITOR_P_EXIT:
        this.#arity(operation, arity, 5)
        return handler.monitorExit(this.#pidOrName(this.#peer), this.#ownPid(), this.#ref(), this.#in.read())
      case op.PAYLOAD_MONITOR_P_EXIT: {
        this.#arity(operation, arity, 4)
        const from = this.#pidOrName(this.#peer)
        const to = this.#ownPid()
        const ref = this.#ref()
        return handler.monitorExit(from, to, ref, this.#payloadAs(handler.termsOfMonitor?.(ref)))
      }
      case op.SPAWN_REQUEST:
      case op.SPAWN_REQUEST_TT:
        this.#arity(operation, arity, operation === op.SPAWN_REQUEST ? 6 : 7)
        return this.#spawnRequest(operation === op.SPAWN_REQUEST_TT)
      case op.SPAWN_REPLY:
      case op.SPAWN_REPLY_TT:
        this.#arity(operation, arity, operation === op.SPAWN_REPLY ? 5 : 6)
        return handler.spawnReply(this.#ref(), this.#ownPid(), this.#integer(), this.#pidOrError())
      case op.ALTACT_SIG_SEND:
        return this.#altact(arity)
      case op.GROUP_LEADER:
        // There are no group leaders here; the signal is valid and has no effect.
        this.#arity(operation, arity, 3)
        this.#pid()
        this.#pid()
        return
      default:
        throw new ProtocolError(`there is no control operation ${operation} of ${arity} elements`)
    }
  }

  /** {37, Flags, From, To} or {37, Flags, From, To, Token}; longer tuples and unknown flags are for later versions. */
  #altact(arity: number): void {
    if (arity < 4) throw new ProtocolError(`control operation ${op.ALTACT_SIG_SEND} with ${arity} elements`)
    const flags = this.#integer()
    const handler = this.#handler
    const from = this.#foreign()
    if ((flags & op.ALTACT.exit) !== 0) {
      const to = this.#ownPid()
      for (let i = 4; i < arity; i++) this.#in.read()
      return handler.exit2(from, to, this.#payload(), this.#size)
    }
    let receiver: Receiver | undefined
    if ((flags & op.ALTACT.name) !== 0) receiver = handler.receiverByName(this.#in.atom())
    else if ((flags & op.ALTACT.alias) !== 0) receiver = handler.receiverByAlias(this.#ref())
    else {
      const to = this.#ownPid()
      receiver = handler.receiverByPid(to.id, to.serial, to.creation)
    }
    for (let i = 4; i < arity; i++) this.#in.read()
    this.#deliver(receiver)
  }

  #spawnRequest(token: boolean): void {
    const decoder = this.#in
    const id = this.#ref()
    const from = this.#foreign()
    const groupLeader = this.#pid()
    const mfa = decoder.read()
    if (!isTuple(mfa) || mfa.length !== 3 || typeof mfa[2] !== 'number') {
      throw new ProtocolError('a spawn request without module, function and arity')
    }
    const options = decoder.read()
    const trace = token ? decoder.read() : undefined
    const start = decoder.position
    const args = this.#list(this.#payload())
    const argsAs = (terms: DecodeOptions): readonly Term[] => {
      decoder.position = start
      return this.#list(this.#payloadAs(terms))
    }
    const [module, name, arity] = mfa as unknown as [AtomValue, AtomValue, number]
    if (atomName(module) === undefined || atomName(name) === undefined) {
      throw new ProtocolError('a spawn request without module and function')
    }
    const request = { id, from, groupLeader, module, function: name, arity, options, args, token: trace, argsAs }
    this.#handler.spawnRequest(request)
  }

  /** The arguments of a spawn request. */
  #list(args: Term): readonly Term[] {
    if (!Array.isArray(args) || isTuple(args)) throw new ProtocolError('a spawn request without a list of arguments')
    return args
  }

  #pair(operation: number, arity: number, expected: number, token: boolean): [Pid, Pid] {
    this.#arity(operation, arity, expected)
    const from = this.#foreign()
    const to = this.#ownPid()
    if (token) this.#in.read()
    return [from, to]
  }

  #arity(operation: number, arity: number, expected: number): void {
    if (arity !== expected) {
      throw new ProtocolError(`control operation ${operation} with ${arity} elements instead of ${expected}`)
    }
  }

  /** A sender that nobody will answer: checked, not made. */
  #skipPid(): void {
    const decoder = this.#in
    if (decoder.bytes[decoder.position] !== NEW_PID) {
      if (!(decoder.read() instanceof Pid)) throw new ProtocolError('a message whose sender is no pid')
      return
    }
    decoder.u8()
    decoder.atom()
    decoder.u32()
    decoder.u32()
    decoder.u32()
  }

  /** Of whatever node. */
  #pid(): Pid {
    const pid = this.#in.read()
    if (!(pid instanceof Pid)) throw new ProtocolError('a signal with something else in the place of a pid')
    return pid
  }

  /** What became of a spawn request: the process, or an atom that says why there is none. */
  #pidOrError(): Term {
    const result = this.#in.read()
    const isPid = result instanceof Pid && result.nodeAtom === this.#peer
    // The atoms that have values of their own in JavaScript are atoms too.
    const isError = isAtom(result) || typeof result === 'boolean' || result === null || result === undefined
    if (!isPid && !isError) throw new ProtocolError('a spawn reply that is neither a process nor an error')
    return result
  }

  /** A pid of the peer. */
  #foreign(): Pid {
    const pid = this.#in.read()
    if (!(pid instanceof Pid)) throw new ProtocolError('a signal whose sender is no pid')
    if (pid.nodeAtom !== this.#peer) throw new ProtocolError(`a signal from a process of ${pid.node}`)
    return pid
  }

  #ownPid(): Pid {
    return this.#own(this.#in.read())
  }

  #own(pid: Term): Pid {
    if (!(pid instanceof Pid)) throw new ProtocolError('a signal whose receiver is no pid')
    if (pid.nodeAtom !== this.#self) throw new ProtocolError(`a signal for a process of ${pid.node}`)
    return pid
  }

  #pidOrName(node: Atom): Pid | Atom {
    const decoder = this.#in
    if (decoder.bytes[decoder.position] !== NEW_PID) return decoder.atom()
    const target = decoder.read() as Pid
    if (target.nodeAtom !== node) throw new ProtocolError(`a monitor of a process of ${target.node}`)
    return target
  }

  #ref(): Reference {
    const ref = this.#in.read()
    if (!(ref instanceof Reference)) throw new ProtocolError('a signal without its reference')
    return ref
  }

  #unlinkId(): number | bigint {
    const id = this.#in.read()
    const isInteger = typeof id === 'bigint' || Number.isInteger(id)
    if (!isInteger || (id as number | bigint) < 1 || (id as number | bigint) > 0xffff_ffff_ffff_ffffn) {
      throw new ProtocolError('an unlink signal without its number')
    }
    return id as number | bigint
  }

  #integer(): number {
    const value = this.#in.read()
    if (typeof value === 'bigint') return Number(BigInt.asUintN(32, value))
    if (typeof value !== 'number' || !Number.isInteger(value)) throw new ProtocolError('a signal without its flags')
    return value
  }
}
