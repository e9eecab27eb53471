import { randomInt } from 'node:crypto'
import type { Msg, NatsConnection } from '@nats-io/transport-node'
import { abortable, withDeadline } from '../../../base/deadline.ts'
import { OptionError, TsunagiError } from '../../../base/errors.ts'
import { type WaitOptions, withLimits } from '../../../node/waiting.ts'
import { Decoder } from '../../../term/decoder.ts'
import { DecodeError, type DecodeOptions, type Term } from '../../../term/index.ts'
import type { Engine, EngineContext, Outgoing, ReadyOptions } from '../../engine.ts'
import { Interests } from './interests.ts'
import { Members } from './members.ts'
import type { NatsError } from './nats-error.ts'
import { Outbox } from './outbox.ts'
import { countEntries, eachEntry, MESSAGES, type Packet, readPacket, SENDERS } from './packet.ts'
import { Publisher } from './publisher.ts'
import { Sequences } from './sequences.ts'
import { Session, type Source } from './session.ts'
import { Subjects } from './subjects.ts'

const TERM_VERSION = 131
const none = Buffer.alloc(0)

/** How an engine is set up. */
export interface NatsSetup {
  readonly source: Source
  readonly prefix: string
  /** Bytes that wait for a connection. */
  readonly buffer: number
  /** Milliseconds. */
  readonly heartbeatInterval: number
  readonly silentHeartbeats: number
}

/** Carries the messages of one pub/sub over NATS; see `subjects.ts` for where, and `packet.ts` for how. */
export class NatsEngine implements Engine {
  readonly #context: EngineContext
  /** This start of it: by it others know that their count of its messages begins anew, and it its own echo. */
  readonly #sender = randomInt(1, SENDERS)
  readonly #subjects: Subjects
  readonly #sequences: Sequences
  readonly #outbox: Outbox
  readonly #publisher: Publisher
  readonly #interests: Interests
  readonly #members: Members
  readonly #session: Session
  readonly #decoder: Decoder
  readonly #ofNode: string
  #connection: NatsConnection | undefined
  /** Why there is no connection. */
  #reason: TsunagiError | undefined
  /** Those who wait for something to change. */
  #waiting = change()
  #closed: Promise<void> | undefined

