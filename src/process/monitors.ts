import { OptionError } from '../base/errors.ts'
import type { Atom } from '../term/atom.ts'
import { Pid, Reference } from '../term/identifiers.ts'
import type { Term } from '../term/term.ts'
import { addressOf, type NamedAddress } from './address.ts'
import { NOPROC } from './exit-signal.ts'
import type { LocalProcess } from './local-process.ts'
import { downMessage, isDownOf, Monitor, type MonitorHooks, PeerMonitor } from './monitor.ts'
import type { ProcessTable } from './process-table.ts'

/** What can be monitored. */
export type MonitorTarget = Pid | string | Atom | NamedAddress

/** The signals of monitors, in both directions. */
export class Monitors {
  readonly #table: ProcessTable

  constructor(table: ProcessTable) {
    this.#table = table
  }

  monitor(owner: LocalProcess, target: MonitorTarget): Reference {
    const { references, router } = this.#table
    const of = addressOf(target, router.nodeAtom)
    if (of instanceof Reference) throw new OptionError('target', target, 'a pid, a name, or { name, node }')
    const ref = references.create()
    const node = of instanceof Pid ? of.nodeAtom : of.node
    const remote = node !== router.nodeAtom
    const watched = remote ? this.#table.peer(node) : this.#table.lookUp(of)
    if (watched === undefined) {
      owner.deliver(downMessage(ref, of, NOPROC), 0)
      return ref
    }
    const monitor = new Monitor(ref, owner, of, watched)
    references.use(ref, monitor)
    owner.addMonitor(monitor)
    watched.watch(monitor)
    if (!remote) return ref
    try {
      router.monitor(owner.pid, node, of instanceof Pid ? of : of.name, ref)
    } catch (error) {
      owner.forgetMonitor(monitor)
      watched.unwatch(monitor)
      throw error
    }
    return ref
  }

  demonitor(owner: LocalProcess, ref: Reference, flush: boolean): void {
    const monitor = this.#table.references.find(ref)
    if (monitor instanceof Monitor && monitor.owner === owner) this.cancel(monitor)
    else if (flush) owner.mailbox.take((message) => isDownOf(message, ref))
  }

  cancel(monitor: Monitor): void {
    const { of, owner, ref } = monitor
    const { router } = this.#table
    owner.forgetMonitor(monitor)
    monitor.target.unwatch(monitor)
    if (of instanceof Pid) {
      if (of.nodeAtom !== router.nodeAtom) router.demonitor(owner.pid, of.nodeAtom, of, ref)
    } else if (of.node !== router.nodeAtom) router.demonitor(owner.pid, of.node, of.name, ref)
  }

  /** MONITOR_P of a peer. It is always answered: now when there is no such process, else when it ends. */
  monitored(node: Atom, from: Pid, target: Pid | Atom, ref: Reference, hooks?: MonitorHooks): void {
    const peer = this.#table.peer(node)
    // A reference is unique in the cluster; a second monitor under it is answered with the first.
    if (peer.monitors.get(ref) !== undefined) return
    const byPid = target instanceof Pid
    const process = byPid ? this.#table.find(target) : this.#table.names.find(target)
    if (process === undefined) return peer.answerMonitor(target, from, ref, NOPROC)
    const monitor = new PeerMonitor(ref, peer, from, byPid ? undefined : target, process, hooks)
    peer.monitors.add(ref, monitor)
    process.watch(monitor)
  }

  /** DEMONITOR_P. */
  demonitored(node: Atom, from: Pid, ref: Reference): void {
    const monitors = this.#table.knownPeer(node)?.monitors
    const monitor = monitors?.get(ref)
    if (monitor === undefined || !monitor.from.equals(from)) return
    monitors?.delete(ref)
    monitor.cancel()
  }

  /** MONITOR_P_EXIT: only the peer a monitor or call is watching can fire it. */
  fired(node: Atom, ref: Reference, reason: Term): void {
    const watcher = this.#table.references.find(ref)?.watcher
    const peer = this.#table.knownPeer(node)
    if (watcher === undefined || peer === undefined || watcher.target !== peer) return
    peer.unwatch(watcher)
    watcher.down(reason)
  }
}
