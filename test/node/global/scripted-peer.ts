import { Global } from '../../../src/node/global/global.ts'
import { GlobalService } from '../../../src/node/global/global-service.ts'
import {
  EXACT,
  type KnownNode,
  NAME_SERVER,
  type NameEntry,
  type Operation,
  readServerMessage,
  type ServerMessage,
  serverMessage,
  VERSION,
} from '../../../src/node/global/messages.ts'
import { type LockId, readRequest, serverRequest } from '../../../src/node/global/requests.ts'
import { comparePids } from '../../../src/node/global/term-order.ts'
import { type NodeOptions, resolveNodeOptions } from '../../../src/node/node-options.ts'
import type { Exposed } from '../../../src/node/rpc/exposed.ts'
import { Exposed as Functions } from '../../../src/node/rpc/exposed.ts'
import type { Rpc } from '../../../src/node/rpc/rpc.ts'
import type { NodeHost } from '../../../src/node/service.ts'
import { castMessage } from '../../../src/process/gen.ts'
import type { ServiceProcess } from '../../../src/process/service-process.ts'
import { type Atom, atom, isTuple, type Term, type Tuple } from '../../../src/term/index.ts'
import { FakeNetwork, type FakeNode } from '../../process/network.ts'

/** Lets what is under way between fake nodes arrive, and what follows from it. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve))
}

/** The name server of a node of ours, without sockets and on a fake clock. */
export class GlobalNode {
  readonly network = new FakeNetwork()
  readonly node: FakeNode
  readonly exposed: Exposed = new Functions()
  readonly service: GlobalService
  readonly global: Global
  readonly #links = new Map<Atom, FakeLink>()
  readonly #peers = new Map<Atom, ScriptedPeer>()
  /** Names it may connect to; others are not allowed. */
  readonly forbidden = new Set<string>()
  /** What was asked by rpc. */
  readonly asked: Term[] = []
  /** What a rpc answers. */
  answer: () => Promise<Term> = () => Promise.reject(new Error('no rpc in this test'))

