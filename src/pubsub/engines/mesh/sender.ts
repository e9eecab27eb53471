import { TsunagiError } from '../../../base/errors.ts'
import { encodeTerm } from '../../../term/encode.ts'
import type { Pid, Term, Tuple } from '../../../term/index.ts'
import { PHOENIX_PUBSUB } from '../../dispatcher.ts'
import type { DropCause, DropDetail, EngineContext, Outgoing } from '../../engine.ts'
import { forward } from './messages.ts'
import type { Peer } from './peer.ts'

/** Messages, and their bytes, that wait for a node to say whether it has a dispatcher. */
const MAX_HELD = 10_000
const MAX_HELD_BYTES = 16 * 1024 * 1024

/** Brings broadcasts to other nodes: one frame for each, whose message was encoded once for all nodes of its kind. */
export class Sender {
  readonly #context: EngineContext
  readonly #from: Pid
  readonly #losses: [cause: DropCause, detail: DropDetail][] = []

  /** `from`: in whose name it sends. */
  constructor(context: EngineContext, from: Pid) {
    this.#context = context
    this.#from = from
  }

  /** False when a link is over its high-water mark. @throws EncodeError; nothing was sent then */
  send(peers: readonly Peer[], outgoing: Outgoing): boolean {
    const { serviceHost } = this.#context.host
    const [first] = peers
    if (first !== undefined && peers.length === 1 && this.#isPlain(first, outgoing))
      return this.#direct(first, outgoing)
    const forms = new Forms(outgoing)
    // Whether it can be encoded does not depend on the kind of peer; nobody may get it when it cannot.
    forms.for(first === undefined || serviceHost.isOurs(first.node))
    let room = true
    for (const peer of peers) {
      const form = forms.for(serviceHost.isOurs(peer.node))
      room = this.#toPeer(peer, outgoing, form, forms.bytes) && room
    }
    this.#tellLosses()
    return room
  }

  /** What waits for a node can go, or is lost. */
  flush(peer: Peer): void {
    const { held } = peer
    if (held === undefined) return
    peer.held = undefined
    // Some may have to wait for the answer about another dispatcher: what is behind them waits again.
    for (const { outgoing, form, bytes } of held.messages) this.#toPeer(peer, outgoing, form, bytes)
    this.#tellLosses()
  }

  /** Nothing has to be asked first, or waits before it, and it looks the same to all kinds of peers. */
  #isPlain(peer: Peer, { dispatcher, retained }: Outgoing): boolean {
    return (
      peer.held === undefined && retained === undefined && (dispatcher === undefined || dispatcher === PHOENIX_PUBSUB)
    )
  }

  /** To a single node, straight into its link's buffer, with the link's atom cache. */
  #direct(peer: Peer, outgoing: Outgoing): boolean {
    const { topic, message, stringKeys } = outgoing
    try {
      const room = this.#write(peer, outgoing, forward(topic, message, PHOENIX_PUBSUB, undefined))
      this.#tellLosses()
      return room
    } catch (error) {
      // The path in it is that of the whole tuple.
      if (isCode(error, 'ERR_ENCODE')) encodeTerm(message, { keys: stringKeys ? 'strings' : 'atoms' })
      throw error
    }
  }

  /** `form`: the outgoing message as this peer gets it, which stays as it is whatever becomes of the objects in it. */
  #toPeer(peer: Peer, outgoing: Outgoing, form: Tuple, bytes: number): boolean {
    if (peer.held !== undefined) return this.#hold(peer, outgoing, form, bytes)
    const { dispatcher } = outgoing
    const { serviceHost } = this.#context.host
    if (dispatcher !== undefined && dispatcher !== PHOENIX_PUBSUB && !serviceHost.isOurs(peer.node)) {
      const has = peer.dispatchers.has(dispatcher, () => this.flush(peer))
      if (has === undefined) return this.#hold(peer, outgoing, form, bytes)
      if (!has) {
        this.#lost(peer, 'unknown-dispatcher', outgoing)
        return true
      }
    }
    return this.#write(peer, outgoing, form)
  }

  #write(peer: Peer, { topic, stringKeys }: Outgoing, form: Tuple): boolean {
    const to = peer.target
    const link = to === undefined ? undefined : this.#context.host.serviceHost.linkTo(peer.node)
    // It is about to be gone; its scope has not told yet.
    if (to === undefined || link === undefined) return true
    try {
      return link.send.sendToPid(this.#from, to, form, stringKeys)
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

  #hold(peer: Peer, outgoing: Outgoing, form: Tuple, bytes: number): boolean {
    peer.held ??= { messages: [], bytes: 0 }
    const { held } = peer
    if (held.messages.length >= MAX_HELD || held.bytes + bytes > MAX_HELD_BYTES) {
      this.#lost(peer, 'link-full', outgoing)
      return false
    }
    held.messages.push({ outgoing, form, bytes })
    held.bytes += bytes
    return true
  }

  #lost({ node }: Peer, cause: DropCause, { topic }: { readonly topic: string }, error?: unknown): void {
    this.#losses.push([cause, { topic, node: node.name, ...(error === undefined ? {} : { error }) }])
  }

  /** When all peers were sent to: who hears of it may broadcast something, which must not come before this anywhere. */
  #tellLosses(): void {
    if (this.#losses.length === 0) return
    for (const [cause, detail] of this.#losses.splice(0)) this.#context.dropped(cause, 1, detail)
  }
}

/** What goes out, in the forms that peers need it in. The message in it is encoded when the first peer of its kind needs it. */
class Forms {
  readonly #outgoing: Outgoing
  #beam: Tuple | undefined
  #ours: Tuple | undefined
  /** How long the message is. */
  bytes = 0

  constructor(outgoing: Outgoing) {
    this.#outgoing = outgoing
  }

  /**
   * For nodes of this package, where bytes stay bytes and values are retained, or for BEAM nodes.
   *
   * @throws EncodeError with the path to the value
   */
  for(ours: boolean): Tuple {
    if (ours) {
      this.#ours ??= this.#make(true)
      return this.#ours
    }
    this.#beam ??= this.#make(false)
    return this.#beam
  }

  #make(ours: boolean): Tuple {
    const { topic, message, dispatcher = PHOENIX_PUBSUB, stringKeys, retained } = this.#outgoing
    const encoded = encodeTerm(message, { keys: stringKeys ? 'strings' : 'atoms', ours })
    this.bytes = encoded.bytes.length
    return forward(topic, encoded as unknown as Term, dispatcher, ours ? retained : undefined)
  }
}

function isCode(error: unknown, code: TsunagiError['code']): boolean {
  return error instanceof TsunagiError && error.code === code
}
