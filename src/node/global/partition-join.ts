import type { Atom, Term } from '../../term/index.ts'
import type { GlobalState } from './global-state.ts'
import {
  type ExternalName,
  type KnownNode,
  type NameEntry,
  OLDEST_VERSION,
  type Operation,
  type ServerMessage,
  serverMessage,
  VERIFIED_VERSION,
  VERSION,
} from './messages.ts'
import type { NameExchange } from './name-exchange.ts'
import { externalNodes } from './name-table.ts'
import { type LockId, lockTerm } from './requests.ts'
import { type InitConnect, type Session, Sessions } from './sessions.ts'

/** What a join can find out about a node of the partition. */
export interface JoinEvents {
  /** It cannot be reached. */
  unreachable(node: Atom): void
  /** This node may not connect to it. */
  unwanted(node: Atom): void
}

/**
 * How two partitions become one when two of their nodes connect: both send `init_connect`, their lockers lock both
 * partitions, the nodes exchange their names, decide what becomes of those both have, tell the others of their partition
 * (`new_nodes`), and these connect to all they did not know. Follows "Connection algorithm" of lib/kernel/src/global.erl;
 * the functions are named as there.
 */
export class PartitionJoin {
  readonly #state: GlobalState
  readonly #exchange: NameExchange
  readonly #events: JoinEvents
  readonly #sessions = new Sessions()
  #tags = 0

  constructor(state: GlobalState, exchange: NameExchange, events: JoinEvents) {
    this.#state = state
    this.#exchange = exchange
    this.#events = events
  }

  get sessions(): number {
    return this.#sessions.size
  }

  close(): void {
    this.#sessions.clear()
  }

  /** `handle_nodeup`: makes us known to a node, unless another one did. */
  nodeUp(node: Atom): void {
    const { known, locker, self } = this.#state
    if (known.has(node) || this.#sessions.resolvers.has(node)) return
    const session = this.#sessions.of(node)
    const { early } = session
    delete session.early
    const tag = ++this.#tags
    session.ourTag = tag
    this.#state.cast(node, serverMessage.initConnect(self, tag, known.versions, locker.pid))
    this.#sessions.resolvers.set(node, { tag, abort: new AbortController() })
    if (early !== undefined) this.initConnect(early)
  }

  /** The first half of `handle_nodedown`: nothing is left of what was under way with a node. */
  nodeDown(node: Atom): void {
    this.#cancelLocker(node, this.#sessions.tagOf(node))
    this.#sessions.reset(node)
  }

  initConnect(message: InitConnect): void {
    const { known, locker, self } = this.#state
    const { node } = message
    if (message.version < OLDEST_VERSION) {
      const versions = `${message.version}, and this node ${OLDEST_VERSION} to ${VERSION}`
      this.#state.log('error', `global: ${node.name} speaks version ${versions}; disconnecting from it`)
      this.#state.cut(node)
      return
    }
    if (known.pending.has(node)) {
      // Both start anew, since one of the two did not see the same.
      this.#sendCancel(node, message.tag)
      this.#restart(node, this.#sessions.tagOf(node))
      return
    }
    const session = this.#sessions.of(node)
    const version = Math.min(message.version, VERSION)
    session.version = version
    session.theirTag = message.tag
    const resolver = this.#sessions.resolvers.get(node)
    if (resolver === undefined) {
      session.early = message
      return
    }
    const partner = { node, locker: message.locker, version, ourTag: resolver.tag, theirTag: message.tag }
    locker.post({ kind: 'partner', partner })
    if (message.version >= VERIFIED_VERSION) {
      this.#state.tell(node, serverMessage.initConnectAck(self, message.tag, resolver.tag))
    }
    known.pending.set(node, message.version)
  }

  initConnectAck({ node, ourTag, theirTag }: ServerMessage & { kind: 'init_connect_ack' }): void {
    const session = this.#sessions.find(node)
    if (session?.ourTag !== undefined && session.ourTag === ourTag && session.theirTag === theirTag) return
    this.#sendCancel(node, theirTag)
    this.#restart(node, session?.ourTag)
  }

  cancelConnect({ node, tag }: ServerMessage & { kind: 'cancel_connect' }): void {
    const session = this.#sessions.current(node, tag)
    if (session !== undefined) this.#restart(node, session.ourTag)
  }

  /** The partner's locker speaks to ours. */
  lockSet(message: ServerMessage & { kind: 'lock_set' }): void {
    const { locker, tag, tagged } = message
    if (!tagged || this.#sessions.current(locker.nodeAtom, tag) !== undefined) this.#state.locker.post(message)
  }

  /** Both partitions are locked: our names go to the partner. */
  lockIsSet(node: Atom, tag: number, id: LockId): void {
    const session = this.#sessions.current(node, tag)
    if (session === undefined) return this.#cancelLocker(node, tag)
    const { names, self } = this.#state
    this.#state.cast(node, serverMessage.exchange(self, names.entries(), session.theirTag))
    session.lock = lockTerm(id)
    const came = session.waitLock
    session.waitLock = 'lock_is_set'
    if (typeof came === 'object') this.#compare(node, session, came.exchange)
  }

  /** The partner's names. */
  exchange({ node, names, tag }: ServerMessage & { kind: 'exchange' }): void {
    const session = this.#sessions.current(node, tag)
    if (session === undefined) return this.#cancelLocker(node, tag)
    if (session.waitLock === 'lock_is_set') this.#compare(node, session, names)
    else session.waitLock = { exchange: names }
  }

  resolved(message: ServerMessage & { kind: 'resolved' }): void {
    const { node, tag } = message
    const session = this.#sessions.current(node, tag)
    if (session === undefined) return this.#cancelLocker(node, tag)
    session.resolved = message
    if (session.operations !== undefined) this.#join(node, session, session.operations, message)
  }

  newNodes({ operations, external, nodes, lock }: ServerMessage & { kind: 'new_nodes' }): void {
    const added = this.#state.known.add(this.#state.atMost(nodes))
    this.#syncOthers(added)
    this.#apply(operations, external, lock)
    this.#state.locker.post({ kind: 'add_to_known', nodes: added })
  }

  inSync({ node }: ServerMessage & { kind: 'in_sync' }): void {
    const { known, syncers } = this.#state
    syncers.settled(node)
    known.synced.add(node)
    // Without this the partner would be told that an exchange is cancelled.
    known.pending.delete(node)
    this.nodeDown(node)
  }

  #compare(node: Atom, session: Session, names: readonly NameEntry[]): void {
    delete session.waitLock
    const resolver = this.#sessions.resolvers.get(node)
    if (resolver === undefined) return
    const { tag, abort } = resolver
    this.#exchange.compare(names, node, abort.signal).then(
      ({ ours, theirs }) => this.#compared(node, tag, ours, theirs),
      () => {
        // Aborted: the session is over.
      },
    )
  }