  constructor(context: EngineContext, setup: NatsSetup) {
    const { name, host, clock, logger, options } = context
    const { limits } = host.serviceHost
    const node = host.name
    const subjects = new Subjects(setup.prefix, name)
    this.#context = context
    this.#subjects = subjects
    this.#ofNode = subjects.ofNode(node)
    this.#decoder = new Decoder({}, limits)
    this.#sequences = new Sequences((subject) => subjects.topicOf(subject))
    this.#outbox = new Outbox({
      limits,
      buffer: setup.buffer,
      dropped: (cause, count) => context.dropped(cause, count, this.#because()),
    })
    this.#publisher = new Publisher({
      sender: this.#sender,
      node,
      subjects,
      maxBytes: () => this.#outbox.maxBytes,
      send: (subject, packet, messages) => this.#outbox.send(subject, packet, messages),
    })
    this.#interests = new Interests(subjects, this.#sequences, this.#onMessage)
    this.#interests.keep(this.#ofNode)
    this.#interests.keep(subjects.members)
    this.#members = new Members({
      node,
      sender: this.#sender,
      subjects,
      clock,
      logger,
      announce: !options.publishOnly,
      heartbeatInterval: setup.heartbeatInterval,
      silentHeartbeats: setup.silentHeartbeats,
      send: (subject, packet) => this.#tell(subject, packet),
      nodeUp: (member) => {
        context.nodeUp(member)
        this.#changed()
      },
      nodeDown: (member) => context.nodeDown(member),
      localCount: (topic) => context.localCount(topic),
    })
    this.#session = new Session(setup.source, clock, {
      up: (connection) => this.#up(connection),
      down: (error) => this.#down(error),
      refused: (error, operation) => this.#refused(error, operation),
    })
  }

  async ready({ nodes = 0, timeout = 5000, signal }: ReadyOptions): Promise<void> {
    if (typeof timeout !== 'number' || !(timeout >= 0)) throw new OptionError('timeout', timeout, 'milliseconds')
    await withDeadline(
      { timeout, signal, clock: this.#context.clock },
      () => this.#notReady(nodes, timeout),
      (limit) => this.#untilReady(nodes, limit),
    )
  }

  interest(kind: 'topic' | 'pattern', topic: string, on: boolean): void {
    this.#interests.set(kind, topic, on)
  }

  broadcast({ topic, message, stringKeys }: Outgoing): boolean {
    this.#publisher.publish(topic, message, stringKeys)
    return !this.#outbox.isFull
  }

  direct(node: string, { topic, message, stringKeys }: Outgoing): boolean {
    this.#publisher.publishTo(node, topic, message, stringKeys)
    return !this.#outbox.isFull
  }

  nodes(): readonly string[] {
    return this.#members.names
  }

  count(topic: string, options: WaitOptions): Promise<ReadonlyMap<string, number>> {
    return this.#members.count(topic, options)
  }

  /** Resolves when there is room again for what is broadcast, after `broadcast` has answered false. */
  async drained(options: WaitOptions): Promise<void> {
    await withLimits(this.#outbox.room(), this.#context.clock, options, 'the NATS server did not read what was sent')
    if (this.#closed !== undefined) throw new TsunagiError('ERR_CLOSED', `the pub/sub ${this.#context.name} is closed`)
  }

  withdraw(): void {
    this.#members.leave()
    this.#interests.withdraw()
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    this.#publisher.flush()
    this.#members.close()
    this.#interests.close()
    this.#outbox.end()
    this.#connection = undefined
    this.#changed()
    await this.#session.close()
  }

  #up(connection: NatsConnection): void {
    this.#connection = connection
    this.#reason = undefined
    this.#interests.open(connection)
    this.#members.open()
    this.#outbox.open(connection)
    this.#context.connected(true)
    this.#changed()
  }

  #down(error: TsunagiError): void {
    this.#connection = undefined
    this.#reason = error
    this.#outbox.close()
    this.#context.connected(false, error)
    this.#changed()
  }

  #refused(error: NatsError, operation: string | undefined): void {
    if (operation === 'publish') this.#context.dropped('refused', 1, { error })
    else
      this.#context.logger.warn({ name: this.#context.name, error }, `pub/sub ${this.#context.name}: ${error.message}`)
  }

  /** What members say of themselves is of no use later. */
  #tell(subject: string, packet: Buffer): void {
    try {
      this.#connection?.publish(subject, packet)
    } catch {
      // It was closed, and nobody has told yet.
    }
  }

  #because(): { error?: unknown } {
    return this.#reason === undefined ? {} : { error: this.#reason }
  }

  readonly #onMessage = (message: Msg): void => {
    const { subject, data } = message
    const bytes = Buffer.from(data.buffer, data.byteOffset, data.length)
    const packet = readPacket(bytes)
    if (packet === undefined) return this.#undecodable(undefined)
    if (packet.sender === this.#sender) return
    const mine = subject === this.#ofNode
    if (packet.kind !== MESSAGES) {
      if (!(mine || subject === this.#subjects.members) || !this.#takeWord(packet, bytes)) this.#undecodable(packet)
      return
    }
    const stream = this.#sequences.of(subject)
    const topic = packet.topic === undefined ? stream.topic : this.#namedTopic(packet.topic, subject, mine)
    const count = countEntries(bytes, packet.body)
    if (topic === undefined || count === undefined || count === 0) return this.#undecodable(packet)
    const lost = this.#sequences.take(stream, packet.sender, packet.sequence, count, packet.first)
    // A copy, by the subscription for a pattern.
    if (lost < 0) return
    if (lost > 0) this.#context.dropped('disconnected', lost, { topic, node: packet.node })
    if (!this.#context.hasSubscribers(topic)) return
    eachEntry(bytes, packet.body, (entry) => this.#deliver(topic, packet.node, entry))
  }

  /** A topic is named where the subject does not tell it, and must be one that goes there: the server checks subjects. */
  #namedTopic(topic: string, subject: string, mine: boolean): string | undefined {
    if (mine) return topic
    const address = this.#subjects.ofTopic(topic)
    return address.named && address.subject === subject ? topic : undefined
  }

  #deliver(topic: string, node: string, entry: Buffer): void {
    const { terms } = this.#context
    let message: Term
    try {
      message = this.#decode(entry, terms)
    } catch (error) {
      return this.#context.dropped('undecodable', 1, { topic, node, error })
    }
    const as = (other: DecodeOptions): Term => this.#decode(entry, other)
    this.#context.deliver({ topic, message, node, dispatcher: undefined, bytes: entry.length, as })
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
  #takeWord(packet: Packet, bytes: Buffer): boolean {
    const count = countEntries(bytes, packet.body)
    if (count === undefined || count > 1) return false
    let word: Buffer | undefined
    eachEntry(bytes, packet.body, (entry) => {
      word = entry
    })
    try {
      return this.#members.take(packet, () => this.#decode(word ?? none, {}))
    } catch {
      return false
    }
  }

  #undecodable(packet: Packet | undefined): void {
    this.#context.dropped('undecodable', 1, packet === undefined ? {} : { node: packet.node })
  }

  async #untilReady(nodes: number, signal: AbortSignal): Promise<void> {
    for (;;) {
      if (this.#closed !== undefined) throw new TsunagiError('ERR_CLOSED', 'the pub/sub is closed')
      if (this.#session.failure !== undefined) throw this.#session.failure
      const changed = this.#waiting
      const connection = this.#connection
      if (connection !== undefined && this.#members.names.length >= nodes) {
        // The server answers when it has read what was sent before: all subscriptions.
        const answered = await abortable(
          connection.flush().then(
            () => true,
            () => false,
          ),
          signal,
        )
        if (answered) return
      }
      await abortable(changed.promise, signal)
    }
  }

  #notReady(nodes: number, timeout: number): TsunagiError {
    const { names } = this.#members
    const why =
      this.#connection !== undefined
        ? `${names.length} of ${nodes} nodes take part`
        : (this.#reason?.message ?? `no answer from ${this.#session.servers}`)
    const text = `pub/sub ${this.#context.name} is not ready within ${timeout} ms: ${why}`
    return new TsunagiError('ERR_TIMEOUT', text, { cause: this.#reason })
  }

  #changed(): void {
    const { wake } = this.#waiting
    this.#waiting = change()
    wake()
  }
}

interface Change {
  readonly promise: Promise<void>
  readonly wake: () => void
}

function change(): Change {
  let wake = (): void => {}
  const promise = new Promise<void>((resolve) => {
    wake = resolve
  })
  return { promise, wake }
}
