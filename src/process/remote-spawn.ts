import { Pid, type Reference } from '../term/identifiers.ts'
import type { DecodeOptions, Term } from '../term/term.ts'
import type { MonitorHooks } from './monitor.ts'
import type { Peer } from './peer.ts'
import type { Process } from './process.ts'
import type { ProcessTable } from './process-table.ts'
import type { ReferenceUse } from './references.ts'
import type { Watcher } from './watch.ts'

/** Bits of a SPAWN_REPLY's flags. */
export const SPAWN_LINKED = 1
export const SPAWN_MONITORED = 2

/** What ties a process that is spawned for a peer to the one that asked for it, from before it runs. */
export interface SpawnTies extends MonitorHooks {
  readonly link: boolean
  /** The request's id, if it asked for a monitor. */
  readonly monitor: Reference | undefined
  /** The process has ended. */
  readonly ended?: () => void
}

/** Whoever asked another node to spawn. One of `refused` and `down` is called at most once, and nothing after it. */
export interface SpawnListener {
  /** How the exit reason is decoded; undefined: as the node's other terms. */
  readonly terms: DecodeOptions | undefined
  /** The process was spawned. */
  spawned?(pid: Pid): void
  /** The other node would not spawn; `reason` is an atom such as `notsup` or `system_limit`. */
  refused(reason: Term): void
  /** The process ended, or the link to its node: `noconnection`. */
  down(reason: Term): void
}

/** What a process runs that was spawned for a peer. `end` ends it with any reason, without the cost of an error. */
export type SpawnedBody = (self: Process, end: (reason: Term) => void) => unknown

/**
 * A process that another node was asked to spawn and to watch for us: SPAWN_REQUEST with the option `monitor`. One
 * reference is the request's id and the monitor. It knows no link: whoever makes it sends the request.
 */
export class RemoteSpawn implements Watcher, ReferenceUse {
  readonly ref: Reference
  readonly target: Peer
  readonly #table: ProcessTable
  readonly #from: Pid
  readonly #listener: SpawnListener
  #pid: Pid | undefined
  #monitored = false

  constructor(table: ProcessTable, from: Pid, target: Peer, listener: SpawnListener) {
    this.ref = table.references.create()
    this.target = target
    this.#table = table
    this.#from = from
    this.#listener = listener
    table.references.use(this.ref, this)
    target.watch(this)
  }

  get watcher(): this {
    return this
  }

  get terms(): DecodeOptions | undefined {
    return this.#listener.terms
  }

  /** SPAWN_REPLY. A second one changes nothing. */
  answered(flags: number, result: Term): void {
    if (this.#pid !== undefined) return
    if (!(result instanceof Pid) || result.nodeAtom !== this.target.node) {
      this.#forget()
      return this.#listener.refused(result)
    }
    this.#pid = result
    this.#monitored = (flags & SPAWN_MONITORED) !== 0
    this.#listener.spawned?.(result)
  }

  down(reason: Term): void {
    this.#table.references.drop(this.ref)
    this.#listener.down(reason)
  }

  /**
   * Nobody waits for it any more. A process that was spawned runs on, without its monitor; where the answer is still to
   * come, its monitor is taken away then.
   */
  abandon(): void {
    this.#forget()
    if (this.#pid === undefined || !this.#monitored) return
    this.#table.router.demonitor(this.#from, this.target.node, this.#pid, this.ref)
  }

  #forget(): void {
    this.#table.references.drop(this.ref)
    this.target.unwatch(this)
  }
}
