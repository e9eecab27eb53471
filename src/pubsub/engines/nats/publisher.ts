import { TsunagiError } from '../../../base/errors.ts'
import { located } from '../../../term/encode.ts'
import { Encoder } from '../../../term/encoder.ts'
import type { Term } from '../../../term/index.ts'
import { Writer } from '../../../term/writer.ts'
import { header, MESSAGES, stamp } from './packet.ts'
import { RecentMap } from './recent-map.ts'
import type { Subjects } from './subjects.ts'

/** Bytes up to which messages are put into one packet. */
const FULL = 32 * 1024
/** A buffer that one large message has made longer is let go. */
const KEEP = 4 * FULL
/** Subjects whose sequence is remembered, once more as many that were not used for long. */
const ROUTES = 8192
const TERM_VERSION = 131

interface Route {
  readonly subject: string
  /** The subject does not tell the topic, so the packet has to. */
  readonly named: boolean
  /** The number of the next message. */
  sequence: number
  first: boolean
}

/** What a {@link Publisher} needs. */
export interface PublisherOptions {
  /** The number of this start of the engine. */
  readonly sender: number
  /** The node's name. */
  readonly node: string
  readonly subjects: Subjects
  /** Longest packet there may be just now, in bytes. */
  maxBytes(): number
  /** Takes a packet, which is its own from then on, and how many messages are in it. */
  send(subject: string, packet: Buffer, messages: number): void
}

/**
 * Makes packets of messages. Those that go to the same subject, one right after the other within a turn of the event loop,
 * leave in one: the server and each receiver have one thing to look at instead of many, and none waits for a timer.
 */
export class Publisher {
  readonly #options: PublisherOptions
  readonly #topics = new RecentMap<Route>(ROUTES)
  /** By subject: these topics may be too long to be kept, or are as many as come with a node. */
  readonly #named = new RecentMap<Route>(ROUTES)
  readonly #scratch = new Writer(4096)
  readonly #encoder = new Encoder(this.#scratch)
  #encoding = false
  readonly #packet = new Writer(4096)
  readonly #plainHeader: Buffer
  /** Messages so far. A sequence begins with it, so that it is above all that came before on the same subject. */
  #total = 0
  #route: Route | undefined
  #topic = ''
  #messages = 0

  constructor(options: PublisherOptions) {
    this.#options = options
    this.#encoder.markBytes = true
    this.#plainHeader = header(MESSAGES, options.sender, options.node, undefined)
  }

  /** To all who are subscribed to a topic. @throws EncodeError; TsunagiError `ERR_LIMIT`; nothing was sent then */
  publish(topic: string, message: Term, stringKeys: boolean): void {
    const known = this.#topics.get(topic)
    if (known !== undefined) return this.#add(known, topic, message, stringKeys)
    const { subject, named } = this.#options.subjects.ofTopic(topic)
    if (named) return this.#add(this.#namedRoute(subject), topic, message, stringKeys)
    const route = this.#begin(subject, false)
    this.#topics.set(topic, route)
    this.#add(route, topic, message, stringKeys)
  }

  /** To one node. @throws EncodeError; TsunagiError `ERR_LIMIT`; nothing was sent then */
  publishTo(node: string, topic: string, message: Term, stringKeys: boolean): void {
    this.#add(this.#namedRoute(this.#options.subjects.ofNode(node)), topic, message, stringKeys)
  }

  /** Sends what has been gathered. */
  readonly flush = (): void => {
    const route = this.#route
    if (route === undefined) return
    const { bytes, position } = this.#packet
    const packet = Buffer.allocUnsafe(position)
    bytes.copy(packet, 0, 0, position)
    if (bytes.length > KEEP) this.#packet.bytes = Buffer.allocUnsafe(4096)
    stamp(packet, route.sequence, route.first)
    const messages = this.#messages
    route.sequence += messages
    route.first = false
    this.#route = undefined
    this.#options.send(route.subject, packet, messages)
  }

  #namedRoute(subject: string): Route {
    const known = this.#named.get(subject)
    if (known !== undefined) return known
    const route = this.#begin(subject, true)
    this.#named.set(subject, route)
    return route
  }

  #begin(subject: string, named: boolean): Route {
    return { subject, named, sequence: this.#total, first: true }
  }

  #add(route: Route, topic: string, message: Term, stringKeys: boolean): void {
    // A getter of the message may publish something itself; so nothing is looked at before it is encoded.
    const term = this.#encoding ? encodeApart(message, stringKeys) : this.#encode(message, stringKeys)
    const size = 4 + term.length
    const max = this.#options.maxBytes()
    const same = this.#route === route && (!route.named || this.#topic === topic)
    if (!same || this.#packet.position + size > Math.min(FULL, max)) {
      const head = route.named ? header(MESSAGES, this.#options.sender, this.#options.node, topic) : this.#plainHeader
      if (head.length + size > max) throw tooLong(head.length + size, max)
      this.flush()
      this.#packet.position = 0
      this.#packet.raw(head)
      this.#route = route
      this.#topic = topic
      this.#messages = 0
      queueMicrotask(this.flush)
    }
    this.#packet.u32(term.length)
    this.#packet.raw(term)
    this.#messages++
    this.#total++
  }

  /** The bytes are good until the next call. */
  #encode(message: Term, stringKeys: boolean): Buffer {
    const out = this.#scratch
    if (out.bytes.length > KEEP) out.bytes = Buffer.allocUnsafe(4096)
    this.#encoding = true
    try {
      out.position = 0
      out.u8(TERM_VERSION)
      this.#encoder.stringKeys = stringKeys
      this.#encoder.write(message)
      return out.bytes.subarray(0, out.position)
    } catch (error) {
      throw located(message, error)
    } finally {
      this.#encoding = false
    }
  }
}

function encodeApart(message: Term, stringKeys: boolean): Buffer {
  const out = new Writer(256)
  const encoder = new Encoder(out)
  encoder.markBytes = true
  encoder.stringKeys = stringKeys
  out.u8(TERM_VERSION)
  try {
    encoder.write(message)
  } catch (error) {
    throw located(message, error)
  }
  return out.bytes.subarray(0, out.position)
}

function tooLong(bytes: number, max: number): TsunagiError {
  const text = `the message takes ${bytes} bytes with its header, and the NATS server allows ${max} (max_payload)`
  return new TsunagiError('ERR_LIMIT', text)
}
