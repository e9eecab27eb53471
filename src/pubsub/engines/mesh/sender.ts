import { TsunagiError } from '../../../base/errors.ts'
import { encodeTerm } from '../../../term/encode.ts'
import type { EncodedTerm } from '../../../term/encoded-term.ts'
import type { Pid, Term } from '../../../term/index.ts'
import { PHOENIX_PUBSUB } from '../../dispatcher.ts'
import type { EngineContext, Outgoing } from '../../engine.ts'
import { forward } from './messages.ts'
import type { Peer } from './peer.ts'

/** Messages, and their bytes, that wait for a node to say whether it has a dispatcher. */
const MAX_HELD = 10_000
const MAX_HELD_BYTES = 16 * 1024 * 1024

/** Brings broadcasts to other nodes: one frame for each, whose message was encoded once for all nodes of its kind. */
export class Sender {
  readonly #context: EngineContext
  readonly #from: Pid

  /** `from`: in whose name it sends. */
  constructor(context: EngineContext, from: Pid) {
    this.#context = context
    this.#from = from
  }

  /** False when a link is over its high-water mark. @throws EncodeError; nothing was sent then */
  send(peers: readonly Peer[], outgoing: Outgoing): boolean {
    const [only] = peers
    if (peers.length === 1 && only?.held === undefined && usual(outgoing)) return this.#direct(only as Peer, outgoing)
    const encoded = new Encodings(outgoing)
    // Whether it can be encoded does not depend on the kind of peer; nobody may get it when it cannot.
    encoded.for(only === undefined || this.#context.host.serviceHost.isOurs(only.node))
    let room = true
    for (const peer of peers) room = this.#toPeer(peer, outgoing, encoded) && room
    return room
  }

  /** What waits for a node can go, or is lost. */
  flush(peer: Peer): void {
    const held = peer.held
    if (held === undefined) return
    peer.held = undefined
    // Some may have to wait for the answer about another dispatcher: what is behind them waits again.
    for (const { outgoing, encoded } of held.messages) this.#toPeer(peer, outgoing, encoded)
  }

  /** To a single node, straight into its link's buffer, with the link's atom cache. */
  #direct(peer: Peer, outgoing: Outgoing): boolean {
    const { message, stringKeys } = outgoing
    try {
      return this.#write(peer, outgoing, message)
    } catch (error) {
      // The path in it is that of the whole tuple.
      if (isCode(error, 'ERR_ENCODE')) encodeTerm(message, { keys: stringKeys ? 'strings' : 'atoms' })
      throw error
    }
  }

  #toPeer(peer: Peer, outgoing: Outgoing, encoded: Encodings): boolean {
    if (peer.held !== undefined) return this.#hold(peer, outgoing, encoded)
    const { dispatcher } = outgoing
    const ours = this.#context.host.serviceHost.isOurs(peer.node)
    if (dispatcher !== undefined && dispatcher !== PHOENIX_PUBSUB && !ours) {
      const has = peer.dispatchers.has(dispatcher, () => this.flush(peer))
      if (has === undefined) return this.#hold(peer, outgoing, encoded)
      if (!has) {
        this.#lost(peer, 'unknown-dispatcher', outgoing)
        return true
      }
    }
    return this.#write(peer, outgoing, encoded.for(ours) as unknown as Term)
  }

  #write(peer: Peer, { topic, dispatcher, stringKeys, retained }: Outgoing, message: Term): boolean {
    const to = peer.target
    const { serviceHost } = this.#context.host
    const link = to === undefined ? undefined : serviceHost.linkTo(peer.node)
    // It is about to be gone; its scope has not told yet.
    if (to === undefined || link === undefined) return true
    const stamp = retained !== undefined && serviceHost.isOurs(peer.node) ? retained : undefined
    const term = forward(topic, message, dispatcher ?? PHOENIX_PUBSUB, stamp)
    try {
      return link.send.sendToPid(this.#from, to, term, stringKeys)
    } catch (error) {
      if (isCode(error, 'ERR_LINK_FULL')) {
        this.#lost(peer, 'link-full', { topic })
        return false
      }
      if (!isCode(error, 'ERR_ATOM_LIMIT')) throw error
      this.#lost(peer, 'atom-limit', { topic }, error)
      return true
    }
  }

  #hold(peer: Peer, outgoing: Outgoing, encoded: Encodings): boolean {
    peer.held ??= { messages: [], bytes: 0 }
    const { held } = peer
    const { length } = encoded.any.bytes
    if (held.messages.length >= MAX_HELD || held.bytes + length > MAX_HELD_BYTES) {
      this.#lost(peer, 'link-full', outgoing)
      return false
    }
    held.messages.push({ outgoing, encoded })
    held.bytes += length
    return true
  }

  #lost(
    peer: Peer,
    cause: 'link-full' | 'atom-limit' | 'unknown-dispatcher',
    { topic }: { readonly topic: string },
    error?: unknown,
  ): void {
    this.#context.dropped(cause, 1, { topic, node: peer.node.name, ...(error === undefined ? {} : { error }) })
  }
}

/** A message in the forms that peers need it in, each made when the first one does. */
export class Encodings {
  readonly #outgoing: Outgoing
  #beam: EncodedTerm | undefined
  #ours: EncodedTerm | undefined

  constructor(outgoing: Outgoing) {
    this.#outgoing = outgoing
  }

  /** One of them. */
  get any(): EncodedTerm {
    return this.#beam ?? this.for(true)
  }

  /** For nodes of this package, where bytes stay bytes, or for BEAM nodes. @throws EncodeError with the path to the value */
  for(ours: boolean): EncodedTerm {
    if (ours) {
      this.#ours ??= this.#encode(true)
      return this.#ours
    }
    this.#beam ??= this.#encode(false)
    return this.#beam
  }

  #encode(ours: boolean): EncodedTerm {
    const { message, stringKeys } = this.#outgoing
    return encodeTerm(message, { keys: stringKeys ? 'strings' : 'atoms', ours })
  }
}

function usual({ dispatcher }: Outgoing): boolean {
  return dispatcher === undefined || dispatcher === PHOENIX_PUBSUB
}

function isCode(error: unknown, code: TsunagiError['code']): boolean {
  return error instanceof TsunagiError && error.code === code
}
