import { located } from '../term/encode.ts'
import { type AtomRefs, Encoder } from '../term/encoder.ts'
import { EncodeError } from '../term/errors.ts'
import type { Atom, Pid, Reference, Term } from '../term/index.ts'
import type { Writer } from '../term/writer.ts'
import { OutgoingAtomCache } from './atom-cache.ts'

/** How messages are framed on a link; fixed by the flags both sides agreed on. */
export interface Framing {
  /** `131 68` and a header before each message; otherwise the byte 112 and a version before each term. */
  readonly header: boolean
}

const LENGTH_BYTES = 4
const VERSION = 131
const PASS_THROUGH = 112
const DIST_HEADER = 68
const SMALL_TUPLE = 104
const SMALL_INTEGER = 97
const SMALL_ATOM_UTF8 = 119

/** Bytes of a buffer that a message which failed to encode may leave behind. */
const KEEP_BYTES = 1024 * 1024
const FRESH_BYTES = 16 * 1024

/**
 * Writes messages straight into an output buffer, one after the other: length, header, control tuple, payload.
 *
 * The header's size is known only when the terms are written, since it lists their atoms. It is guessed to be that of
 * the message before; the body moves when the guess was wrong, which in a stream of similar messages is rare.
 */
export class MessageWriter {
  readonly out: Writer
  readonly #encoder: Encoder
  readonly #cache: OutgoingAtomCache | undefined
  readonly #header: boolean
  #guess = 0
  #headerBytes = 0
  #unfinished = false

  constructor(out: Writer, framing: Framing, refs: AtomRefs, options: { stringKeys: boolean; markBytes: boolean }) {
    this.out = out
    this.#encoder = new Encoder(out)
    this.#encoder.refs = refs
    this.#encoder.stringKeys = options.stringKeys
    this.#encoder.markBytes = options.markBytes
    this.#cache = refs instanceof OutgoingAtomCache ? refs : undefined
    this.#header = framing.header
    this.#guess = framing.header ? 3 : 1
  }

  /** Bytes are marked as bytes from now on, or no longer. */
  set markBytes(mark: boolean) {
    this.#encoder.markBytes = mark
  }

  /** Begins a message with its control tuple's arity and operation. */
  begin(arity: number, op: number): void {
    const { out } = this
    // A getter of the value sends something itself: the two would end up within each other.
    if (this.#unfinished) throw new EncodeError('a getter that sends to the node the value itself is sent to')
    this.#cache?.begin()
    out.start = out.position
    out.ensure(LENGTH_BYTES + this.#guess + 5)
    let at = out.start + LENGTH_BYTES + this.#guess
    const { bytes } = out
    if (!this.#header) bytes[at++] = VERSION
    bytes[at++] = SMALL_TUPLE
    bytes[at++] = arity
    bytes[at++] = SMALL_INTEGER
    bytes[at++] = op
    out.position = at
    this.#unfinished = true
  }

  /** An unused field of a control tuple: the empty atom. */
  unused(): void {
    const { out } = this
    out.ensure(2)
    out.bytes[out.position++] = SMALL_ATOM_UTF8
    out.bytes[out.position++] = 0
  }

  pid(pid: Pid): void {
    this.#encoder.pid(pid)
  }

  atom(atom: Atom): void {
    this.#encoder.atom(atom)
  }

  reference(reference: Reference): void {
    this.#encoder.reference(reference)
  }

  term(term: Term): void {
    this.#encoder.write(term)
  }

  /** The second term of a message, with keys as `stringKeys` says instead of as usual. */
  payload(term: Term, stringKeys?: boolean): void {
    if (!this.#header) this.out.u8(VERSION)
    if (stringKeys === undefined) return this.#encoder.write(term)
    const usual = this.#encoder.stringKeys
    this.#encoder.stringKeys = stringKeys
    try {
      this.#encoder.write(term)
    } finally {
      this.#encoder.stringKeys = usual
    }
  }

  /** Completes the message; returns its size with the length prefix. It lies at `out.start`, up to `out.position`. */
  end(): number {
    const { out } = this
    const needed = this.#header ? 2 + (this.#cache?.headerBytes ?? 1) : 1
    if (needed !== this.#guess) this.#shift(needed - this.#guess)
    this.#headerBytes = needed
    const { bytes, start } = out
    const at = start + LENGTH_BYTES
    if (!this.#header) bytes[at] = PASS_THROUGH
    else {
      bytes[at] = VERSION
      bytes[at + 1] = DIST_HEADER
      if (this.#cache === undefined) bytes[at + 2] = 0
      else this.#cache.writeHeader(bytes, at + 2)
    }
    this.#unfinished = false
    const size = out.position - start
    const length = size - LENGTH_BYTES
    bytes[start] = length >>> 24
    bytes[start + 1] = length >>> 16
    bytes[start + 2] = length >>> 8
    bytes[start + 3] = length
    return size
  }

  #shift(by: number): void {
    const { out } = this
    if (by > 0) out.ensure(by)
    const body = out.start + LENGTH_BYTES + this.#guess
    out.bytes.copyWithin(body + by, body, out.position)
    out.position += by
    this.#guess += by
  }

  /** Where the body of the completed message begins, from its start; before it lie length and header. */
  get bodyOffset(): number {
    return LENGTH_BYTES + this.#headerBytes
  }

  /** Undoes the message that failed to encode and gives the error to throw. */
  fail(term: Term, error: unknown): unknown {
    const { out } = this
    this.#unfinished = false
    out.position = out.start
    if (out.bytes.length > KEEP_BYTES) out.detach(FRESH_BYTES)
    this.#cache?.rewind()
    return located(term, error)
  }
}
