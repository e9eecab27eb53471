import { ProtocolError } from './protocol-error.ts'

/**
 * Bytes reserved at most for a frame on its announced length alone. The memory of a longer one grows with what arrives,
 * by doubling: a peer that announces much and sends nothing gets little.
 */
const INITIAL_BYTES = 1024 * 1024

/**
 * Cuts the bytes of an established link into frames: length u32, then that many bytes; length 0 is a tick. Frames that
 * lie within one chunk are handed out in place; only those that span chunks are put together, those of up to 1 MiB
 * straight into memory of their size.
 */
export class FrameReader {
  readonly #limit: number
  readonly #onFrame: (bytes: Buffer, start: number, end: number, owned: boolean) => void
  /** The frame being put together, how long it will be, and how much of it is there. */
  #frame: Buffer | undefined
  #length = 0
  #filled = 0
  /** A length prefix cut in two. */
  readonly #prefix = Buffer.alloc(4)
  #prefixed = 0

  /**
   * @param limit longest frame in bytes
   * @param onFrame gets each frame as `bytes[start, end)`; `owned` when nobody else has that memory
   */
  constructor(limit: number, onFrame: (bytes: Buffer, start: number, end: number, owned: boolean) => void) {
    this.#limit = limit
    this.#onFrame = onFrame
  }

  /** @throws ProtocolError when a frame is longer than the limit; whatever `onFrame` throws. */
  push(chunk: Uint8Array): void {
    const bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    const end = bytes.length
    let at = 0
    while (at < end) {
      if (this.#frame !== undefined) {
        at = this.#fill(bytes, at, end)
        continue
      }
      if (this.#prefixed > 0 || end - at < 4) {
        at = this.#fillPrefix(bytes, at, end)
        continue
      }
      const length =
        (((bytes[at] as number) << 24) |
          ((bytes[at + 1] as number) << 16) |
          ((bytes[at + 2] as number) << 8) |
          (bytes[at + 3] as number)) >>>
        0
      at += 4
      if (length === 0) continue
      if (length <= end - at) {
        this.#check(length)
        this.#onFrame(bytes, at, at + length, false)
        at += length
      } else {
        this.#start(length)
      }
    }
  }

  #check(length: number): void {
    if (length > this.#limit) throw new ProtocolError(`a frame of ${length} bytes; ${this.#limit} are allowed`)
  }

  #start(length: number): void {
    this.#check(length)
    this.#frame = Buffer.allocUnsafeSlow(Math.min(length, INITIAL_BYTES))
    this.#length = length
    this.#filled = 0
  }

  #fill(bytes: Buffer, at: number, end: number): number {
    const take = Math.min(end - at, this.#length - this.#filled)
    const frame = this.#room(this.#filled + take)
    bytes.copy(frame, this.#filled, at, at + take)
    this.#filled += take
    if (this.#filled === this.#length) {
      this.#frame = undefined
      this.#onFrame(frame, 0, this.#length, true)
    }
    return at + take
  }

  /** The frame's memory, with room for so many bytes; never more than twice of what is needed, nor than its length. */
  #room(bytes: number): Buffer {
    const frame = this.#frame as Buffer
    if (bytes <= frame.length) return frame
    const larger = Buffer.allocUnsafeSlow(Math.min(this.#length, bytes * 2))
    frame.copy(larger, 0, 0, this.#filled)
    this.#frame = larger
    return larger
  }

  #fillPrefix(bytes: Buffer, at: number, end: number): number {
    while (this.#prefixed < 4 && at < end) this.#prefix[this.#prefixed++] = bytes[at++] as number
    if (this.#prefixed < 4) return at
    this.#prefixed = 0
    const length = this.#prefix.readUInt32BE(0)
    if (length > 0) this.#start(length)
    return at
  }
}
