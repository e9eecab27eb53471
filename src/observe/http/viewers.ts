import type { Clock, Timer } from '../../base/clock.ts'
import type { Logger } from '../../base/logger.ts'
import { HEARTBEAT } from './event-stream.ts'
import { ViewerStream } from './viewer-stream.ts'

/** Milliseconds from one sign of life to the next. Who reads nothing from one to the next is ended. */
const HEARTBEAT_INTERVAL = 15_000
/** Milliseconds between two lines in the log about viewers that were refused. */
const LOG_INTERVAL = 60_000

/** What is known of a viewer's connection. */
export interface Connection {
  /** Where it comes from, for the log. */
  readonly address: string
  /** Cuts it; undefined where somebody else's server has it. */
  readonly cut: (() => void) | undefined
}

/** All streams that are open, of pages and of tails: how many, and whether they are read. */
export class Viewers {
  readonly #most: number
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #open = new Map<ViewerStream, Connection>()
  #heartbeat: Timer | undefined
  #closed = false
  #loggedAt = Number.NEGATIVE_INFINITY
  /** How often somebody was refused because there are enough. */
  refused = 0
  /** How many were ended because they did not read. */
  stalled = 0

  constructor(most: number, clock: Clock, logger: Logger) {
    this.#most = most
    this.#clock = clock
    this.#logger = logger
  }

  get size(): number {
    return this.#open.size
  }

  /** A stream for one more viewer; undefined when there are enough. */
  open(connection: Connection, onRoom: () => void, onEnd: () => void): ViewerStream | undefined {
    if (this.#closed || this.#open.size >= this.#most) {
      this.#refuse(connection)
      return undefined
    }
    const stream: ViewerStream = new ViewerStream({
      cut: connection.cut,
      onRoom,
      onEnd: () => {
        this.#open.delete(stream)
        onEnd()
      },
    })
    this.#open.set(stream, connection)
    this.#heartbeat ??= this.#clock.after(HEARTBEAT_INTERVAL, () => this.#beat())
    return stream
  }

  /** Ends all of them, and takes no more. */
  close(): void {
    this.#closed = true
    this.#heartbeat?.cancel()
    this.#heartbeat = undefined
    for (const stream of [...this.#open.keys()]) stream.close()
  }

  #beat(): void {
    this.#heartbeat = undefined
    for (const [stream, { address }] of [...this.#open]) {
      if (stream.stalled()) {
        this.stalled++
        this.#logger.info({ address }, `dashboard: a viewer at ${address} reads nothing, and was ended`)
        stream.cut()
      } else if (stream.room) {
        stream.write(HEARTBEAT)
      }
    }
    if (this.#open.size > 0) this.#heartbeat = this.#clock.after(HEARTBEAT_INTERVAL, () => this.#beat())
  }

  #refuse({ address }: Connection): void {
    this.refused++
    const now = this.#clock.now()
    if (this.#closed || now < this.#loggedAt + LOG_INTERVAL) return
    this.#loggedAt = now
    const text = `dashboard: there are ${this.#most} viewers, no more are let in (the option viewers)`
    this.#logger.warn({ address, viewers: this.#most, refused: this.refused }, text)
  }
}
