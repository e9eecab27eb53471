import type { Clock } from '../base/clock.ts'
import type { Carrier, CarrierHandler } from './carrier.ts'

/** Options of {@link memoryCarriers}. */
export interface MemoryOptions {
  /** When a delivery happens. Default: `setImmediate`, one delivery after another, like a socket's. */
  readonly schedule?: (task: () => void) => void
  /** Needed for `slow`. */
  readonly clock?: Clock
  /** Cuts what is written into chunks of at most so many bytes; 1 is one byte at a time. Default: as written. */
  readonly chunkBytes?: number
  /** Queued bytes above which `write` answers false. Default 64 KiB. */
  readonly highWater?: number
  /** Bytes of the length prefix during the handshake. Default 2, as on TCP. */
  readonly prefixBytes?: 2 | 4
}

/** Two connected carriers, and the cable between them. */
export interface MemoryPair {
  readonly a: Carrier
  readonly b: Carrier
  readonly cable: MemoryCable
}

/** What tests do to a connection. */
export interface MemoryCable {
  /** A partition: from now on what is written vanishes, and neither side learns of it. */
  cut(): void
  /** Nothing arrives until `thaw`, as if the peer had been stopped. What is written stays queued. */
  freeze(): void
  thaw(): void
  /** Each delivery waits `ms` milliseconds of the clock from now on. */
  slow(ms: number): void
  /** Both sides see their connection fail with `error`, as after a reset. Queued bytes are lost. */
  fail(error: Error): void
}

/** Makes a pair of carriers within this process. */
export function memoryCarriers(options: MemoryOptions = {}): MemoryPair {
  const cable = new Cable(options)
  const a = new MemoryCarrier(cable, options)
  const b = new MemoryCarrier(cable, options)
  a.join(b)
  b.join(a)
  cable.ends = [a, b]
  return { a, b, cable }
}

class Cable implements MemoryCable {
  readonly #schedule: (task: () => void) => void
  readonly #clock: Clock | undefined
  ends: readonly MemoryCarrier[] = []
  isCut = false
  isFrozen = false
  #delay = 0

  constructor(options: MemoryOptions) {
    this.#schedule = options.schedule ?? setImmediate
    this.#clock = options.clock
  }

  /** Runs `task` later, after the delay of the moment. */
  later(task: () => void): void {
    if (this.#delay === 0) this.#schedule(task)
    else this.#clock?.after(this.#delay, task)
  }

  cut(): void {
    this.isCut = true
  }

  freeze(): void {
    this.isFrozen = true
  }

  thaw(): void {
    this.isFrozen = false
    for (const end of this.ends) end.pump()
  }

  slow(ms: number): void {
    if (this.#clock === undefined) throw new TypeError('a slow cable needs a clock')
    this.#delay = ms
  }

  fail(error: Error): void {
    for (const end of this.ends) end.lose(error)
  }
}

interface Piece {
  /** Undefined marks the end of the connection. */
  readonly bytes: Uint8Array | undefined
  readonly written: (() => void) | undefined
}

/** One end. Its queue holds what it wrote and its peer has not been given yet. */
class MemoryCarrier implements Carrier {
  readonly kind = 'memory'
  readonly prefixBytes: 2 | 4
  readonly remoteAddress = undefined
  readonly remotePort = undefined
  readonly localAddress = undefined
  readonly #cable: Cable
  readonly #chunkBytes: number
  readonly #highWater: number
  #peer!: MemoryCarrier
  #handler: CarrierHandler | undefined
  #queue: Piece[] = []
  #queuedBytes = 0
  #needsDrain = false
  #isScheduled = false
  #isPaused = true
  #isClosing = false
  #end: { readonly error: Error | undefined } | undefined
  #endTold = false

  constructor(cable: Cable, options: MemoryOptions) {
    this.#cable = cable
    this.#chunkBytes = options.chunkBytes ?? Number.POSITIVE_INFINITY
    this.#highWater = options.highWater ?? 65_536
    this.prefixBytes = options.prefixBytes ?? 2
  }

  join(peer: MemoryCarrier): void {
    this.#peer = peer
  }

  get queuedBytes(): number {
    return this.#queuedBytes
  }

  open(handler: CarrierHandler): void {
    this.#handler = handler
    this.#endTold = false
    this.resume()
  }

  write(chunk: Uint8Array, written?: () => void): boolean {
    if (this.#isClosing || this.#end !== undefined || this.#cable.isCut) {
      if (written !== undefined) this.#cable.later(written)
      return true
    }
    if (chunk.length === 0) this.#queue.push({ bytes: chunk, written })
    for (let at = 0; at < chunk.length; ) {
      const end = Math.min(chunk.length, at + this.#chunkBytes)
      // The receiver may keep what it is given while the sender changes its buffer after `written`: hence the copy.
      this.#queue.push({
        bytes: new Uint8Array(chunk.subarray(at, end)),
        written: end === chunk.length ? written : undefined,
      })
      at = end
    }
    this.#queuedBytes += chunk.length
    this.pump()
    if (this.#queuedBytes <= this.#highWater) return true
    this.#needsDrain = true
    return false
  }

  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    this.#isPaused = false
    this.#peer.pump()
    this.#tellEnd()
  }

  close(): void {
    if (this.#isClosing || this.#end !== undefined) return
    this.#isClosing = true
    this.#isPaused = false
    this.#peer.pump()
    if (this.#cable.isCut) return this.lose(undefined)
    this.#queue.push({ bytes: undefined, written: undefined })
    this.pump()
  }

  destroy(): void {
    if (this.#end !== undefined) return
    this.#isClosing = true
    this.#isPaused = false
    this.lose(undefined)
    // What the peer has sent meanwhile it sees vanish; that we are gone it learns as after a reset, unless the cable is cut.
    if (!this.#cable.isCut) this.#cable.later(() => this.#peer.lose(undefined))
  }

  /** Hands the queue over piece by piece, as long as the peer takes it. */
  pump(): void {
    if (this.#isScheduled || this.#queue.length === 0 || !this.#flows()) return
    this.#isScheduled = true
    this.#cable.later(() => {
      this.#isScheduled = false
      if (this.#queue.length === 0 || !this.#flows()) return
      const { bytes, written } = this.#queue.shift() as Piece
      if (bytes === undefined) {
        this.#peer.lose(undefined)
        this.lose(undefined)
        return
      }
      this.#queuedBytes -= bytes.length
      if (!this.#cable.isCut && !this.#peer.#isClosing && bytes.length > 0) this.#peer.#take(bytes)
      written?.()
      if (this.#needsDrain && this.#queue.length === 0) {
        this.#needsDrain = false
        this.#handler?.drain()
      }
      this.pump()
    })
  }

  /** A handler that consumes and keeps a view nevertheless finds rubbish in it. */
  #take(bytes: Uint8Array): void {
    const handler = this.#handler
    handler?.data(bytes)
    if (handler?.consumes === true) bytes.fill(0xaa)
  }

  #flows(): boolean {
    return !this.#cable.isFrozen && !this.#peer.#isPaused
  }

  /** The connection is over for this end. */
  lose(error: Error | undefined): void {
    if (this.#end !== undefined) return
    this.#end = { error }
    for (const { written } of this.#queue.splice(0)) written?.()
    this.#queuedBytes = 0
    this.#tellEnd()
  }

  /** Never within the call that ended it, and not while paused: a socket learns of its end by reading. */
  #tellEnd(): void {
    if (this.#end === undefined || this.#isPaused || this.#endTold) return
    this.#endTold = true
    const { error } = this.#end
    this.#cable.later(() => this.#handler?.closed(error))
  }
}
