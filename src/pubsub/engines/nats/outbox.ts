import type { NatsConnection } from '@nats-io/transport-node'
import type { Limits } from '../../../base/limits.ts'
import type { DropCause } from '../../engine.ts'

/** Bytes that may be on their way before the server is asked whether it has them, where the high-water mark is above. */
const UNASKED = 64 * 1024
/** What a server allows unless it says otherwise. */
const MAX_PAYLOAD = 1024 * 1024

/** What an {@link Outbox} needs. */
export interface OutboxOptions {
  readonly limits: Limits
  /** Bytes of packets that wait for a connection. */
  readonly buffer: number
  dropped(cause: DropCause, messages: number): void
}

interface Packet {
  readonly subject: string
  readonly bytes: Buffer
  readonly messages: number
}

/**
 * What leaves for the server. nats.js takes everything that it is given, without a bound, and forgets it when a connection
 * ends. Here the server's answers tell how much has not arrived yet; and while there is no connection, packets wait up to a
 * number of bytes, and are then lost and counted.
 */
export class Outbox {
  readonly #options: OutboxOptions
  #connection: NatsConnection | undefined
  #waiting: Packet[] = []
  #waitingBytes = 0
  /** Bytes that the server has not confirmed. */
  #unconfirmed = 0
  #asking = false
  readonly #unasked: number
  /** Those who wait until it is no longer full. */
  #waiters: (() => void)[] = []
  #maxBytes = MAX_PAYLOAD

  constructor(options: OutboxOptions) {
    this.#options = options
    this.#unasked = Math.min(UNASKED, options.limits.linkHighWater)
  }

  /** Longest packet the server takes, or took last. */
  get maxBytes(): number {
    return this.#connection?.info?.max_payload ?? this.#maxBytes
  }

  /** Whether more is waiting, here or on its way, than there should be. */
  get isFull(): boolean {
    return this.#waitingBytes + this.#unconfirmed > this.#options.limits.linkHighWater
  }

  /** Sends what has waited, and all else, over `connection`. */
  open(connection: NatsConnection): void {
    this.#connection = connection
    this.#unconfirmed = 0
    const waiting = this.#waiting
    this.#waiting = []
    this.#waitingBytes = 0
    for (const packet of waiting) {
      if (packet.bytes.length > this.maxBytes) this.#options.dropped('too-large', packet.messages)
      else this.#write(connection, packet)
    }
    this.#wake()
  }

  /** Resolves when it is not full. */
  room(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiters.push(resolve)
      this.#wake()
    })
  }

  /** There is no connection for now. */
  close(): void {
    this.#maxBytes = this.maxBytes
    this.#connection = undefined
    this.#unconfirmed = 0
    this.#wake()
  }

  /** There will be none any more: what waits is lost. */
  end(): void {
    for (const { messages } of this.#waiting.splice(0)) this.#options.dropped('disconnected', messages)
    this.#waitingBytes = 0
    this.close()
  }

  send(subject: string, bytes: Buffer, messages: number): void {
    const packet = { subject, bytes, messages }
    if (this.#connection === undefined) this.#wait(packet)
    else if (this.#unconfirmed + bytes.length > this.#options.limits.linkMax)
      this.#options.dropped('link-full', messages)
    else this.#write(this.#connection, packet)
  }

  #wait(packet: Packet): void {
    if (this.#waitingBytes + packet.bytes.length > this.#options.buffer) {
      this.#options.dropped('disconnected', packet.messages)
    } else {
      this.#waitingBytes += packet.bytes.length
      this.#waiting.push(packet)
    }
  }

  #write(connection: NatsConnection, packet: Packet): void {
    try {
      connection.publish(packet.subject, packet.bytes)
    } catch {
      // It was closed, and nobody has told yet.
      return this.#wait(packet)
    }
    this.#unconfirmed += packet.bytes.length
    if (this.#unconfirmed > this.#unasked && !this.#asking) this.#ask(connection)
  }

  /** One question at a time: the answer to it stands for all that was sent before. */
  #ask(connection: NatsConnection): void {
    const asked = this.#unconfirmed
    this.#asking = true
    const answered = (): void => {
      this.#asking = false
      if (connection !== this.#connection) return
      this.#unconfirmed = Math.max(0, this.#unconfirmed - asked)
      if (this.#unconfirmed > this.#unasked) this.#ask(connection)
      this.#wake()
    }
    connection.flush().then(answered, () => {
      this.#asking = false
    })
  }

  #wake(): void {
    if (this.isFull) return
    for (const resolve of this.#waiters.splice(0)) resolve()
  }
}
