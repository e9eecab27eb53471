import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { splitNodeName } from '../../../base/node-name.ts'
import type { HeartbeatFormat } from './heartbeat.ts'

const MAGIC = Buffer.from('tsunagi1')
const MAC_BYTES = 32
const NAME_AT = MAGIC.length + MAC_BYTES + 8

/** What a signed format needs to know. */
export interface SigningOptions {
  readonly secret: string
  /** Milliseconds that a packet's time may be off. */
  readonly window: number
  /** The names whose times are remembered, at most. */
  readonly maxNames: number
  /** Milliseconds of Unix time. */
  readonly wallClock: () => number
  /** A packet with the right signature came at the wrong time: replayed, or its sender's clock is off by `ms`. */
  readonly onSkew: (name: string, ms: number) => void
}

/**
 * Heartbeats among nodes of this package, which nobody else can make and nobody can play again. The model is nodefinder's
 * multicast. All numbers are big-endian:
 *
 *     packet = "tsunagi1" mac time name
 *     mac    = 32 bytes: HMAC-SHA-256 of "tsunagi1" time name, its key SHA-256 of "tsunagi gossip 1" NUL secret
 *     time   = u64, milliseconds of Unix time
 *     name   = UTF-8 to the end
 *
 * A packet counts when its time is at most `window` off, and later than that of the packet before from the same name.
 */
export class SignedFormat implements HeartbeatFormat {
  readonly #options: SigningOptions
  readonly #key: Buffer
  /** The latest time of each name. Those older than the window are as good as none. */
  readonly #latest = new Map<string, number>()
  #written = 0

  constructor(options: SigningOptions) {
    this.#options = options
    this.#key = createHash('sha256').update('tsunagi gossip 1\0').update(options.secret).digest()
  }

  write(name: string): Buffer {
    // Of two heartbeats in one millisecond, or after the clock was set back, the second must not look like a replay.
    const now = Math.floor(this.#options.wallClock())
    const near = this.#written - now < this.#options.window
    this.#written = near ? Math.max(now, this.#written + 1) : now
    const time = Buffer.alloc(8)
    time.writeBigUInt64BE(BigInt(this.#written))
    const text = Buffer.from(name)
    return Buffer.concat([MAGIC, this.#mac(time, text), time, text])
  }

  read(packet: Buffer): string | undefined {
    if (packet.length <= NAME_AT || !packet.subarray(0, MAGIC.length).equals(MAGIC)) return undefined
    const mac = packet.subarray(MAGIC.length, MAGIC.length + MAC_BYTES)
    const time = packet.subarray(MAGIC.length + MAC_BYTES, NAME_AT)
    const text = packet.subarray(NAME_AT)
    if (!timingSafeEqual(mac, this.#mac(time, text))) return undefined
    const name = text.toString()
    if (splitNodeName(name) === undefined) return undefined
    return this.#isNew(name, Number(time.readBigUInt64BE())) ? name : undefined
  }

  #isNew(name: string, time: number): boolean {
    const { wallClock, window, onSkew } = this.#options
    const now = wallClock()
    if (Math.abs(time - now) > window) {
      onSkew(name, time - now)
      return false
    }
    const latest = this.#latest.get(name)
    // One from beyond the window was taken before this node's own clock was set back.
    if (latest !== undefined && time <= latest && latest <= now + window) return false
    if (latest === undefined && !this.#makeRoom(now)) return false
    this.#latest.set(name, time)
    return true
  }

  #makeRoom(now: number): boolean {
    const { maxNames, window } = this.#options
    if (this.#latest.size < maxNames) return true
    for (const [name, time] of this.#latest) if (Math.abs(time - now) > window) this.#latest.delete(name)
    return this.#latest.size < maxNames
  }

  #mac(time: Buffer, text: Buffer): Buffer {
    return createHmac('sha256', this.#key).update(MAGIC).update(time).update(text).digest()
  }
}
