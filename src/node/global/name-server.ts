import type { From } from '../../process/from.ts'
import { GEN_CAST } from '../../process/gen.ts'
import { noReply } from '../../process/gen-server.ts'
import { type Atom, atom, isTuple, type Term, tuple } from '../../term/index.ts'
import type { Rpc } from '../rpc/rpc.ts'
import type { NodeHost } from '../service.ts'
import { GlobalState } from './global-state.ts'
import { Locker } from './locker.ts'
import { EXACT, NAME_SERVER, readServerMessage, type ServerMessage, VERSION } from './messages.ts'
import { NameExchange } from './name-exchange.ts'
import { PartitionJoin } from './partition-join.ts'
import { Partitions } from './partitions.ts'
import { readRequest, type ServerRequest } from './requests.ts'
import type { ResolveMethods } from './resolve.ts'

const OK = atom('ok')
const YES = atom('yes')
const STATE = atom('state')
const CONF = atom('conf')
const PENDING = atom('pending')
const NO_TRACE = atom('no_trace')
const NOT_SUPPORTED = tuple(atom('error'), atom('not_supported'))
const BADARG = tuple(atom('error'), atom('badarg'))

/** More calls of `sync` do not wait at once. */
const MAX_SYNCERS = 10_000

/** What a name server needs besides its node. */
export interface NameServerParts {
  readonly methods: ResolveMethods
  readonly rpc: Pick<Rpc, 'call'>
  readonly connectAll: boolean
}

/**
 * The server of global names, `global_name_server`: answers the calls of other nodes and follows what their servers tell.
 * Each message is handled the moment it comes, in the order in which links bring them and come and go. No call is kept
 * waiting but `sync`, whose purpose that is.
 */
export class NameServer {
  readonly state: GlobalState
  readonly join: PartitionJoin
  readonly partitions: Partitions

  constructor(host: NodeHost, { methods, rpc, connectAll }: NameServerParts) {
    const { processes } = host
    const server = processes.serve(NAME_SERVER, EXACT, (message, peer) => this.#receive(message, peer))
    server.callHandler = (request, from, peer) => this.#call(request, from, peer)
    this.state = new GlobalState(host, server, connectAll)
    const exchange = new NameExchange(this.state, methods, rpc)
    this.join = new PartitionJoin(this.state, exchange, {
      unreachable: (node) => this.partitions.nodeDown(node),
      unwanted: (node) => this.partitions.leaveBecauseOf(node),
    })
    this.partitions = new Partitions(this.state, this.join)
    // Its pid is what peers know of it; what they send there is not for it.
    const lockerProcess = processes.serve(undefined, EXACT, () => {})
    const locker = new Locker(
      {
        ...this.state.lockHost,
        cast: (node, message) => this.state.cast(node, message),
        lockIsSet: (node, tag, id) => this.join.lockIsSet(node, tag, id),
        failed: (error) => this.state.log('error', 'global: the locker could not go on', { err: error }),
      },
      lockerProcess,
    )
    this.state.locker = locker
    void locker.run()
  }

  /** There is a connection to a visible node. */
  nodeUp(node: Atom): void {
    if (!this.state.closed && this.state.connectAll) this.join.nodeUp(node)
  }

  /** It is gone. */
  nodeDown(node: Atom): void {
    if (!this.state.closed) this.partitions.nodeDown(node)
  }

  close(): void {
    this.state.close()
    this.join.close()
    this.partitions.close()
  }

  #receive(message: Term, peer: Atom | undefined): void {
    if (this.state.closed) return
    if (peer === undefined) this.state.watches.take(message)
    const body = isTuple(message) && message.length === 2 && message[0] === GEN_CAST ? message[1] : message
    const read = readServerMessage(body)
    // Only the servers of visible nodes are heard, and only about themselves.
    if (read !== undefined && peer !== undefined && this.state.isPeer(peer) && isFrom(read, peer)) this.#handle(read)
  }

