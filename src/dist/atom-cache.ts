import { TsunagiError } from '../base/errors.ts'
import { defaultLimits, type Limits } from '../base/limits.ts'
import { atomFromUtf8 } from '../term/atom-lookup.ts'
import type { AtomRefs } from '../term/encoder.ts'
import type { Atom } from '../term/index.ts'
import { ProtocolError } from './protocol-error.ts'

/** Slots of one direction's cache: 8 segments of 256. */
const SLOTS = 2048
/** How many of them a sender begins with: most links carry a few dozen atoms, and a node may have a hundred links. */
const FIRST_SLOTS = 256
/** So many atoms may push others out of their slots before there are more slots. */
const CROWDED = 32
/** Slots that a receiver makes room for at once: senders scatter their atoms. A power of two. */
const CHUNK = 16
const CHUNK_BITS = 4
/** Atom references one header can carry. */
const MAX_REFS = 255
/** What an exit reason becomes that cannot be sent: it may always be. */
const UNENCODABLE = 'unencodable_reason'

/**
 * Counts the atoms introduced to one BEAM peer, whose atom table only ever grows and ends the node when it is full.
 */
export class AtomBudget {
  readonly #limits: Pick<Limits, 'keyAtoms' | 'peerAtoms'>
  /** By name: an atom that was collected and made anew has another id here, and is the same one there. */
  readonly #known = new Set<string>()
  #keys = 0
  #lifted = false
  /**
   * Set while the processes and names of a signal are written that the peer waits for. It knows their atoms, and links and
   * monitors must fire also when the limit is reached.
   */
  exempt = false

  constructor(limits: Pick<Limits, 'keyAtoms' | 'peerAtoms'> = defaultLimits) {
    this.#limits = limits
  }

  /** The peer frees its atoms after all: no bounds from now on. */
  lift(): void {
    this.#lifted = true
    this.#known.clear()
  }

  /** @throws TsunagiError `ERR_ATOM_LIMIT` */
  admit(atom: Atom, isKey: boolean): void {
    if (this.#lifted || this.exempt || this.#known.has(atom.name)) return
    if (isKey && ++this.#keys > this.#limits.keyAtoms) {
      throw new TsunagiError(
        'ERR_ATOM_LIMIT',
        `more than ${this.#limits.keyAtoms} different object keys were sent to this node as atoms (the last: ` +
          `${JSON.stringify(atom.name)}); atoms are never freed there: use a Map with string keys, or keys: 'strings'`,
      )
    }
    if (this.#known.size >= this.#limits.peerAtoms && atom.name !== UNENCODABLE) {
      throw new TsunagiError(
        'ERR_ATOM_LIMIT',
        `more than ${this.#limits.peerAtoms} different atoms were sent to this node (the last: ` +
          `${JSON.stringify(atom.name)}); atoms are never freed there: use strings or a Map`,
      )
    }
    this.#known.add(atom.name)
  }
}

/** Where there is no cache: every atom is written out, only the budget is kept. */
export class NoAtomCache implements AtomRefs {
  readonly #budget: AtomBudget | undefined

  constructor(budget: AtomBudget | undefined) {
    this.#budget = budget
  }

  index(atom: Atom, isKey: boolean): number {
    this.#budget?.admit(atom, isKey)
    return -1
  }

  admit(atom: Atom, isKey: boolean): void {
    this.#budget?.admit(atom, isKey)
  }
}

/**
 * The sending half of the atom cache. While a message is encoded it collects the message's atom references; the header
 * is written when the message is complete, or everything is undone when encoding fails.
 *
 *     N u8, flags (N/2+1 bytes of half-bytes: 1 bit new, 3 bits segment; the last one: long atoms), refs:
 *     known: index u8; new: index u8, length u8, UTF-8
 *
 * Source: OTP, "Distribution Header". Atoms of more than 255 bytes are never cached, so the long form is never needed.
 */
export class OutgoingAtomCache implements AtomRefs {
  #slots: (Atom | undefined)[] = new Array(FIRST_SLOTS).fill(undefined)
  #mask = FIRST_SLOTS - 1
  /** The message that last used the slot, and the slot's index in that message. */
  #usedBy = new Int32Array(FIRST_SLOTS)
  #indexOf = new Uint8Array(FIRST_SLOTS)
  #evictions = 0
  readonly #budget: AtomBudget | undefined
  #message = 0
  /** This message's references: their slots, and whether they are new to the peer. */
  readonly #refs = new Uint16Array(MAX_REFS)
  readonly #isNew = new Uint8Array(MAX_REFS)
  #count = 0
  #refBytes = 0
  readonly #replaced: [slot: number, atom: Atom | undefined][] = []

  constructor(budget?: AtomBudget) {
    this.#budget = budget
  }