  constructor(name: string, options: Pick<NodeOptions, 'connectAll' | 'limits'> = {}) {
    this.node = this.network.node(name)
    const { clock, log, system } = this.node
    const resolved = resolveNodeOptions({ sname: name, visible: true, clock, logger: log, ...options })
    const peers = {
      links: { [Symbol.iterator]: () => this.#links.values() },
      linkTo: (node: Atom) => this.#links.get(node),
      allows: (node: string) => !this.forbidden.has(node),
      find: () => undefined,
      hold: () => 'held',
      connector: (node: string) => ({ connect: () => this.#dial(atom(node)) }),
    }
    const host = { self: this.node.name, creation: 7, options: resolved, peers, processes: system }
    const call = (node: string, module: string, fn: string, args: readonly Term[] = []): Promise<Term> => {
      this.asked.push([node, module, fn, ...args])
      return this.answer()
    }
    this.service = new GlobalService(host as unknown as NodeHost, {
      exposed: this.exposed,
      rpc: { call } as unknown as Rpc,
    })
    this.global = new Global(this.service)
  }

  /** Makes a peer that can be connected. */
  peer(name: string): ScriptedPeer {
    const peer = new ScriptedPeer(this, this.network.node(name))
    this.#peers.set(peer.node.name, peer)
    this.network.cut(this.node, peer.node)
    return peer
  }

  /** Brings up the link to a peer. */
  connect(peer: ScriptedPeer, { hidden = false } = {}): void {
    this.network.heal(this.node, peer.node)
    const link: FakeLink = { peer: peer.node.name, hidden, close: () => this.disconnect(peer) }
    this.#links.set(peer.node.name, link)
    this.service.up(undefined as never, link as never)
  }

  /** Takes it down. */
  disconnect(peer: ScriptedPeer): void {
    const link = this.#links.get(peer.node.name)
    if (link === undefined) return
    this.#links.delete(peer.node.name)
    this.network.cut(this.node, peer.node)
    this.service.down(peer.node.name, link as never)
  }

  isConnected(peer: ScriptedPeer): boolean {
    return this.#links.has(peer.node.name)
  }

  /** All that is held on behalf of others: nothing may be left of a peer that is gone. */
  get held(): object {
    const { state, join } = this.service.server
    const { known, locks, names, syncers, watches } = state
    return {
      known: known.nodes,
      pending: [...known.pending.keys()],
      synced: [...known.synced],
      locks: locks.size,
      names: names.size,
      watches: watches.size,
      syncers: syncers.size,
      sessions: join.sessions,
    }
  }

  async #dial(node: Atom): Promise<void> {
    const peer = this.#peers.get(node)
    if (peer?.dialable !== true) throw new Error('nobody listens')
    if (!this.isConnected(peer)) this.connect(peer)
  }
}

interface FakeLink {
  readonly peer: Atom
  readonly hidden: boolean
  close(): void
}

/** A visible node whose name server does what the test says, and nothing else. */
export class ScriptedPeer {
  readonly node: FakeNode
  /** Whether a dial to it succeeds. */
  dialable = false
  /** What its name server was told. */
  readonly told: ServerMessage[] = []
  /** Locks set here, as they were asked for. */
  readonly locks: string[] = []
  /** What it answers to `set_lock`; undefined: it does not answer. */
  setLock: boolean | undefined = true
  readonly #ours: GlobalNode
  readonly #server: ServiceProcess
  readonly #locker: ServiceProcess
  #woken: (() => void)[] = []

  constructor(ours: GlobalNode, node: FakeNode) {
    this.#ours = ours
    this.node = node
    this.#server = node.system.serve(NAME_SERVER, EXACT, (message) => this.#receive(message))
    this.#server.callHandler = (request) => {
      const read = readRequest(request)
      if (read?.kind === 'set_lock') this.locks.push(String(read.id.resource))
      return read?.kind === 'set_lock' && this.setLock !== undefined ? this.setLock : true
    }
    this.#locker = node.system.serve(undefined, EXACT, () => {})
  }

  get name(): Atom {
    return this.node.name
  }

  /** The first message of this kind it was told, as soon as there is one; it is taken out. */
  async hears<K extends ServerMessage['kind']>(kind: K): Promise<ServerMessage & { kind: K }> {
    for (;;) {
      const at = this.told.findIndex((message) => message.kind === kind)
      if (at !== -1) return this.told.splice(at, 1)[0] as ServerMessage & { kind: K }
      await new Promise<void>((resolve) => this.#woken.push(resolve))
    }
  }

  cast(message: Term): void {
    this.say(castMessage(message))
  }

  say(message: Term): void {
    this.#server.send({ name: NAME_SERVER, node: this.#ours.node.name }, message)
  }

  call(request: Term): Promise<Term> {
    return this.#server.call({ name: NAME_SERVER, node: this.#ours.node.name }, request)
  }

  /** Asks with its locker's pid. */
  lockerCalls(request: Term): Promise<Term> {
    return this.#locker.call({ name: NAME_SERVER, node: this.#ours.node.name }, request)
  }

  initConnect(tag = 1, version = VERSION): Tuple {
    const message = serverMessage.initConnect(this.name, tag, new Map(), this.#locker.pid)
    ;(message[1] as Tuple)[0] = version
    return message
  }

  lockSet(tag: Term): Tuple {
    return serverMessage.lockSet(this.#locker.pid, true, [], tag, VERSION)
  }

  exchange(tag: Term, names: readonly NameEntry[] = []): Tuple {
    return serverMessage.exchange(this.name, names, tag)
  }

  resolved(tag: Term, operations: readonly Operation[] = [], known: readonly KnownNode[] = []): Tuple {
    return serverMessage.resolved(this.name, operations, known, [], tag)
  }

  /** The lock both lockers set. */
  lockId(theirs: ServerMessage & { kind: 'init_connect' }): LockId {
    return { resource: atom('global'), requester: [this.#locker.pid, theirs.locker].sort(comparePids) }
  }

  /**
   * Joins as a BEAM node does, as far as `upTo`, and answers the tag that messages to ours carry.
   */
  async join(
    upTo: JoinStep = 'in_sync',
    { names = [], known = [] }: { names?: readonly NameEntry[]; known?: readonly KnownNode[] } = {},
  ): Promise<number> {
    const theirs = await this.hears('init_connect')
    const tag = theirs.tag as number
    if (upTo === 'nothing') return tag
    this.cast(this.initConnect(1))
    await this.hears('init_connect_ack')
    if (upTo === 'init_connect') return tag
    const id = this.lockId(theirs)
    if ((await this.lockerCalls(serverRequest.setLock(id))) !== true) throw new Error('the lock was refused')
    if (upTo === 'set_lock') return tag
    this.cast(this.lockSet(tag))
    await this.hears('lock_set')
    if (upTo === 'lock_set') return tag
    await this.hears('exchange')
    this.cast(this.exchange(tag, names))
    if (upTo === 'exchange') return tag
    await this.hears('resolved')
    if (upTo === 'no_resolved') return tag
    this.cast(this.resolved(tag, [], known))
    await settle()
    if (upTo === 'resolved') return tag
    await this.lockerCalls(serverRequest.delLock(id))
    await settle()
    return tag
  }

  #receive(message: Term): void {
    const body = isTuple(message) && message.length === 2 ? message[1] : message
    const read = readServerMessage(body) ?? readServerMessage(message)
    if (read === undefined) return
    this.told.push(read)
    for (const wake of this.#woken.splice(0)) wake()
  }
}

/** How far a peer gets. */
export type JoinStep =
  | 'nothing'
  | 'init_connect'
  | 'set_lock'
  | 'lock_set'
  | 'exchange'
  | 'no_resolved'
  | 'resolved'
  | 'in_sync'
