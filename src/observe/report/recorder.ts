import type { NodeReport, Sample } from './report.ts'
import { REPORT_LIMITS } from './report.ts'

/** Milliseconds from one sample to the next. */
export const SAMPLE_STEP = 5000

/** What is counted since the node was started, or stands, at a time. */
export interface Reading {
  /** Milliseconds since 1970. */
  readonly at: number
  readonly node: Pick<NodeReport, 'cpuTime' | 'busyTime' | 'idleTime' | 'loopDelay' | 'memory' | 'processes'>
  /** Of all links together, those that are gone included. */
  readonly traffic: Traffic
  /** Bytes that wait to be sent. */
  readonly queued: number
}

/** Totals. */
export interface Traffic {
  readonly bytesIn: number
  readonly bytesOut: number
  readonly messagesIn: number
  readonly messagesOut: number
}

/** Between two readings: rates per second, shares, and what stands at the later one. */
export function sampleOf(before: Reading, now: Reading): Sample {
  const seconds = Math.max(0.001, (now.at - before.at) / 1000)
  const rate = (key: keyof Traffic): number => rounded(Math.max(0, now.traffic[key] - before.traffic[key]) / seconds)
  const busy = now.node.busyTime - before.node.busyTime
  const idle = now.node.idleTime - before.node.idleTime
  const { loopDelay, memory, processes } = now.node
  return {
    at: now.at,
    values: {
      bytesIn: rate('bytesIn'),
      bytesOut: rate('bytesOut'),
      messagesIn: rate('messagesIn'),
      messagesOut: rate('messagesOut'),
      ...(loopDelay === null ? {} : { loopDelay: loopDelay.p99 }),
      utilisation: shareOf(busy, idle),
      cpu: rounded(Math.max(0, now.node.cpuTime - before.node.cpuTime) / (seconds * 1000)),
      memory: memory.rss,
      heap: memory.heapUsed,
      processes: processes.count,
      ...(processes.mailbox === null ? {} : { mailbox: processes.mailbox }),
      queued: now.queued,
    },
  }
}

/** Of two parts of a time, the first one's share. */
export function shareOf(part: number, rest: number): number {
  const whole = part + rest
  return whole <= 0 ? 0 : rounded(Math.min(1, Math.max(0, part / whole)))
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000
}

/** The last ten minutes of a node, as it has seen them itself. */
export class Recorder {
  readonly #samples: Sample[] = []
  #before: Reading | undefined

  get samples(): readonly Sample[] {
    return this.#samples
  }

  add(reading: Reading): void {
    if (this.#before !== undefined) this.#samples.push(sampleOf(this.#before, reading))
    this.#before = reading
    if (this.#samples.length > REPORT_LIMITS.samples) this.#samples.shift()
  }
}
