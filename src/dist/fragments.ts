import type { Limits } from '../base/limits.ts'
import type { Atom } from '../term/index.ts'
import { ProtocolError } from './protocol-error.ts'

/** Payload bytes of one fragment, as OTP cuts them. */
export const FRAGMENT_BYTES = 64 * 1024

/**
 * Messages above this leave as fragments. A little more than one fragment, so that a 64 KiB binary with its envelope
 * still travels whole.
 */
export const FRAGMENT_ABOVE = FRAGMENT_BYTES + 1024

/**
 * What one fragment is taken to cost beside its bytes. Without it a peer could fill the memory with fragments that are
 * empty or next to it.
 */
const PART_COST = 256

const VERSION = 131
const FIRST_FRAGMENT = 69
const NEXT_FRAGMENT = 70

/**
 * A big message on its way out, cut into frames:
 *
 *     first: length u32, 131, 69, sequence u64, fragments left u64 (the total), atom header, data
 *     next:  length u32, 131, 70, sequence u64, fragments left u64 (down to 1), data
 *
 * The control message lies whole in the first one. Source: OTP, "Distribution Header for fragmented messages".
 */
export class OutgoingFragments {
  readonly #sequence: number
  readonly #atoms: Buffer
  readonly #body: Buffer
  #offset = 0
  #left: number

  /** @param atoms the header's atom part (N, flags, references); `body` control message and payload. Both are kept. */
  constructor(sequence: number, atoms: Buffer, body: Buffer) {
    this.#sequence = sequence
    this.#atoms = atoms
    this.#body = body
    this.#left = Math.max(1, Math.ceil(body.length / FRAGMENT_BYTES))
  }

  get done(): boolean {
    return this.#left === 0
  }

  /** Bytes of the message still to go. */
  get bytesLeft(): number {
    return this.#body.length - this.#offset
  }

  /** The next frame: its head and a view of the message. */
  next(): [head: Buffer, data: Buffer] {
    const first = this.#offset === 0
    const data = this.#body.subarray(this.#offset, this.#offset + FRAGMENT_BYTES)
    const head = Buffer.allocUnsafe(22 + (first ? this.#atoms.length : 0))
    head.writeUInt32BE(head.length - 4 + data.length, 0)
    head[4] = VERSION
    head[5] = first ? FIRST_FRAGMENT : NEXT_FRAGMENT
    head.writeBigUInt64BE(BigInt(this.#sequence), 6)
    head.writeBigUInt64BE(BigInt(this.#left), 14)
    if (first) this.#atoms.copy(head, 22)
    this.#offset += data.length
    this.#left--
    return [head, data]
  }
}

interface Sequence {
  readonly refs: readonly Atom[]
  readonly parts: Buffer[]
  bytes: number
  cost: number
  left: bigint
}

/** A message put together: its bytes and the atoms its header listed. */
export interface Assembled {
  readonly bytes: Buffer
  readonly refs: readonly Atom[]
}

/** Puts incoming fragments together, within bounds. Sequences may interleave; each must come in order. */
export class IncomingFragments {
  readonly #limits: Pick<Limits, 'fragmentedBytes' | 'fragmentSequences'>
  readonly #sequences = new Map<bigint, Sequence>()
  #cost = 0

  constructor(limits: Pick<Limits, 'fragmentedBytes' | 'fragmentSequences'>) {
    this.#limits = limits
  }

  /** Messages not complete yet. */
  get pending(): number {
    return this.#sequences.size
  }

  /** The first fragment of a sequence; `left` is their total, `refs` its atoms, kept. Answers the message if it is the only one. */
  first(id: bigint, left: bigint, refs: readonly Atom[], data: Buffer): Assembled | undefined {
    if (this.#sequences.has(id)) throw new ProtocolError(`fragment sequence ${id} begins twice`)
    if (left < 1n) throw new ProtocolError(`fragment sequence ${id} has no fragments`)
    if (this.#sequences.size >= this.#limits.fragmentSequences) {
      throw new ProtocolError(`more than ${this.#limits.fragmentSequences} unfinished fragmented messages`)
    }
    const sequence: Sequence = { refs, parts: [], bytes: 0, cost: 0, left: left + 1n }
    this.#sequences.set(id, sequence)
    return this.#add(id, sequence, left, data)
  }

  next(id: bigint, left: bigint, data: Buffer): Assembled | undefined {
    const sequence = this.#sequences.get(id)
    if (sequence === undefined) throw new ProtocolError(`a fragment of sequence ${id}, which never began`)
    return this.#add(id, sequence, left, data)
  }

  #add(id: bigint, sequence: Sequence, left: bigint, data: Buffer): Assembled | undefined {
    if (left !== sequence.left - 1n) {
      throw new ProtocolError(`fragment ${left} of sequence ${id} where ${sequence.left - 1n} is due`)
    }
    sequence.left = left
    const cost = data.length + PART_COST
    this.#cost += cost
    sequence.cost += cost
    sequence.bytes += data.length
    if (this.#cost > this.#limits.fragmentedBytes) {
      throw new ProtocolError(`unfinished fragmented messages of more than ${this.#limits.fragmentedBytes} bytes`)
    }
    sequence.parts.push(data)
    if (left > 1n) return undefined
    this.#sequences.delete(id)
    this.#cost -= sequence.cost
    return { bytes: Buffer.concat(sequence.parts, sequence.bytes), refs: sequence.refs }
  }
}
