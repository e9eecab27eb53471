import { EventEmitter } from 'node:events'
import { inspect } from 'node:util'
import { OptionError, TsunagiError } from '../../base/errors.ts'
import { integer, knownOnly } from '../../base/options.ts'
import type { HasPid } from '../../process/address.ts'
import { ReferenceMap } from '../../process/reference-map.ts'
import { atom, isTuple, Pid, type Reference, type Term, tuple } from '../../term/index.ts'
import { termKey } from '../../term/term-key.ts'
import { checkZeros, ownName } from './group-name.ts'
import type { PgEvent } from './groups.ts'
import {
  type PgListener,
  PgListeners,
  type PgMessageOptions,
  PgMonitor,
  type PgMonitorOptions,
  PgScopeMonitor,
} from './pg-monitor.ts'
import type { ScopeEvents, ScopeServer } from './scope-server.ts'

/** A process of this node: its pid, or what has one, such as what `node.start` resolves to. */
export type PgMember = Pid | HasPid

/** Events of a {@link PgScope} with their arguments. */
export interface PgScopeEvents {
  /** Processes joined a group, on whatever node. */
  join: [group: Term, pids: readonly Pid[]]
  /** Processes left a group, ended, or their node went away. */
  leave: [group: Term, pids: readonly Pid[]]
  /** The scope was closed. */
  close: []
}

/**
 * Process groups: named groups of processes anywhere in the cluster. Every node that runs a scope of the same name, be it
 * one of this package or a BEAM with OTP's `pg`, knows all members of all its groups: those of its own and those of the
 * nodes it is connected to. There is no lock and no leader: views of different nodes differ for as long as news travel.
 *
 * A group is any term. It exists while it has members. A process can be in it several times. One that ends leaves all its
 * groups; so do those of a node that is no longer connected. Made by `node.pg`.
 *
 * ```ts
 * const scope = node.pg()
 * scope.join('workers', node.spawn(worker))
 * for (const pid of scope.members('workers')) node.send(pid, atom('work'))
 * ```
 *
 * Behaviour: OTP's `pg`, of which it speaks version 0 and understands version 1 (OTP 29).
 */
export class PgScope extends EventEmitter<PgScopeEvents> implements AsyncDisposable {
  /** Its name, the same on all nodes. */
  readonly name: string
  readonly #server: ScopeServer
  readonly #listeners = new PgListeners()
  readonly #messages = new ReferenceMap<() => void>()
  readonly #queues = new Set<{ close(): void }>()
  readonly #onClosed: () => void
  /** What listeners have still to hear. One that changes something itself is heard after what came before. */
  #events: PgEvent[] = []
  #emitting = false