  #handle(message: ServerMessage): void {
    switch (message.kind) {
      case 'init_connect':
        return this.join.initConnect(message)
      case 'init_connect_ack':
        return this.join.initConnectAck(message)
      case 'lock_set':
        return this.join.lockSet(message)
      case 'exchange':
        return this.join.exchange(message)
      case 'resolved':
        return this.join.resolved(message)
      case 'new_nodes':
        return this.join.newNodes(message)
      case 'in_sync':
        return this.join.inSync(message)
      case 'cancel_connect':
        return this.join.cancelConnect(message)
      case 'lost_connection':
        return this.partitions.lostConnection(message)
      case 'remove_connection':
        return this.partitions.removeConnection(message)
    }
  }

  #call(request: Term, from: From, peer: Atom | undefined): Term | typeof noReply {
    const read = readRequest(request)
    if (read === undefined) return NOT_SUPPORTED
    // A peer that asks in the name of another node's process would have locks set for that.
    if (peer !== undefined && from.pid.nodeAtom !== peer) return BADARG
    try {
      return this.#answer(read, from)
    } catch (error) {
      this.state.log('warn', 'global: a request could not be handled', { err: error, node: from.pid.node })
      return BADARG
    }
  }

  #answer(request: ServerRequest, from: From): Term | typeof noReply {
    const { known, locks, names } = this.state
    switch (request.kind) {
      case 'set_lock':
        return this.state.hasRoom && locks.set(request.id, from.pid)
      case 'del_lock':
        locks.delete(request.id, from.pid)
        return true
      case 'register':
        this.state.insert(request, request.node, () => locks.guardsFor(from.pid))
        return YES
      case 'unregister':
        names.remove(request.name)
        return OK
      case 'sync':
        return this.#sync(request.nodes, from)
      case 'get_known':
        return known.nodes
      case 'get_synced':
        return [...known.synced]
      case 'get_protocol_version':
        return VERSION
      case 'get_names_ext':
        return names.external().map(({ name, pid, node }) => tuple(name, pid, node))
      case 'info':
        return this.#info()
      case 'high_level_trace_start':
        return OK
      case 'high_level_trace_stop':
      case 'high_level_trace_get':
        return NO_TRACE
    }
  }

  #sync(nodes: readonly Atom[], from: From): typeof noReply | Term {
    if (this.state.syncers.size >= MAX_SYNCERS) return BADARG
    this.sync(nodes, () => void from.reply(OK))
    return noReply
  }

  /** Calls `done` when the names of all these nodes are known here, apart from those that cannot be reached. */
  sync(nodes: readonly Atom[], done: () => void): () => void {
    const { known, self } = this.state
    const wanted = this.state.atMost(nodes).filter((node) => node !== self && !known.synced.has(node))
    const cancel = this.state.syncers.wait(wanted, done)
    for (const node of wanted) void this.#reachToSync(node)
    return cancel
  }

  async #reachToSync(node: Atom): Promise<void> {
    if ((await this.state.reach(node)) !== 'connected') this.state.syncers.settled(node)
  }

  /** In the form of OTP's `#state{}`, as `global:info/0` shows it. */
  #info(): Term {
    const { connectAll, known, locker, locks, process, self } = this.state
    const nodes = new Map<Term, Term>(known.versions)
    for (const [node, version] of known.pending) nodes.set(tuple(PENDING, node), version)
    const conf = tuple(CONF, connectAll, true)
    const synced = [...known.synced]
    return tuple(STATE, conf, nodes, synced, [], [], self, locker.pid, process.pid, NO_TRACE, locks.globalLockDown)
  }
}

/** Whether a message is what a node's own server says. Losses of connections are passed on by others. */
function isFrom(message: ServerMessage, peer: Atom): boolean {
  if (message.kind === 'lost_connection') return true
  return (message.kind === 'lock_set' ? message.locker.nodeAtom : message.node) === peer
}
