import { TsunagiError } from '../../../base/errors.ts'
import { type WaitOptions, withLimits } from '../../../node/waiting.ts'
import { type Atom, atom, type DecodeOptions, type Term } from '../../../term/index.ts'
import { phash2Binary } from '../../../term/phash2.ts'
import type { Engine, EngineContext, Outgoing, ReadyOptions } from '../../engine.ts'
import { Companions } from './companions.ts'
import { GroupNames } from './groups.ts'
import { payloadOf, readForward } from './messages.ts'
import { Peer } from './peer.ts'
import { PeerDispatchers } from './peer-dispatchers.ts'
import { Peers } from './peers.ts'
import { Sender } from './sender.ts'
import { shareScope } from './shared-scope.ts'
import { Workers } from './workers.ts'

/** Phoenix.PubSub's scope of process groups. */
const SCOPE = 'Elixir.Phoenix.PubSub'

/** Settings of a {@link MeshEngine}. */
export interface MeshSettings {
  readonly poolSize: number
  readonly broadcastPoolSize: number
}

/** Phoenix.PubSub's PG2 adapter, and what nodes of this package say to each other besides. */
export class MeshEngine implements Engine {
  readonly #context: EngineContext
  readonly #peers: Peers
  readonly #workers: Workers
  readonly #companions: Companions
  readonly #sender: Sender
  readonly #release: () => void
  /** Those who wait until enough nodes take part. */
  readonly #waiting = new Set<() => void>()
  #closed = false

  /** @throws TsunagiError `ERR_NAME_TAKEN`, `ERR_CLOSED` */
  constructor(context: EngineContext, { poolSize, broadcastPoolSize }: MeshSettings) {
    this.#context = context
    const { clock, host, name } = context
    const names = new GroupNames(name)
    const spread = phash2Binary(host.name)
    const { scope, release } = shareScope(host, SCOPE)
    this.#release = release
    const opened: { close(): void }[] = []
    try {
      this.#companions = new Companions(context)
      opened.push(this.#companions)
      this.#workers = new Workers(context, { scope, names, poolSize }, (message, peer, bytes, as) =>
        this.#receive(message, peer, bytes, as),
      )
    } catch (error) {
      for (const part of opened) part.close()
      release()
      throw error
    }
    this.#sender = new Sender(context, this.#workers.pid)
    this.#peers = new Peers(
      scope,
      names,
      (node) => new Peer(node, new PeerDispatchers(node, host, clock), spread, broadcastPoolSize),
      {
        up: ({ node }) => {
          context.nodeUp(node.name)
          for (const check of this.#waiting) check()
        },
        down: ({ node }) => context.nodeDown(node.name),
        pool: (member) => this.#workers.follow(member),
      },
    )
    this.#peers.start()
  }

  async ready({ nodes = 1, ...limits }: ReadyOptions): Promise<void> {
    let check = (): void => {}
    const enough = new Promise<void>((resolve) => {
      check = () => {
        if (this.#peers.list.length >= nodes || this.#closed) resolve()
      }
      this.#waiting.add(check)
      check()
    })
    const { clock, name } = this.#context
    try {
      await withLimits(enough, clock, limits, `fewer than ${nodes} other nodes took part in the pub/sub ${name}`)
    } finally {
      this.#waiting.delete(check)
    }
    if (this.#closed) throw new TsunagiError('ERR_CLOSED', `the pub/sub ${name} is closed`)
  }

  broadcast(outgoing: Outgoing): boolean {
    return this.#sender.send(this.#peers.list, outgoing)
  }

  direct(node: string, outgoing: Outgoing): boolean {
    const peer = this.#peers.get(atom(node))
    return this.#sender.send(peer === undefined ? [] : [peer], outgoing)
  }

  async drained(options: WaitOptions): Promise<void> {
    const { host } = this.#context
    const waits = this.#peers.list.map(({ node }) =>
      host.drained(node.name, options).catch((error: unknown) => {
        // A node that is gone is not waited for.
        if (!(error instanceof TsunagiError && error.code === 'ERR_NOCONNECTION')) throw error
      }),
    )
    await Promise.all(waits)
    if (this.#closed) throw new TsunagiError('ERR_CLOSED', `the pub/sub ${this.#context.name} is closed`)
  }

  nodes(): readonly string[] {
    return this.#peers.list.map(({ node }) => node.name)
  }

  count(topic: string, options: WaitOptions): Promise<ReadonlyMap<string, number>> {
    return this.#companions.count(topic, options)
  }

  withdraw(): void {
    this.#workers.leave()
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#peers.stop()
    this.#companions.close()
    this.#workers.close()
    this.#release()
    for (const check of this.#waiting) check()
  }

  /** A message for one of the workers: of a peer, or, without one, of a process of this node that sent it by name. */
  #receive(
    message: Term,
    peer: Atom | undefined,
    bytes: number,
    as: ((terms: DecodeOptions) => Term) | undefined,
  ): void {
    const whole = as ?? (() => message)
    const read = readForward(message, whole)
    const node = peer?.name ?? this.#context.host.name
    if (read === undefined) {
      this.#context.dropped('undecodable', 1, { node })
      return
    }
    const { topic, dispatcher, retained } = read
    this.#context.deliver({
      topic,
      message: read.message,
      node,
      dispatcher,
      retained,
      bytes,
      as: (terms) => payloadOf(whole(terms)),
    })
  }
}
