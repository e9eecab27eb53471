import { Writer } from '../term/writer.ts'
import { outputBuffers } from './buffer-pool.ts'
import type { Carrier } from './carrier.ts'

/** Bytes a fresh output buffer has; it grows with use. */
const INITIAL_BYTES = 8 * 1024

/** A buffer that messages are, or were, written into. */
interface Slab {
  /** Chunks of it that have not left. */
  pending: number
  /** Whose it is again when all of it has left: undefined while messages are written into it. */
  sealed: Buffer | undefined
}

/** Bytes on their way to the carrier; of which slab, unless they are the sender's own. */
interface Chunk {
  readonly bytes: Buffer
  readonly slab: Slab | undefined
}

/**
 * What waits to leave on a carrier. Messages are written into `writer`; all that was written in one turn of the event
 * loop leaves as one write at its end, or as soon as a buffer is full. While the carrier is above its high-water mark
 * everything waits here. Buffers that have left are written into again.
 */
export class Outbox {
  readonly writer = new Writer(INITIAL_BYTES)
  readonly #carrier: Carrier
  /** Called when the carrier takes bytes again, after all that waited here was handed over. */
  readonly #onRoom: () => void
  /** Called when bytes have left. */
  readonly #onWritten: () => void
  /** Where the finished bytes of the writer's buffer begin that the carrier does not have yet. */
  #handedOver = 0
  /** That of the writer's buffer. */
  #slab: Slab = { pending: 0, sealed: undefined }
  readonly #waiting: Chunk[] = []
  #blocked = false
  #scheduled = false
  #closed = false
  #accepted = 0
  #written = 0

  constructor(carrier: Carrier, events: { onRoom(): void; onWritten(): void }) {
    this.#carrier = carrier
    this.#onRoom = events.onRoom
    this.#onWritten = events.onWritten
    this.writer.onSeal = (bytes, end, whole) => this.#seal(bytes, end, whole)
    this.writer.allocate = (size) => outputBuffers.take(size)
  }

  /** Bytes that have not left this process. */
  get queuedBytes(): number {
    return this.#accepted - this.#written
  }

  /** Bytes accepted since the beginning. */
  get acceptedBytes(): number {
    return this.#accepted
  }

  /** Bytes that have left this process, or never will because the carrier is gone. */
  get writtenBytes(): number {
    return this.#written
  }

  /** Whether the carrier is above its high-water mark. */
  get blocked(): boolean {
    return this.#blocked
  }

  /** The writer's frame of `size` bytes is complete. */
  commit(size: number): void {
    this.writer.start = this.writer.position
    this.#accepted += size
    if (!this.#scheduled) this.#schedule()
  }

  /** Queues bytes as they are, behind all that was written before. They must not change any more. */
  push(bytes: Buffer): void {
    this.#handOver()
    this.#accepted += bytes.length
    this.#give({ bytes, slab: undefined })
  }

  /** Hands everything over, however full the carrier is; what comes later is dropped. */
  close(): void {
    this.#blocked = false
    for (const chunk of this.#waiting.splice(0)) this.#write(chunk)
    this.#blocked = false
    this.#handOver()
    this.#closed = true
  }

  /** The carrier is below its high-water mark again. */
  drained(): void {
    this.#blocked = false
    while (this.#waiting.length > 0 && !this.#blocked) this.#write(this.#waiting.shift() as Chunk)
    if (this.#blocked) return
    this.#handOver()
    if (!this.#blocked) this.#onRoom()
  }

  /** After the microtasks of this turn, so that what they send still joins in. */
  #schedule(): void {
    this.#scheduled = true
    queueMicrotask(this.#deferred)
  }

  readonly #deferred = (): void => process.nextTick(this.#flush)

  readonly #flush = (): void => {
    this.#scheduled = false
    if (!this.#blocked) this.#handOver()
  }

  #handOver(): void {
    const { writer } = this
    if (writer.start === this.#handedOver) return
    const bytes = writer.bytes.subarray(this.#handedOver, writer.start)
    this.#handedOver = writer.start
    this.#give({ bytes, slab: this.#slab })
  }

  /** The writer moved on to another buffer. */
  #seal(bytes: Buffer, end: number, whole: boolean): void {
    const [from, slab] = [this.#handedOver, this.#slab]
    this.#handedOver = 0
    this.#slab = { pending: 0, sealed: undefined }
    if (whole) slab.sealed = bytes
    if (from < end) this.#give({ bytes: bytes.subarray(from, end), slab })
    else if (slab.pending === 0) this.#left(slab)
  }

  #give(chunk: Chunk): void {
    if (chunk.slab !== undefined) chunk.slab.pending++
    if (this.#blocked) this.#waiting.push(chunk)
    else this.#write(chunk)
  }

  #write({ bytes, slab }: Chunk): void {
    if (this.#closed) return
    const { length } = bytes
    const room = this.#carrier.write(bytes, () => {
      this.#written += length
      if (slab !== undefined && --slab.pending === 0) this.#left(slab)
      this.#onWritten()
    })
    if (!room) this.#blocked = true
  }

  /** All that was handed over of a buffer has left. */
  #left(slab: Slab): void {
    if (slab.sealed !== undefined) return outputBuffers.give(slab.sealed)
    const { writer } = this
    if (slab !== this.#slab || writer.start !== this.#handedOver || writer.position !== writer.start) return
    writer.start = 0
    writer.position = 0
    this.#handedOver = 0
  }
}
