import type { Atom } from '../term/atom.ts'
import type { Pid, Reference } from '../term/identifiers.ts'
import type { Term } from '../term/term.ts'
import { NOCONNECTION } from './exit-signal.ts'
import type { PeerLink } from './links.ts'
import type { PeerMonitor } from './monitor.ts'
import { ReferenceMap } from './reference-map.ts'
import type { Router } from './router.ts'
import { sendReason } from './send-reason.ts'
import type { Watchable, Watcher } from './watch.ts'

/** All that ties local processes to those of one other node, and has to be cut when the link to it goes down. */
export class Peer implements Watchable {
  readonly node: Atom
  readonly #router: Router
  /** Links, also those being taken away. */
  readonly links = new Set<PeerLink>()
  /** Monitors its processes have on ours. */
  readonly monitors = new ReferenceMap<PeerMonitor>()
  /** Our monitors on its processes, and our calls to them. */
  readonly #watchers = new Set<Watcher>()

  constructor(node: Atom, router: Router) {
    this.node = node
    this.#router = router
  }

  /** How much of all kinds there is. */
  get size(): number {
    return this.links.size + this.monitors.size + this.#watchers.size
  }

  watch(watcher: Watcher): void {
    this.#watchers.add(watcher)
  }

  unwatch(watcher: Watcher): void {
    this.#watchers.delete(watcher)
  }

  /** `unencodable`: what goes in place of a reason that is no term. */
  answerMonitor(from: Pid | Atom, to: Pid, ref: Reference, reason: Term, unencodable?: (error: unknown) => Term): void {
    sendReason(reason, (value) => this.#router.monitorExit(from, to, ref, value), unencodable)
  }

  /**
   * Cuts everything with `noconnection`. First all of it is forgotten, then it is told: whoever ends because of it must
   * not send a signal to the node that is gone, which would dial it again.
   */
  down(): void {
    const links = [...this.links]
    const watchers = [...this.#watchers]
    this.links.clear()
    this.#watchers.clear()
    for (const link of links) link.process.forgetLink(link.pid)
    for (const monitor of this.monitors.values()) monitor.cancel()
    for (const watcher of watchers) watcher.down(NOCONNECTION)
    for (const link of links) if (link.active) link.process.receiveExit('link', link.pid, NOCONNECTION)
  }
}
