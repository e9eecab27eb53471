import { TsunagiError } from '../../../base/errors.ts'
import type { PgScope } from '../../../node/pg/pg-scope.ts'
import { withLimits } from '../../../node/waiting.ts'
import type { ServiceProcess } from '../../../process/service-process.ts'
import { type Atom, atom, encode, isAtom, isTuple, type Pid, type Term, tuple } from '../../../term/index.ts'
import { PHOENIX_PUBSUB } from '../../dispatcher.ts'
import type { Engine, EngineContext, Outgoing, ReadyOptions } from '../../engine.ts'
import { GroupNames, MAX_POOL } from './groups.ts'

const FORWARD = atom('forward_to_local')
const SCOPE = 'Elixir.Phoenix.PubSub'
const SHUTDOWN = atom('shutdown')

/** Settings of a {@link MeshEngine}. */
export interface MeshSettings {
  readonly poolSize: number
  readonly broadcastPoolSize: number
}

/** Phoenix.PubSub's PG2 adapter, and what nodes of this package say to each other besides. */
export class MeshEngine implements Engine {
  readonly #context: EngineContext
  readonly #names: GroupNames
  readonly #scope: PgScope
  readonly #workers: ServiceProcess[] = []
  readonly #peers = new Map<Atom, Map<number, Pid>>()
  readonly #waiting = new Set<() => void>()
  #closed = false

  constructor(context: EngineContext, settings: MeshSettings) {
    this.#context = context
    this.#names = new GroupNames(context.name)
    this.#scope = context.host.pg(SCOPE)
    const groups = this.#names.all(Math.min(settings.poolSize, MAX_POOL))
    for (const group of groups) {
      const worker = context.host.serviceHost.serve(group.name, context.terms, (message, peer) => {
        if (peer !== undefined) this.#receive(message, peer)
      })
      this.#workers.push(worker)
      this.#scope.join(group, worker.pid)
    }
    this.#scope.on('join', this.#onJoin)
    this.#scope.on('leave', this.#onLeave)
    for (const group of groups) this.#onJoin(group, this.#scope.members(group))
  }

  async ready({ nodes = 1, ...limits }: ReadyOptions): Promise<void> {
    let check = (): void => {}
    const enough = new Promise<void>((resolve) => {
      check = () => {
        if (this.#peers.size >= nodes || this.#closed) resolve()
      }
      this.#waiting.add(check)
      check()
    })
    try {
      await withLimits(enough, this.#context.clock, limits, `fewer than ${nodes} other nodes took part`)
    } finally {
      this.#waiting.delete(check)
    }
    if (this.#closed) throw new TsunagiError('ERR_CLOSED', `the pub/sub ${this.#context.name} is closed`)
  }

  broadcast(outgoing: Outgoing): boolean {
    if (this.#peers.size === 0) encode(outgoing.message)
    let room = true
    for (const pids of this.#peers.values()) room = this.#send(pids, outgoing) && room
    return room
  }

  direct(node: string, outgoing: Outgoing): boolean {
    const pids = this.#peers.get(atom(node))
    return pids === undefined ? true : this.#send(pids, outgoing)
  }

  nodes(): readonly string[] {
    return Array.from(this.#peers.keys(), ({ name }) => name)
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#scope.off('join', this.#onJoin)
    this.#scope.off('leave', this.#onLeave)
    for (const worker of this.#workers) worker.end(SHUTDOWN)
    for (const check of this.#waiting) check()
  }

  #send(pids: ReadonlyMap<number, Pid>, { topic, message, dispatcher, stringKeys }: Outgoing): boolean {
    const [to] = pids.values()
    if (to === undefined) return true
    const link = this.#context.host.serviceHost.linkTo(to.nodeAtom)
    const from = (this.#workers[0] as ServiceProcess).pid
    const forward = tuple(FORWARD, topic, message, dispatcher ?? PHOENIX_PUBSUB)
    return link?.send.sendToPid(from, to, forward, stringKeys) ?? true
  }

  #receive(message: Term, peer: Atom): void {
    if (!isTuple(message) || message.length !== 4 || message[0] !== FORWARD) return
    const [, topic, term, dispatcher] = message
    if (typeof topic !== 'string' || !isAtom(dispatcher)) {
      this.#context.dropped('undecodable', 1, { node: peer.name })
      return
    }
    this.#context.deliver({ topic, message: term, node: peer.name, dispatcher, bytes: 0, as: () => term })
  }

  readonly #onJoin = (group: Term, pids: readonly Pid[]): void => {
    const member = this.#names.memberOf(group)
    if (member === undefined) return
    for (const pid of pids) {
      if (pid.node === this.#context.host.name) continue
      const known = this.#peers.get(pid.nodeAtom)
      if (known !== undefined) known.set(member, pid)
      else {
        this.#peers.set(pid.nodeAtom, new Map([[member, pid]]))
        this.#context.nodeUp(pid.node)
      }
    }
    for (const check of this.#waiting) check()
  }

  readonly #onLeave = (group: Term, pids: readonly Pid[]): void => {
    const member = this.#names.memberOf(group)
    if (member === undefined) return
    for (const pid of pids) {
      const known = this.#peers.get(pid.nodeAtom)
      if (known?.get(member)?.equals(pid) !== true) continue
      known.delete(member)
      if (known.size > 0) continue
      this.#peers.delete(pid.nodeAtom)
      this.#context.nodeDown(pid.node)
    }
  }
}
