import type { Msg } from '@nats-io/transport-node'
import { Decoder } from '../../../term/decoder.ts'
import { DecodeError, type DecodeOptions, type Term } from '../../../term/index.ts'
import type { EngineContext } from '../../engine.ts'
import type { Members } from './members.ts'
import { countEntries, eachEntry, MESSAGES, type Packet, readPacket } from './packet.ts'
import type { Sequences } from './sequences.ts'
import type { Subjects } from './subjects.ts'

const TERM_VERSION = 131
const none = Buffer.alloc(0)

/** What a {@link Receiver} needs. */
export interface ReceiverOptions {
  readonly context: EngineContext
  /** The number of this start of the engine, by which it knows its own echo. */
  readonly sender: number
  readonly subjects: Subjects
  readonly sequences: Sequences
  readonly members: Members
}

/**
 * Takes what comes from the server. Whoever may publish there can send anything, so that everything is hostile until proven:
 * what is no packet, or none that belongs to its subject, is dropped and counted.
 */
export class Receiver {
  readonly #options: ReceiverOptions
  readonly #decoder: Decoder
  readonly #mine: string

  constructor(options: ReceiverOptions) {
    const { host } = options.context
    this.#options = options
    this.#decoder = new Decoder({}, host.serviceHost.limits)
    this.#mine = options.subjects.ofNode(host.name)
  }

  /** Never throws. */
  readonly take = (message: Msg): void => {
    const { context, members, sender, sequences, subjects } = this.#options
    const { subject, data } = message
    const bytes = Buffer.from(data.buffer, data.byteOffset, data.length)
    const packet = readPacket(bytes)
    if (packet === undefined) return this.#undecodable(undefined)
    if (packet.sender === sender) return
    const mine = subject === this.#mine
    if (packet.kind !== MESSAGES) {
      const isPlace = mine || subject === subjects.members
      if (!isPlace || !this.#takeWord(members, packet, bytes)) this.#undecodable(packet)
      return
    }
    const stream = sequences.of(subject)
    const topic = packet.topic === undefined ? stream.topic : this.#namedTopic(packet.topic, subject, mine)
    const count = countEntries(bytes, packet.body)
    if (topic === undefined || count === undefined || count === 0) return this.#undecodable(packet)
    const lost = sequences.take(stream, packet.sender, packet.sequence, count, packet.first)
    // A copy, by the subscription for a pattern.
    if (lost < 0) return
    if (lost > 0) context.dropped('disconnected', lost, { topic, node: packet.node })
    if (!context.hasSubscribers(topic)) return
    eachEntry(bytes, packet.body, (entry) => this.#deliver(topic, packet.node, entry))
  }

  /** A topic is named where the subject does not tell it, and must be one that goes there: the server checks subjects. */
  #namedTopic(topic: string, subject: string, mine: boolean): string | undefined {
    if (mine) return topic
    const address = this.#options.subjects.ofTopic(topic)
    return address.named && address.subject === subject ? topic : undefined
  }

  #deliver(topic: string, node: string, entry: Buffer): void {
    const { context } = this.#options
    let message: Term
    try {
      message = this.#decode(entry, context.terms)
    } catch (error) {
      return context.dropped('undecodable', 1, { topic, node, error })
    }
    const as = (other: DecodeOptions): Term => this.#decode(entry, other)
    context.deliver({ topic, message, node, dispatcher: undefined, bytes: entry.length, as })
  }

  /** @throws DecodeError */
  #decode(bytes: Buffer, terms: DecodeOptions): Term {
    const decoder = this.#decoder
    if (bytes[0] !== TERM_VERSION) throw new DecodeError(`a term begins with ${TERM_VERSION}`, 0)
    decoder.configure(terms)
    decoder.reset(bytes, 1, bytes.length)
    try {
      const term = decoder.read()
      if (decoder.position !== decoder.end) throw decoder.fail('bytes are left over behind the term')
      return term
    } finally {
      decoder.reset(none, 0, 0)
    }
  }

  /** What a member says of itself, or asks. */
  #takeWord(members: Members, packet: Packet, bytes: Buffer): boolean {
    const count = countEntries(bytes, packet.body)
    if (count === undefined || count > 1) return false
    let word: Buffer | undefined
    eachEntry(bytes, packet.body, (entry) => {
      word = entry
    })
    try {
      return members.take(packet, () => this.#decode(word ?? none, {}))
    } catch {
      return false
    }
  }

  #undecodable(packet: Packet | undefined): void {
    this.#options.context.dropped('undecodable', 1, packet === undefined ? {} : { node: packet.node })
  }
}
