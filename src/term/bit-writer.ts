/** Puts together the bits of a binary literal. */
export class BitWriter {
  #bytes = Buffer.alloc(64)
  /** Bits written. */
  length = 0

  /** Whole bytes, at any bit position. */
  bytes(bytes: Uint8Array): void {
    this.#reserve(bytes.length * 8)
    if (this.length % 8 === 0) {
      this.#bytes.set(bytes, this.length / 8)
      this.length += bytes.length * 8
    } else {
      for (const byte of bytes) this.#bits(byte, 8)
    }
  }

  byte(value: number): void {
    this.#reserve(8)
    if (this.length % 8 !== 0) return this.#bits(value, 8)
    this.#bytes[this.length / 8] = value
    this.length += 8
  }

  /** The lowest `size` bits of an integer. */
  integer(value: bigint, size: number, little: boolean): void {
    if (size === 0) return
    const partial = size % 8
    const count = Math.ceil(size / 8)
    const hex = BigInt.asUintN(size, value)
      .toString(16)
      .padStart(count * 2, '0')
    const big = Buffer.from(hex, 'hex')
    this.#reserve(size)
    if (little) {
      // The highest byte, which comes last, is the one that may be short.
      big.reverse()
      this.bytes(partial === 0 ? big : big.subarray(0, -1))
      if (partial !== 0) this.#bits(big.at(-1) as number, partial)
    } else {
      if (partial !== 0) this.#bits(big[0] as number, partial)
      this.bytes(partial === 0 ? big : big.subarray(1))
    }
  }

  float(value: number, size: 32 | 64, little: boolean): void {
    const buffer = Buffer.alloc(size / 8)
    if (size === 64) buffer.writeDoubleBE(value)
    else buffer.writeFloatBE(value)
    this.bytes(little ? buffer.reverse() : buffer)
  }

  /** What was written, on memory of its own, and how many bits of the last byte count (0: all, or there is none). */
  finish(): { bytes: Uint8Array; bits: number } {
    const bytes = new Uint8Array(this.#bytes.subarray(0, Math.ceil(this.length / 8)))
    return { bytes, bits: this.length % 8 }
  }

  #bits(value: number, count: number): void {
    this.#reserve(count)
    for (let bit = count - 1; bit >= 0; bit--) {
      if ((value >> bit) & 1) {
        const at = this.length >> 3
        this.#bytes[at] = (this.#bytes[at] as number) | (0x80 >> (this.length & 7))
      }
      this.length++
    }
  }

  #reserve(bits: number): void {
    const needed = Math.ceil((this.length + bits) / 8)
    if (needed <= this.#bytes.length) return
    const grown = Buffer.alloc(Math.max(needed, this.#bytes.length * 2))
    grown.set(this.#bytes)
    this.#bytes = grown
  }
}