  /** `exchange_ops`: what becomes of the names is decided, as far as it is on us to decide. */
  #compared(node: Atom, tag: number, ours: readonly Operation[], theirs: readonly Operation[]): void {
    const session = this.#sessions.current(node, tag)
    if (session === undefined) return this.#cancelLocker(node, tag)
    const { known, names, self } = this.#state
    const all = [...known.versions]
    this.#state.cast(node, serverMessage.resolved(self, theirs, all, names.external(), session.theirTag))
    session.operations = ours
    if (session.resolved !== undefined) this.#join(node, session, ours, session.resolved)
  }

  #join(
    node: Atom,
    session: Session,
    ours: readonly Operation[],
    { operations, known: theirKnown, external }: ServerMessage & { kind: 'resolved' },
  ): void {
    const { known, self, syncers } = this.#state
    const all = [...ours, ...operations]
    const theirNodes = this.#state.atMost(theirKnown)
    const newNodes = [[node, 0] as KnownNode, ...theirNodes].map((it) => this.#withVersion(it))
    const others = theirNodes.map(([other]) => other)
    // Those who are in our partition now; some may have gone since the lock was set.
    const ourNodes = known.nodes
    this.#syncOthers(others)
    const lock = session.lock
    this.#apply(all, external, lock)
    syncers.settled(node)
    for (const other of others) this.#finish(other)
    const message = serverMessage.newNodes(self, all, external, newNodes, session.version ?? VERSION, lock)
    // The locker lets it be sent before it frees the lock: `del_lock` comes after it.
    this.#finish(node, () => {
      for (const other of ourNodes) this.#state.cast(other, message)
    })
    const added = known.add(newNodes)
    this.#state.locker.post({ kind: 'add_to_known', nodes: added })
    known.synced.add(node)
  }

  #withVersion([node, version]: KnownNode): KnownNode {
    return [node, version === 0 ? this.#state.known.versionOf(node) : version]
  }

  /** `do_ops`. `lock`: under which the changes were decided. */
  #apply(operations: readonly Operation[], external: readonly ExternalName[], lock: Term): void {
    const { locks, names } = this.#state
    const nodeOf = externalNodes(external)
    for (const operation of operations) {
      if (!('insert' in operation)) continue
      const { insert } = operation
      this.#state.insert(insert, nodeOf(insert), () => locks.guardsForLock(lock))
    }
    for (const operation of operations) if ('remove' in operation) names.remove(operation.remove)
  }

  /** Connects to those that became known, and tells them that we are in sync. */
  #syncOthers(nodes: readonly Atom[]): void {
    for (const node of nodes) if (node !== this.#state.self) void this.#syncOther(node)
  }

  async #syncOther(node: Atom): Promise<void> {
    const outcome = await this.#state.reach(node)
    // It may have gone from the partition meanwhile.
    if (this.#state.closed || !this.#state.known.has(node)) return
    if (outcome === 'connected') return this.#state.cast(node, serverMessage.inSync(this.#state.self))
    this.#state.log('warn', `'global' at ${this.#state.self.name} failed to connect to ${node.name}`)
    if (outcome === 'failed') this.#events.unreachable(node)
    else this.#events.unwanted(node)
  }

  /** `cancel_resolved_locker`: the exchange with a node is done. */
  #finish(node: Atom, before?: () => void): void {
    this.#state.known.pending.delete(node)
    this.#cancelLocker(node, this.#sessions.tagOf(node), before)
    this.#sessions.reset(node)
  }

  #restart(node: Atom, tag: number | undefined): void {
    if (tag === undefined) return
    this.#cancelLocker(node, tag)
    this.#sessions.reset(node)
    this.#state.known.pending.delete(node)
    this.#state.watches.dropNode(node)
    this.nodeUp(node)
  }

  /** Ends what the locker and the resolver do for a session. `tag` may be of an earlier one. */
  #cancelLocker(node: Atom, tag: Term, before?: () => void): void {
    if (typeof tag !== 'number') return
    this.#state.locker.post({ kind: 'cancel', node, tag, before })
    const session = this.#sessions.current(node, tag)
    if (session !== undefined && (this.#state.known.pending.get(node) ?? 0) >= VERIFIED_VERSION) {
      this.#sendCancel(node, session.theirTag)
    }
    const resolver = this.#sessions.resolvers.get(node)
    if (resolver?.tag !== tag) return
    resolver.abort.abort()
    this.#sessions.resolvers.delete(node)
  }

  #sendCancel(node: Atom, theirTag: Term): void {
    this.#state.tell(node, serverMessage.cancelConnect(this.#state.self, theirTag))
  }
}
