import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { Histogram, type Registry } from 'prom-client'
import { TsunagiError } from '../../base/errors.ts'
import type { CallMessage } from '../../process/call-trace.ts'

/** Seconds. */
const BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

type Times = Histogram<'kind' | 'result'>

/** How long the calls of a node take, made and answered, from when it was made. */
export class CallTimes {
  readonly #self: string
  readonly #listeners = new Map<string, (message: unknown) => void>()

  /** @param self the node's name: there may be others in this process */
  constructor(self: string, registry: Registry) {
    this.#self = self
    const shape = { labelNames: ['kind', 'result'] as const, buckets: BUCKETS, registers: [registry] }
    const made = new Histogram({
      ...shape,
      name: 'tsunagi_call_duration_seconds',
      help: 'Calls this node made, by GenServer.call or rpc.',
    })
    const served = new Histogram({
      ...shape,
      name: 'tsunagi_served_call_duration_seconds',
      help: 'Calls this node answered.',
    })
    this.#listen('tsunagi:call', made)
    this.#listen('tsunagi:serve', served)
  }

  close(): void {
    for (const [name, listener] of this.#listeners) unsubscribe(name, listener)
    this.#listeners.clear()
  }

  #listen(what: string, times: Times): void {
    for (const end of ['ok', 'error']) {
      const listener = (message: unknown): void => this.#count(times, message as CallMessage)
      subscribe(`${what}:${end}`, listener)
      this.#listeners.set(`${what}:${end}`, listener)
    }
  }

  #count(times: Times, { self, kind, duration = 0, ...rest }: CallMessage): void {
    if (self !== this.#self) return
    times.observe({ kind, result: 'error' in rest ? resultOf(rest.error) : 'ok' }, duration / 1000)
  }
}

/** Of our errors there are so many; what else is thrown has any name. */
function resultOf(error: unknown): string {
  return error instanceof TsunagiError ? error.code : 'error'
}
