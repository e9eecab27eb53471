import { ENOUGH } from '../term/writer.ts'

/** Buffers kept at most, 2.25 MiB: those of a link that queues up to its high-water mark, and a few. */
const KEPT = 16

/**
 * Output buffers that are used again. A fresh one for every 64 KiB message makes V8 mark the whole heap for every 10 MB sent,
 * which costs more than sending them, encryption included.
 */
export class BufferPool {
  readonly #free: Buffer[] = []

  /** At least `size` bytes, whatever is in them. */
  take(size: number): Buffer {
    if (size > ENOUGH || size * 2 <= ENOUGH) return Buffer.allocUnsafeSlow(size)
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(ENOUGH)
  }

  /** Takes a buffer that nobody uses any more; of another size than the usual one it is left to the collector. */
  give(buffer: Buffer): void {
    if (buffer.length === ENOUGH && this.#free.length < KEPT) this.#free.push(buffer)
  }
}

/** That of all links of this thread: what one does not need another may. */
export const outputBuffers = new BufferPool()
