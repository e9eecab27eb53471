import type { PeerObserver } from '../node/discovery-host.ts'
import type { Change, Overlay, Standings } from './overlay.ts'
import type { Telemetry } from './telemetry.ts'
import type { FailedNode } from './topology-events.ts'
import type { TopologyHost } from './topology-host.ts'

/** The links of this node: its connectors dial, and dial again. */
export class NodeOverlay implements Overlay, PeerObserver {
  readonly #host: TopologyHost
  readonly #owner: string
  readonly #telemetry: Telemetry
  readonly #stopObserving: () => void
  /** The nodes it was given, and since when their next link is awaited. */
  readonly #wanted = new Map<string, number>()
  /** Those whose dial is waited for. */
  readonly #awaited = new Set<string>()
  #settle: (() => void) | undefined

  /** `means`: which nodes the topology would keep connected, whoever finds them. */
  constructor(host: TopologyHost, topology: string, telemetry: Telemetry, means: (name: string) => boolean) {
    this.#host = host
    this.#owner = `topology:${topology}`
    this.#telemetry = telemetry
    this.#stopObserving = host.observe(this)
    host.judge(this.#owner, means)
  }

  async apply({ nodes, anew, gone, hurry }: Change): Promise<void> {
    for (const name of gone) {
      this.#wanted.delete(name)
      this.#outcome(name)
      this.#host.unwant(name, this.#owner)
    }
    for (const { name, port } of nodes.values()) {
      if (!this.#wanted.has(name)) this.#wanted.set(name, this.#host.clock.now())
      this.#host.want(name, this.#owner, port)
      if (!hurry && !anew.has(name)) continue
      this.#host.renew(name)
      if (this.#host.standing(name).state === 'dialling') this.#awaited.add(name)
    }
  }

  settled(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (this.#awaited.size === 0 || signal.aborted) return resolve()
      const end = (): void => {
        signal.removeEventListener('abort', end)
        this.#settle = undefined
        this.#awaited.clear()
        resolve()
      }
      signal.addEventListener('abort', end, { once: true })
      this.#settle = end
    })
  }

  async standings(names: Iterable<string>): Promise<Standings> {
    const connected: string[] = []
    const connecting: string[] = []
    const failed: FailedNode[] = []
    for (const node of names) {
      const { state, error } = this.#host.standing(node)
      if (state === 'connected') connected.push(node)
      else if (error !== undefined) failed.push({ node, action: 'connect', error })
      else if (state !== 'idle') connecting.push(node)
    }
    return { connected, connecting, failed }
  }

  async cut(name: string): Promise<'cut' | 'wanted' | 'absent'> {
    return this.#host.cut(name)
  }

  close(): void {
    this.#stopObserving()
    this.#host.judge(this.#owner, undefined)
    for (const name of this.#wanted.keys()) this.#host.unwant(name, this.#owner)
    this.#wanted.clear()
    this.#awaited.clear()
    this.#settle?.()
  }

  onUp(peer: string): void {
    const duration = this.#durationOf(peer)
    if (duration !== undefined) this.#telemetry.connected(peer, duration)
    this.#outcome(peer)
  }

  onDown(peer: string): void {
    if (this.#wanted.has(peer)) this.#wanted.set(peer, this.#host.clock.now())
  }

  onFailed(peer: string, error: Error): void {
    const duration = this.#durationOf(peer)
    if (duration === undefined) return
    this.#wanted.set(peer, this.#host.clock.now())
    this.#telemetry.notConnected(peer, duration, error)
    this.#outcome(peer)
  }

  #durationOf(peer: string): number | undefined {
    const since = this.#wanted.get(peer)
    return since === undefined ? undefined : this.#host.clock.now() - since
  }

  #outcome(peer: string): void {
    if (this.#awaited.delete(peer) && this.#awaited.size === 0) this.#settle?.()
  }
}