  /** Begins a message. */
  begin(): void {
    this.#count = 0
    this.#refBytes = 0
    if (this.#replaced.length > 0) this.#replaced.length = 0
    if (this.#evictions > CROWDED && this.#slots.length < SLOTS) this.#grow()
    if (++this.#message === 0x7fffffff) {
      this.#usedBy.fill(0)
      this.#message = 1
    }
  }

  index(atom: Atom, isKey: boolean): number {
    const slot = atom.id & this.#mask
    if (this.#slots[slot] === atom) {
      if (this.#usedBy[slot] === this.#message) return this.#indexOf[slot] as number
      if (this.#count === MAX_REFS) return -1
      return this.#add(slot, 0, 1)
    }
    this.#budget?.admit(atom, isKey)
    const { length } = atom.utf8
    if (this.#usedBy[slot] === this.#message || this.#count === MAX_REFS || length > 255) return -1
    const evicted = this.#slots[slot]
    if (evicted !== undefined) this.#evictions++
    this.#replaced.push([slot, evicted])
    this.#slots[slot] = atom
    return this.#add(slot, 1, 2 + length)
  }

  admit(atom: Atom, isKey: boolean): void {
    if (this.#slots[atom.id & this.#mask] !== atom) this.#budget?.admit(atom, isKey)
  }

  /** An atom that now belongs in another slot is sent anew; what is in its old one stays true. */
  #grow(): void {
    const slots = new Array<Atom | undefined>(SLOTS).fill(undefined)
    for (const [slot, atom] of this.#slots.entries()) slots[slot] = atom
    const [usedBy, indexOf] = [new Int32Array(SLOTS), new Uint8Array(SLOTS)]
    usedBy.set(this.#usedBy)
    indexOf.set(this.#indexOf)
    this.#slots = slots
    this.#usedBy = usedBy
    this.#indexOf = indexOf
    this.#mask = SLOTS - 1
  }

  #add(slot: number, isNew: number, bytes: number): number {
    const index = this.#count++
    this.#usedBy[slot] = this.#message
    this.#indexOf[slot] = index
    this.#refs[index] = slot
    this.#isNew[index] = isNew
    this.#refBytes += bytes
    return index
  }

  /** Bytes {@link writeHeader} will write. */
  get headerBytes(): number {
    return this.#count === 0 ? 1 : 2 + (this.#count >> 1) + this.#refBytes
  }

  writeHeader(bytes: Buffer, at: number): void {
    const count = this.#count
    bytes[at++] = count
    if (count === 0) return
    const flags = at
    at += (count >> 1) + 1
    for (let i = flags; i < at; i++) bytes[i] = 0
    for (let i = 0; i < count; i++) {
      const slot = this.#refs[i] as number
      const nibble = (slot >> 8) | ((this.#isNew[i] as number) << 3)
      const flag = flags + (i >> 1)
      bytes[flag] = (bytes[flag] as number) | ((i & 1) === 0 ? nibble : nibble << 4)
      bytes[at++] = slot & 0xff
      if (this.#isNew[i] === 1) {
        const { utf8 } = this.#slots[slot] as Atom
        bytes[at++] = utf8.length
        for (let j = 0; j < utf8.length; j++) bytes[at + j] = utf8[j] as number
        at += utf8.length
      }
    }
  }

  /** Undoes what the message that failed to encode put into the cache. */
  rewind(): void {
    for (let i = this.#replaced.length - 1; i >= 0; i--) {
      const [slot, atom] = this.#replaced[i] as [number, Atom | undefined]
      this.#slots[slot] = atom
      this.#usedBy[slot] = 0
    }
    this.#replaced.length = 0
  }
}

/** The receiving half: reads headers, gives the message's atoms. */
export class IncomingAtomCache {
  /** By the upper bits of a slot, then by its lower ones; made when the first atom comes. */
  readonly #chunks: ((Atom | undefined)[] | undefined)[] = new Array(SLOTS / CHUNK).fill(undefined)
  /** The current message's atoms, by reference index; overwritten by the next header. Only `count` of them count. */
  readonly refs: Atom[] = []
  count = 0

  /** Reads the header that begins at `at` and returns where it ends. */
  readHeader(bytes: Buffer, at: number, end: number): number {
    if (at >= end) throw truncated()
    const count = bytes[at++] as number
    const { refs } = this
    this.count = count
    if (count === 0) return at
    const flags = at
    at += (count >> 1) + 1
    if (at > end) throw truncated()
    const last = bytes[flags + (count >> 1)] as number
    const longAtoms = (((count & 1) === 0 ? last : last >> 4) & 1) === 1
    for (let i = 0; i < count; i++) {
      const byte = bytes[flags + (i >> 1)] as number
      const nibble = (i & 1) === 0 ? byte & 0xf : byte >> 4
      if (at >= end) throw truncated()
      const slot = ((nibble & 7) << 8) | (bytes[at++] as number)
      if ((nibble & 8) === 0) {
        const atom = this.#chunks[slot >> CHUNK_BITS]?.[slot & (CHUNK - 1)]
        if (atom === undefined) throw new ProtocolError('a header refers to an atom that was never sent')
        refs[i] = atom
        continue
      }
      const width = longAtoms ? 2 : 1
      if (at + width > end) throw truncated()
      const length = longAtoms ? bytes.readUInt16BE(at) : (bytes[at] as number)
      at += width
      if (at + length > end) throw truncated()
      const atom = atomFromUtf8(bytes, at, length)
      if (atom === undefined) throw new ProtocolError('a header has an atom that is not valid UTF-8 or too long')
      at += length
      this.#store(slot, atom)
      refs[i] = atom
    }
    return at
  }

  #store(slot: number, atom: Atom): void {
    let chunk = this.#chunks[slot >> CHUNK_BITS]
    if (chunk === undefined) {
      chunk = new Array(CHUNK).fill(undefined)
      this.#chunks[slot >> CHUNK_BITS] = chunk
    }
    chunk[slot & (CHUNK - 1)] = atom
  }
}

function truncated(): ProtocolError {
  return new ProtocolError('a frame ends inside its distribution header')
}
