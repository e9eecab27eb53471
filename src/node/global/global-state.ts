import { TsunagiError } from '../../base/errors.ts'
import { splitNodeName } from '../../base/node-name.ts'
import { castMessage } from '../../process/gen.ts'
import type { ServiceProcess } from '../../process/service-process.ts'
import type { Atom, Term, Tuple } from '../../term/index.ts'
import type { NodeHost } from '../service.ts'
import { KnownNodes } from './known-nodes.ts'
import type { LockHost } from './lock-client.ts'
import { LockTable } from './lock-table.ts'
import type { Locker } from './locker.ts'
import { NAME_SERVER, type NameEntry } from './messages.ts'
import { NameTable } from './name-table.ts'
import { Syncers } from './syncers.ts'
import { Watches } from './watches.ts'

/** How many nodes one message can make us dial. */
const MAX_NODES = 10_000

/** What the parts of a name server share. */
export class GlobalState {
  readonly host: NodeHost
  readonly process: ServiceProcess
  readonly known: KnownNodes
  readonly watches: Watches
  readonly names: NameTable
  readonly locks: LockTable
  readonly syncers = new Syncers()
  /** Whether this node makes and keeps a full mesh: kernel's `connect_all`. */
  readonly connectAll: boolean
  #locker: Locker | undefined
  readonly #closers = new Set<() => void>()
  #closed = false
  #fullLogged = false

  constructor(host: NodeHost, process: ServiceProcess, connectAll: boolean) {
    this.host = host
    this.process = process
    this.connectAll = connectAll
    this.known = new KnownNodes(host.self)
    this.watches = new Watches(process)
    this.names = new NameTable(this.watches)
    this.locks = new LockTable(this.watches)
  }

  get self(): Atom {
    return this.host.self
  }

  get clock(): NodeHost['options']['clock'] {
    return this.host.options.clock
  }

  /** What those need who set locks. */
  get lockHost(): LockHost {
    const { clock, locks, self } = this
    return { clock, locks, self, mayAsk: (node) => this.mayAsk(node), onClose: (closer) => this.onClose(closer) }
  }

  get locker(): Locker {
    if (this.#locker === undefined) throw new TypeError('the name server has no locker yet')
    return this.#locker
  }

  set locker(locker: Locker) {
    this.#locker = locker
  }

  get closed(): boolean {
    return this.#closed
  }

  close(): void {
    this.#closed = true
    this.#locker?.close()
    this.syncers.clear()
    for (const closer of [...this.#closers]) closer()
    this.#closers.clear()
  }

  /** Has a wait ended when the node closes. The result takes that back. */
  onClose(closer: () => void): () => void {
    this.#closers.add(closer)
    return () => void this.#closers.delete(closer)
  }

  /** Whether there is room for another name or lock. */
  get hasRoom(): boolean {
    const { globalEntries } = this.host.options.limits
    if (this.watches.size < globalEntries) return true
    if (!this.#fullLogged) this.log('warn', `global: there are ${globalEntries} names and locks; no more are kept`)
    this.#fullLogged = true
    return false
  }

  log(level: 'info' | 'warn' | 'error', message: string, data: object = {}): void {
    this.host.options.logger[level](data, message)
  }

  /** Whether a node is connected and visible: others have no part in any of this. */
  isPeer(node: Atom): boolean {
    return this.host.peers.linkTo(node)?.hidden === false
  }

  /** Whether a node may be asked something, and so dialled. */
  mayAsk(node: Atom): boolean {
    const { peers } = this.host
    if (node === this.self || peers.linkTo(node) !== undefined) return true
    return splitNodeName(node.name) !== undefined && peers.allows(node.name)
  }

  /** Casts to the name server of a node, which is dialled if need be. */
  cast(node: Atom, message: Tuple): void {
    if (this.mayAsk(node)) this.#send(node, castMessage(message))
  }

  /** Sends to the name server of a node that is connected; otherwise it is lost. */
  tell(node: Atom, message: Tuple): void {
    if (this.host.peers.linkTo(node) !== undefined) this.#send(node, message)
  }

  #send(node: Atom, message: Term): void {
    try {
      this.process.send({ name: NAME_SERVER, node }, message)
    } catch (error) {
      if (!(error instanceof TsunagiError)) throw error
      // To leave one message out would leave the peer half way. Without the connection both sides know where they are.
      this.log('error', `global: ${node.name} does not read what it is sent; disconnecting from it`, { err: error })
      this.cut(node)
    }
  }

  /**
   * Gives a name to a process (`ins_name`). When the lock is gone under which that was decided, it comes too late: the name
   * goes at once.
   */
  insert(entry: NameEntry, externalNode: Atom | undefined, guarded: () => boolean): void {
    // The monitor on the process would dial its node.
    if (!this.mayAsk(entry.pid.nodeAtom) || !this.hasRoom) return
    this.names.insert(entry, externalNode)
    if (!guarded()) this.names.remove(entry.name)
  }

  /**
   * Ends the connection to a node, as `net_kernel:async_disconnect/1`: soon, and whoever wants it connected dials it again.
   */
  cut(node: Atom): void {
    const link = this.host.peers.linkTo(node)
    if (link !== undefined) queueMicrotask(() => link.close('disconnect'))
  }

  /** Connects to a node. `refused`: this node may not, by its options or since it was told to disconnect. */
  async reach(node: Atom): Promise<'connected' | 'failed' | 'refused'> {
    const { peers } = this.host
    if (peers.linkTo(node) !== undefined) return 'connected'
    if (!this.mayAsk(node) || peers.hold(node, () => {}, true) !== 'held') return 'refused'
    try {
      await peers.connector(node.name).connect()
      return 'connected'
    } catch {
      return 'failed'
    }
  }

  /** No more than this many of the nodes one message names. */
  atMost<T>(nodes: readonly T[]): readonly T[] {
    if (nodes.length > MAX_NODES) this.log('warn', `global: of ${nodes.length} nodes in one message ${MAX_NODES} count`)
    return nodes.slice(0, MAX_NODES)
  }
}
