import type { Timer } from '../../../base/clock.ts'
import type { EngineContext } from '../../engine.ts'
import { Expiries } from '../../replication/expiries.ts'
import type { StoredEntry } from '../../replication/stored-entry.ts'
import type { Bucket } from './bucket.ts'
import { isConflict } from './bucket-error.ts'

/** Milliseconds that nodes are apart, at most, when they take away what has expired; and until what failed is tried again. */
const APART = 1000
/** Values taken away at one look. */
const MOST = 1000

/** Takes away what has expired: all nodes try, a little apart, and the first one does it. */
export class Sweep {
  readonly #context: EngineContext
  readonly #bucket: Bucket
  readonly #entry: (key: string) => StoredEntry | undefined
  readonly #expiries = new Expiries()
  #timer: Timer | undefined
  /** When what is next expires, as far as the timer knows. */
  #at = Number.POSITIVE_INFINITY
  #running = false

  /** `entry`: what this node has of a key. */
  constructor(context: EngineContext, bucket: Bucket, entry: (key: string) => StoredEntry | undefined) {
    this.#context = context
    this.#bucket = bucket
    this.#entry = entry
  }

  /** A value that may expire. */
  add(entry: StoredEntry): void {
    if (entry.expiresAt === undefined) return
    this.#expiries.add(entry)
    this.#schedule(0)
  }

  close(): void {
    this.#timer?.cancel()
    this.#expiries.clear()
  }

  /** @param least milliseconds until then at least */
  #schedule(least: number): void {
    const { clock, wallClock } = this.#context
    const { next } = this.#expiries
    if (next === undefined || this.#bucket.closed || this.#running || next >= this.#at) return
    this.#timer?.cancel()
    this.#at = next
    this.#timer = clock.after(Math.max(next - wallClock(), least) + Math.random() * APART, () => {
      this.#running = true
      void this.#look().then((isWhole) => {
        this.#running = false
        this.#at = Number.POSITIVE_INFINITY
        this.#schedule(isWhole ? 0 : APART)
      })
    })
  }

  /** True when there is nothing to be tried again. */
  async #look(): Promise<boolean> {
    const again: StoredEntry[] = []
    let isLost = false
    for (const { key, version } of this.#expiries.due(this.#context.wallClock(), MOST)) {
      const entry = this.#entry(key)
      const slot = this.#bucket.slot(key)
      if (entry === undefined || slot === undefined || !version.equals(entry.version)) continue
      // One that is computed anew goes when that has come to nothing.
      if (isLost || slot.record?.lease !== undefined) again.push(entry)
      else {
        await this.#bucket.remove(key, slot.revision).catch((error: unknown) => {
          isLost = !isConflict(error)
          again.push(entry)
        })
      }
    }
    if (!this.#bucket.closed) for (const entry of again) this.#expiries.add(entry)
    return again.length === 0
  }
}
