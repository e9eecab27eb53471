import { randomInt } from 'node:crypto'
import type { NatsConnection } from '@nats-io/transport-node'
import { abortable, withDeadline } from '../../../base/deadline.ts'
import { OptionError, TsunagiError } from '../../../base/errors.ts'
import type { NatsError } from '../../../nats/nats-error.ts'
import { Session, type Source } from '../../../nats/session.ts'
import { type WaitOptions, withLimits } from '../../../node/waiting.ts'
import type { Engine, EngineContext, Outgoing, ReadyOptions } from '../../engine.ts'
import { Interests } from './interests.ts'
import { Members } from './members.ts'
import { Outbox } from './outbox.ts'
import { SENDERS } from './packet.ts'
import { Publisher } from './publisher.ts'
import { Receiver } from './receiver.ts'
import { Sequences } from './sequences.ts'
import { Subjects } from './subjects.ts'

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
  readonly #outbox: Outbox
  readonly #publisher: Publisher
  readonly #interests: Interests
  readonly #members: Members
  readonly #session: Session
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
    const sequences = new Sequences((subject) => subjects.topicOf(subject))
    const receiver = new Receiver({ context, sender: this.#sender, subjects, sequences, members: this.#members })
    this.#interests = new Interests(subjects, sequences, receiver.take)
    this.#interests.keep(subjects.ofNode(node))
    this.#interests.keep(subjects.members)
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
