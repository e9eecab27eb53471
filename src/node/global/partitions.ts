import type { Atom } from '../../term/index.ts'
import type { GlobalState } from './global-state.ts'
import { LostConnections } from './lost-connections.ts'
import { OLDEST_VERSION, type ServerMessage, serverMessage } from './messages.ts'
import type { PartitionJoin } from './partition-join.ts'

/** Why a node is taken out: it was lost; or we cut it, or asked it to cut us; or it leaves nothing to tell. */
type Reason = 'disconnected' | 'remove_connection' | 'ignore_node'

/** How long a node has to disconnect when it is asked to, in ms. */
const GRACE = 5000

/** OTP's numbers here are 60 bits wide and begin below zero: `?MIN_64BIT_SMALL_INT`. */
const OFFSET = 1n << 59n

/**
 * Keeps partitions from overlapping ("Prevent Overlapping Partitions Algorithm" of lib/kernel/src/global.erl): a node that
 * loses a connection tells all others, who then cut the lost node too, so that whoever is left is fully connected.
 */
export class Partitions {
  readonly #state: GlobalState
  readonly #join: PartitionJoin
  readonly #lost: LostConnections
  readonly #creation: bigint
  #operations = 0

  constructor(state: GlobalState, join: PartitionJoin) {
    this.#state = state
    this.#join = join
    this.#lost = new LostConnections(state.clock)
    // The random part tells two lives of a node apart that have the same creation.
    const extension = crypto.getRandomValues(new BigUint64Array(1))[0] as bigint
    this.#creation = ((extension >> 36n) << 32n) + BigInt(state.host.creation) + OFFSET
  }

  /** A connection is gone. */
  nodeDown(node: Atom): void {
    this.#state.syncers.settled(node)
    this.#remove(node, 'disconnected')
  }

  /** Another node lost a connection. */
  lostConnection({ from, creation, operation, to }: ServerMessage & { kind: 'lost_connection' }): void {
    const { connectAll, known, self } = this.#state
    if (!connectAll || from === self || !this.#lost.isNew(from, creation, operation, to)) return
    // Passed on, as the connection that told us may be the only one that still works.
    this.#broadcast(serverMessage.lostConnection(from, creation, operation, to), from)
    // That we are the lost one the others know as well, and cut us: it is enough that the reporter does.
    const node = to === self ? from : to
    if (!known.mayBeKnown(node)) return
    if (known.versionOf(node) < OLDEST_VERSION) this.#state.cut(node)
    else this.#state.tell(node, serverMessage.removeConnection(self))
    this.#warn('requested disconnect from', node)
    this.#remove(node, 'remove_connection')
    this.#insist(node)
  }

  /**
   * A node that does not know us yet ignores that we ask it to disconnect (OTP does), and would stay connected without a
   * part in our cluster. By then it has read that we ask, so that our own cut is no news to those who do know us.
   */
  #insist(node: Atom): void {
    const { clock, host, known } = this.#state
    const link = host.peers.linkTo(node)
    if (link === undefined) return
    const timer = clock.after(GRACE, () => {
      forget()
      // Others may have brought us together again.
      const isLeft = known.removing.has(node) && !known.mayBeKnown(node)
      if (isLeft && host.peers.linkTo(node) === link) this.#state.cut(node)
    })
    const forget = this.#state.onClose(() => timer.cancel())
  }

  /**
   * A node wants to have no connection with us. That counts also when we do not know it yet: it has forgotten us already, so
   * that only a new connection can bring us together.
   */
  removeConnection({ node }: ServerMessage & { kind: 'remove_connection' }): void {
    this.#remove(node, 'remove_connection')
    this.#state.cut(node)
    this.#warn('disconnected', node)
  }

  /** Cuts all connections without anybody being told of a loss (`global:disconnect/0`); answers to whom. */
  disconnectAll(nodes: readonly Atom[]): void {
    for (const node of nodes) {
      this.#state.syncers.settled(node)
      this.#remove(node, 'remove_connection')
      this.#state.cut(node)
    }
  }

  /**
   * A node of the cluster is one we may not connect to. Reported as lost, the others would cut it, which would be our
   * doing; so it is us who leave.
   */
  leaveBecauseOf(node: Atom): void {
    const { host, known, self } = this.#state
    const why = `may not connect to ${node.name}, which is in the same cluster; disconnecting from that`
    this.#state.log('error', `global: ${self.name} ${why}`, { node: node.name })
    this.#remove(node, 'ignore_node')
    this.disconnectAll(known.nodes.filter((other) => host.peers.linkTo(other) !== undefined))
  }

  close(): void {
    this.#lost.clear()
  }

  /** `handle_nodedown`. */
  #remove(node: Atom, reason: Reason): void {
    const { host, known, locker } = this.#state
    this.#join.nodeDown(node)
    locker.post({ kind: 'remove_from_known', node })
    if (reason === 'remove_connection') {
      // Its end is still to come.
      if (host.peers.linkTo(node) !== undefined) known.removing.add(node)
    } else if (!known.removing.delete(node) && reason === 'disconnected') this.#report(node)
    known.remove(node)
  }

  #report(node: Atom): void {
    if (!this.#state.connectAll) return
    this.#broadcast(serverMessage.lostConnection(this.#state.self, this.#creation, ++this.#operations, node), node)
  }

  #broadcast(message: ReturnType<typeof serverMessage.lostConnection>, except: Atom): void {
    const { known } = this.#state
    for (const [node, version] of [...known.versions, ...known.pending]) {
      if (node !== except && version >= OLDEST_VERSION) this.#state.tell(node, message)
    }
  }

  #warn(what: string, node: Atom): void {
    const { self } = this.#state
    const text = `'global' at node ${self.name} ${what} node ${node.name} in order to prevent overlapping partitions`
    this.#state.log('warn', text, { node: node.name })
  }
}
