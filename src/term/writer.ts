/**
 * Bytes a buffer grows to by itself; larger ones are made only for larger frames. Two messages with a binary of 64 KiB have
 * room in it.
 */
export const ENOUGH = 144 * 1024

/**
 * A growing byte buffer that frames are written into in place. Bytes before `start` are finished; growing moves only
 * what lies behind it, and hands the finished part to `onSeal`.
 */
export class Writer {
  /** Where the next byte goes. */
  position = 0
  /** Where the unfinished frame begins. */
  start = 0
  bytes: Buffer
  /** Called with the old buffer and where its finished bytes end, when another takes its place; `whole`: nobody keeps the rest. */
  onSeal: ((bytes: Buffer, end: number, whole: boolean) => void) | undefined
  /** Where larger buffers come from: at least so many bytes, whatever is in them. */
  allocate: (size: number) => Buffer = Buffer.allocUnsafeSlow

  constructor(size: number) {
    this.bytes = Buffer.allocUnsafeSlow(size)
  }

  /** Makes room for `count` more bytes. */
  ensure(count: number): void {
    if (this.position + count > this.bytes.length) this.#grow(count)
  }

  #grow(count: number): void {
    const old = this.bytes
    const unfinished = this.position - this.start
    const needed = unfinished + count
    // Twice the size while that stays small, so that idle writers are; then only as much as one frame asks for.
    const size = Math.max(Math.min(old.length * 2, Math.max(old.length, ENOUGH)), needed + (needed >> 1))
    const fresh = this.allocate(size)
    old.copy(fresh, 0, this.start, this.position)
    this.onSeal?.(old, this.start, true)
    this.bytes = fresh
    this.start = 0
    this.position = unfinished
  }

  /** Goes on in a fresh buffer; returns the bytes of the unfinished frame, which are the caller's from now on. */
  detach(size: number): Buffer {
    const frame = this.bytes.subarray(this.start, this.position)
    this.onSeal?.(this.bytes, this.start, false)
    this.bytes = Buffer.allocUnsafeSlow(size)
    this.start = 0
    this.position = 0
    return frame
  }

  u8(value: number): void {
    if (this.position + 1 > this.bytes.length) this.#grow(1)
    this.bytes[this.position++] = value
  }

  u16(value: number): void {
    if (this.position + 2 > this.bytes.length) this.#grow(2)
    const { bytes, position } = this
    bytes[position] = value >>> 8
    bytes[position + 1] = value
    this.position = position + 2
  }

  u32(value: number): void {
    if (this.position + 4 > this.bytes.length) this.#grow(4)
    const { bytes, position } = this
    bytes[position] = value >>> 24
    bytes[position + 1] = value >>> 16
    bytes[position + 2] = value >>> 8
    bytes[position + 3] = value
    this.position = position + 4
  }

  /** A tag and a u32. */
  tag32(tag: number, value: number): void {
    if (this.position + 5 > this.bytes.length) this.#grow(5)
    const { bytes, position } = this
    bytes[position] = tag
    bytes[position + 1] = value >>> 24
    bytes[position + 2] = value >>> 16
    bytes[position + 3] = value >>> 8
    bytes[position + 4] = value
    this.position = position + 5
  }

  raw(source: Uint8Array): void {
    const { length } = source
    if (this.position + length > this.bytes.length) this.#grow(length)
    const { bytes, position } = this
    if (length < 48) {
      for (let i = 0; i < length; i++) bytes[position + i] = source[i] as number
    } else {
      bytes.set(source, position)
    }
    this.position = position + length
  }
}
