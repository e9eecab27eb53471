import { type IntervalHistogram, monitorEventLoopDelay, performance } from 'node:perf_hooks'

/** Delays in milliseconds. */
export interface LoopDelay {
  readonly p50: number
  readonly p99: number
  readonly max: number
}

/** Milliseconds between two looks of the histogram, which counts them as delay. */
const RESOLUTION = 50
/** Delays are told of at least so long a time. */
const WINDOW = 1000

/** All nodes of a process share its event loop, and what measures it. */
let histogram: IntervalHistogram | undefined
let users = 0
let last: LoopDelay | undefined
let lastAt = 0

/** Measures how late the event loop of this process is, as long as somebody wants to know. */
export class EventLoopMeter {
  #open = true

  constructor() {
    if (users++ > 0) return
    histogram = monitorEventLoopDelay({ resolution: RESOLUTION })
    histogram.enable()
    lastAt = performance.now()
  }

  /** Of the last second or more; undefined until there was one. */
  get delay(): LoopDelay | undefined {
    const now = performance.now()
    if (histogram === undefined || now - lastAt < WINDOW || histogram.count === 0) return last
    const ms = (ns: number): number => Math.round(Math.max(0, ns / 1e6 - RESOLUTION) * 100) / 100
    last = { p50: ms(histogram.percentile(50)), p99: ms(histogram.percentile(99)), max: ms(histogram.max) }
    histogram.reset()
    lastAt = now
    return last
  }

  /** Milliseconds in all that the loop was busy, and idle. */
  get times(): { readonly busy: number; readonly idle: number } {
    const { active, idle } = performance.eventLoopUtilization()
    return { busy: active, idle }
  }

  /** Idempotent. */
  close(): void {
    if (!this.#open) return
    this.#open = false
    if (--users > 0) return
    histogram?.disable()
    histogram = undefined
    last = undefined
  }
}
