import { setMaxListeners } from 'node:events'
import type { Clock } from '../base/clock.ts'
import { abortable, withDeadline } from '../base/deadline.ts'
import { describe } from '../base/errors.ts'
import type { Change, Overlay, Standings } from './overlay.ts'
import { late } from './source.ts'
import type { FoundNode } from './strategy.ts'
import type { Telemetry } from './telemetry.ts'
import type { FailedNode } from './topology-events.ts'
import type { OwnFunctions } from './topology-options.ts'

/** Calls of an own `connect` that are under way at most. */
export const MAX_CONNECTING = 32

/** What an {@link OwnOverlay} needs beside its functions. */
export interface OwnOverlayHost {
  readonly clock: Clock
  /** Milliseconds for each call of a function. */
  timeout(): number
  readonly telemetry: Telemetry
}

/** Functions that connect in place of this node, for another distribution. Each refresh tries once who is not connected. */
export class OwnOverlay implements Overlay {
  readonly #functions: OwnFunctions
  readonly #host: OwnOverlayHost
  readonly #closed = new AbortController()
  /** Nodes that wait for their turn, in its order, or are being connected. */
  readonly #queue = new Map<string, FoundNode>()
  readonly #trying = new Set<string>()
  readonly #errors = new Map<string, unknown>()
  #settle: (() => void) | undefined

  constructor(functions: OwnFunctions, host: OwnOverlayHost) {
    this.#functions = functions
    this.#host = host
    setMaxListeners(0, this.#closed.signal)
  }

  async apply({ nodes, gone }: Change, signal: AbortSignal): Promise<void> {
    for (const name of gone) {
      this.#errors.delete(name)
      this.#queue.delete(name)
    }
    const members = await this.#members(signal)
    signal.throwIfAborted()
    for (const node of nodes.values()) {
      if (!members.has(node.name) && !this.#trying.has(node.name)) this.#queue.set(node.name, node)
    }
    this.#advance()
  }

  settled(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (this.#idle || signal.aborted) return resolve()
      const end = (): void => {
        signal.removeEventListener('abort', end)
        this.#settle = undefined
        resolve()
      }
      signal.addEventListener('abort', end, { once: true })
      this.#settle = end
    })
  }

  async standings(names: Iterable<string>, signal: AbortSignal): Promise<Standings> {
    const members = await this.#members(signal)
    const connected: string[] = []
    const connecting: string[] = []
    const failed: FailedNode[] = []
    for (const node of names) {
      if (members.has(node)) connected.push(node)
      else if (this.#errors.has(node)) failed.push({ node, action: 'connect', error: this.#errors.get(node) })
      else if (this.#trying.has(node) || this.#queue.has(node)) connecting.push(node)
    }
    return { connected, connecting, failed }
  }

  async cut(name: string, signal: AbortSignal): Promise<'cut' | 'wanted' | 'absent'> {
    const { disconnect } = this.#functions
    if (disconnect === undefined || !(await this.#members(signal)).has(name)) return 'absent'
    await this.#call(signal, (limit) => disconnect(name, { signal: limit }), 'disconnect')
    return 'cut'
  }

  close(): void {
    this.#closed.abort()
    this.#queue.clear()
    this.#settle?.()
  }

  get #idle(): boolean {
    return this.#queue.size === 0 && this.#trying.size === 0
  }

  async #members(signal: AbortSignal): Promise<ReadonlySet<string>> {
    const list = (limit: AbortSignal): unknown => this.#functions.list({ signal: limit })
    const names = await this.#call(signal, list, 'list')
    if (typeof names === 'object' && names !== null && Symbol.iterator in names)
      return new Set(names as Iterable<string>)
    throw new TypeError(`list answered ${describe(names)}, not a list of names`)
  }

  #advance(): void {
    for (const [name, node] of this.#queue) {
      if (this.#trying.size >= MAX_CONNECTING) return
      this.#queue.delete(name)
      this.#trying.add(name)
      void this.#connect(node)
    }
    if (this.#idle) this.#settle?.()
  }

  /** Never rejects. */
  async #connect(node: FoundNode): Promise<void> {
    const { clock, telemetry } = this.#host
    const begun = clock.now()
    const { signal } = this.#closed
    try {
      await this.#call(signal, (limit) => this.#functions.connect(node, { signal: limit }), 'connect')
      this.#errors.delete(node.name)
      telemetry.connected(node.name, clock.now() - begun)
    } catch (error) {
      if (!signal.aborted) {
        this.#errors.set(node.name, error)
        telemetry.notConnected(node.name, clock.now() - begun, error)
      }
    }
    this.#trying.delete(node.name)
    if (!signal.aborted) this.#advance()
  }

  async #call(signal: AbortSignal, call: (limit: AbortSignal) => unknown, what: string): Promise<unknown> {
    const { clock } = this.#host
    const timeout = this.#host.timeout()
    const run = async (limit: AbortSignal): Promise<unknown> => await call(limit)
    const answer = await withDeadline(
      { clock, timeout, signal },
      () => late(timeout),
      (limit) => abortable(run(limit), limit),
    )
    if (answer === false) throw new Error(`${what} answered false`)
    return answer
  }
}