  /** Use `node.pg`. */
  constructor(name: string, serve: (events: ScopeEvents) => ScopeServer, onClosed: () => void) {
    super()
    this.name = name
    this.#onClosed = onClosed
    this.#server = serve({
      changed: (events) => this.#changed(events),
      down: (ref) => this.#messages.delete(ref)?.(),
    })
  }

  /** The scope's process, which is registered under its name. It cannot be killed; close the scope instead. */
  get pid(): Pid {
    return this.#server.pid
  }

  get closed(): boolean {
    return this.#server.closed
  }

  /**
   * Adds processes of this node to a group. One that is a member already is so once more. One that has ended does not
   * become a member, without an error, as it could end at any time after.
   *
   * @param group any term. Not one with −0.0 in it, which OTP 25 and 26 take for 0.0.
   * @throws OptionError for a pid of another node, whose own scope has to do it (OTP: `nolocal`); EncodeError for a group
   *   that is no term; TsunagiError `ERR_CLOSED`.
   */
  join(group: Term, members: PgMember | readonly PgMember[]): void {
    this.#assertOpen()
    const pids = this.#pidsOf(members)
    const key = termKey(group)
    checkZeros(group, key)
    const known = this.#server.groups.find(key)
    this.#server.join(key, { name: known === undefined ? ownName(group) : known.name, pids })
  }

  /**
   * Takes processes of this node out of a group, each once, even if it is in it several times. False when none of them was
   * a member (OTP: `not_joined`).
   *
   * @throws OptionError for a pid of another node; TsunagiError `ERR_CLOSED`.
   */
  leave(group: Term, members: PgMember | readonly PgMember[]): boolean {
    this.#assertOpen()
    return this.#server.leave(termKey(group), this.#pidsOf(members))
  }

  /**
   * All members of a group, in no order. The array is frozen and stays as it is; asking again before something has changed
   * gives the same one, so asking for every message is cheap.
   */
  members(group: Term): readonly Pid[] {
    return this.#server.groups.members(termKey(group))
  }

  /** The members of a group that live on this node. */
  localMembers(group: Term): readonly Pid[] {
    return this.#server.groups.localMembers(termKey(group))
  }

  /** All groups that have members. OTP: `which_groups`. */
  groups(): Term[] {
    return Array.from(this.#server.groups.all, ({ name }) => name)
  }

  /** All groups that have members on this node. OTP: `which_local_groups`. */
  localGroups(): Term[] {
    return Array.from(this.#server.groups.local.parts.values(), ({ group }) => group.name)
  }

  /**
   * Watches a group: an async iterator over who joins and leaves from now on, and who is in it now. Ends with the scope.
   * With `to`, a process gets messages `{Ref, join | leave, Group, [Pid]}` instead, until it ends or
   * {@link PgScope.demonitor}. OTP: `pg:monitor/2`.
   *
   * @throws TsunagiError `ERR_CLOSED`; `ERR_NOPROC` for a process that is none of this node.
   */
  monitor(group: Term, options?: PgMonitorOptions): PgMonitor
  monitor(group: Term, options: PgMessageOptions): { readonly ref: Reference; readonly members: readonly Pid[] }
  monitor(
    group: Term,
    options: PgMonitorOptions | PgMessageOptions = {},
  ): PgMonitor | { readonly ref: Reference; readonly members: readonly Pid[] } {
    const key = termKey(group)
    const members = this.members(group)
    if ('to' in options)
      return { ref: this.#sendTo(options, (listener) => this.#listeners.addTo(key, listener)), members }
    return this.#queue(
      options,
      (rest) => new PgMonitor(members, rest),
      (queue) => this.#listeners.addTo(key, queue),
    )
  }

  /** Watches all groups of the scope, as {@link PgScope.monitor} does one. OTP: `pg:monitor_scope/1`. */
  monitorScope(options?: PgMonitorOptions): PgScopeMonitor
  monitorScope(options: PgMessageOptions): {
    readonly ref: Reference
    readonly groups: ReadonlyMap<Term, readonly Pid[]>
  }
  monitorScope(
    options: PgMonitorOptions | PgMessageOptions = {},
  ): PgScopeMonitor | { readonly ref: Reference; readonly groups: ReadonlyMap<Term, readonly Pid[]> } {
    const groups = new Map(Array.from(this.#server.groups.all, ({ name, members }) => [name, members]))
    if ('to' in options) return { ref: this.#sendTo(options, (listener) => this.#listeners.addToAll(listener)), groups }
    return this.#queue(
      options,
      (rest) => new PgScopeMonitor(groups, rest),
      (queue) => this.#listeners.addToAll(queue),
    )
  }

  /** Ends the messages of a monitor with `to`. False when there is none. Messages that were sent stay in the mailbox. */
  demonitor(ref: Reference): boolean {
    const end = this.#messages.delete(ref)
    end?.()
    if (end !== undefined) this.#server.unwatchLocal(ref)
    return end !== undefined
  }

  /**
   * Closes the scope: its members leave, on all nodes, while they live on; iterators end; its name is free. `node.pg` then
   * makes a new one. Idempotent.
   */
  close(): Promise<void> {
    if (this.closed) return Promise.resolve()
    this.#server.close()
    for (const queue of [...this.#queues]) queue.close()
    this.#onClosed()
    this.#notify(() => this.emit('close'))
    return Promise.resolve()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  [inspect.custom](): string {
    return `PgScope<${this.name}${this.closed ? ', closed' : ''}>`
  }

  #changed(events: readonly PgEvent[]): void {
    if (events.length === 0) return
    // One at a time: a peer that goes can be in more groups than a call takes arguments.
    for (const event of events) this.#events.push(event)
    if (this.#emitting) return
    this.#emitting = true
    // Also those that come meanwhile.
    for (const event of this.#events) {
      this.#listeners.emit(event)
      this.#notify(() => this.emit(event.type, event.group, event.pids))
    }
    this.#events = []
    this.#emitting = false
  }

  /** A listener that throws is reported as uncaught, as usual, but not in the midst of our own work. */
  #notify(emit: () => void): void {
    try {
      emit()
    } catch (error) {
      process.nextTick(() => {
        throw error
      })
    }
  }

  #queue<Q extends { push(event: PgEvent): void; close(): void; readonly closed: boolean }>(
    options: PgMonitorOptions,
    make: (options: PgMonitorOptions & { onClose: () => void }) => Q,
    listen: (queue: Q) => () => void,
  ): Q {
    this.#assertOpen()
    knownOnly(options, ['signal', 'capacity', 'to'])
    if (options.capacity !== undefined) integer(1, Number.MAX_SAFE_INTEGER)(options.capacity, 'capacity')
    let end = (): void => {}
    const queue = make({
      ...options,
      onClose: () => {
        end()
        this.#queues.delete(queue)
      },
    })
    if (queue.closed) return queue
    end = listen(queue)
    this.#queues.add(queue)
    return queue
  }

  #sendTo(options: PgMessageOptions, listen: (listener: PgListener) => () => void): Reference {
    this.#assertOpen()
    knownOnly(options, ['to'])
    const { to } = options
    if (!(to instanceof Pid)) throw new OptionError('to', to, 'a pid of this node')
    const ref = this.#server.watchLocal(to)
    const push = ({ type, group, pids }: PgEvent): void => this.#server.send(to, tuple(ref, atom(type), group, pids))
    this.#messages.add(ref, listen({ push }))
    return ref
  }

  #pidsOf(members: PgMember | readonly PgMember[]): readonly Pid[] {
    const list: readonly PgMember[] = Array.isArray(members) && !isTuple(members) ? members : [members as PgMember]
    return list.map((member) => {
      const pid = member instanceof Pid ? member : member?.pid
      if (pid instanceof Pid && pid.nodeAtom === this.pid.nodeAtom) return pid
      throw new OptionError('members', member, 'processes of this node')
    })
  }

  #assertOpen(): void {
    if (this.closed) throw new TsunagiError('ERR_CLOSED', `the pg scope ${this.name} is closed`)
  }
}
