import { Version } from '../../version.ts'

const MOST_EPOCH = 2 ** 48

/** Writes numbers, texts and bytes one after the other. A text that was written before takes a byte or two. */
export class Packer {
  #bytes: Buffer
  #at = 0
  readonly #texts = new Map<string, number>()

  constructor(size = 1024) {
    this.#bytes = Buffer.allocUnsafe(size)
  }

  /** What was written. The packer is of no use afterwards. */
  finish(): Buffer {
    return this.#bytes.subarray(0, this.#at)
  }

  u8(value: number): void {
    this.#room(1)
    this.#bytes[this.#at++] = value
  }

  flag(value: boolean): void {
    this.u8(value ? 1 : 0)
  }

  /** An integer from 0 to 2^53 - 1, seven bits to a byte, the lowest first. */
  integer(value: number): void {
    this.#room(8)
    const bytes = this.#bytes
    let rest = value
    while (rest >= 0x80) {
      bytes[this.#at++] = (rest % 0x80) | 0x80
      rest = Math.floor(rest / 0x80)
    }
    bytes[this.#at++] = rest
  }

  /** An integer that may be missing. */
  optional(value: number | undefined): void {
    this.integer(value === undefined ? 0 : value + 1)
  }

  float(value: number): void {
    this.#room(8)
    this.#at = this.#bytes.writeDoubleLE(value, this.#at)
  }

  text(value: string): void {
    // Of most texts the bytes are as many as the units.
    const size = value.length * 3
    this.#room(size + 8)
    const length = Buffer.byteLength(value)
    this.integer(length)
    this.#at += this.#bytes.write(value, this.#at, length, 'utf8')
  }

  /** A text that is likely to come again: a node's name. */
  name(value: string): void {
    const known = this.#texts.get(value)
    if (known !== undefined) return this.integer(known + 1)
    this.#texts.set(value, this.#texts.size)
    this.integer(0)
    this.text(value)
  }

  bytes(value: Uint8Array): void {
    this.integer(value.length)
    this.#room(value.length)
    this.#bytes.set(value, this.#at)
    this.#at += value.length
  }

  version({ epoch, loader, sequence }: Version): void {
    this.integer(epoch)
    this.name(loader)
    this.integer(sequence)
  }

  list<T>(values: readonly T[], write: (value: T) => void): void {
    this.integer(values.length)
    for (const value of values) write(value)
  }

  maybe<T>(value: T | undefined, write: (value: T) => void): void {
    this.flag(value !== undefined)
    if (value !== undefined) write(value)
  }

  #room(bytes: number): void {
    const needed = this.#at + bytes
    if (needed <= this.#bytes.length) return
    const larger = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2))
    this.#bytes.copy(larger, 0, 0, this.#at)
    this.#bytes = larger
  }
}

/** What was packed makes no sense. Costs the message, and whoever sent it its place. */
export class PackError extends Error {
  static {
    PackError.prototype.name = 'PackError'
  }
}

/** Reads what a {@link Packer} wrote. Throws a {@link PackError} for anything else, and never reads beyond the end. */
export class Unpacker {
  readonly #bytes: Buffer
  #at = 0
  readonly #texts: string[] = []

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  /** To be called when all is read: nothing may be left over. */
  finish(): void {
    if (this.#at !== this.#bytes.length) throw new PackError('bytes are left over')
  }

  u8(): number {
    const value = this.#bytes[this.#at++]
    if (value === undefined) throw new PackError('it ends too early')
    return value
  }

  flag(): boolean {
    const value = this.u8()
    if (value > 1) throw new PackError('neither true nor false')
    return value === 1
  }

  integer(): number {
    let value = 0
    for (let factor = 1; ; factor *= 0x80) {
      const byte = this.u8()
      value += (byte & 0x7f) * factor
      if (!Number.isSafeInteger(value)) throw new PackError('an integer is too large')
      if (byte < 0x80) return value
      if (factor > 2 ** 49) throw new PackError('an integer is too long')
    }
  }

  optional(): number | undefined {
    const value = this.integer()
    return value === 0 ? undefined : value - 1
  }

  float(): number {
    const at = this.#take(8)
    const value = this.#bytes.readDoubleLE(at)
    if (!Number.isFinite(value)) throw new PackError('no finite number')
    return value
  }

  text(): string {
    const length = this.integer()
    const at = this.#take(length)
    return this.#bytes.toString('utf8', at, at + length)
  }

  /** A key: not empty. */
  key(): string {
    const key = this.text()
    if (key === '' || key.length > 4096) throw new PackError('no key')
    return key
  }

  name(): string {
    const known = this.integer()
    if (known > 0) {
      const text = this.#texts[known - 1]
      if (text === undefined) throw new PackError('a name that was not there before')
      return text
    }
    const text = this.text()
    if (text.length > 1024) throw new PackError('a name is too long')
    this.#texts.push(text)
    return text
  }

  /** On memory of its own, so that a value does not keep the whole message alive. */
  bytes(): Uint8Array {
    const length = this.integer()
    const at = this.#take(length)
    return new Uint8Array(this.#bytes.buffer, this.#bytes.byteOffset + at, length).slice()
  }

  /** As {@link Unpacker.bytes}, but lent: not to be kept. */
  view(): Uint8Array {
    const length = this.integer()
    const at = this.#take(length)
    return this.#bytes.subarray(at, at + length)
  }

  version(): Version {
    const epoch = this.integer()
    if (epoch > MOST_EPOCH) throw new PackError('an epoch is too high')
    const loader = this.name()
    return new Version(epoch, loader, this.integer())
  }

  list<T>(read: () => T): T[] {
    const length = this.integer()
    // Each takes a byte at least.
    if (length > this.#bytes.length - this.#at) throw new PackError('a list is too long')
    const values: T[] = []
    for (let i = 0; i < length; i++) values.push(read())
    return values
  }

  maybe<T>(read: () => T): T | undefined {
    return this.flag() ? read() : undefined
  }

  #take(length: number): number {
    const at = this.#at
    if (length > this.#bytes.length - at) throw new PackError('it ends too early')
    this.#at = at + length
    return at
  }
}
