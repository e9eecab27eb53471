import type { Timer } from '../../../base/clock.ts'
import { abortable } from '../../../base/deadline.ts'
import type { PartialAnswer, StrategyContext } from '../../strategy.ts'
import { HeardNames } from '../heard-names.ts'
import { type GossipPlace, GossipSocket } from './gossip-socket.ts'
import type { HeartbeatFormat } from './heartbeat.ts'

/** How often heartbeats are sent, and how they are counted. */
export interface GossipPace {
  /** Milliseconds between heartbeats, at most. */
  readonly interval: number
  /** Milliseconds after which a name that was silent is gone. */
  readonly silence: number
  readonly maxNames: number
}

/** One node that gossips: it sends its own name, and keeps those it heard. */
export class GossipWatch {
  readonly #context: StrategyContext
  readonly #format: HeartbeatFormat
  readonly #pace: GossipPace
  readonly #names: HeardNames
  readonly #began: number
  #socket: GossipSocket | undefined
  #timer: Timer | undefined
  /** Also its own heartbeats come back to it, where anything comes. */
  #isDeaf = true
  #isFull = false
  /** Why it cannot hear, or be heard, at present. */
  #joinError: Error | undefined
  #sendError: Error | undefined
  #failure: Error | undefined
  /** What was answered last. */
  #isWhole = false
  #changed = false
  #closed = false
  #wake: (() => void) | undefined

  private constructor(context: StrategyContext, format: HeartbeatFormat, pace: GossipPace) {
    this.#context = context
    this.#format = format
    this.#pace = pace
    this.#began = context.clock.now()
    this.#names = new HeardNames(pace.silence, pace.maxNames, this.#began)
  }

  /**
   * Listens, and sends the first heartbeat.
   *
   * @throws TsunagiError `ERR_LISTEN`, or the signal's reason
   */
  static async open(
    context: StrategyContext,
    place: GossipPlace,
    format: HeartbeatFormat,
    pace: GossipPace,
  ): Promise<GossipWatch> {
    const { signal } = context
    const watch = new GossipWatch(context, format, pace)
    const listener = {
      onPacket: (packet: Buffer) => watch.#take(packet),
      onError: (error: Error) => watch.#fail(error),
    }
    watch.#socket = await GossipSocket.open(place, listener, signal)
    signal.addEventListener('abort', watch.close, { once: true })
    try {
      // Whether that went well belongs into the first answer.
      await abortable(watch.#beat(), signal)
    } catch (error) {
      watch.close()
      throw error
    }
    return watch
  }

  /** While it cannot hear or be heard, and for a while after that, who is silent may well be there. */
  answer(): PartialAnswer {
    this.#changed = false
    this.#isWhole = this.#names.isWhole(this.#context.clock.now())
    const errors = [this.#joinError, this.#sendError].filter((error) => error !== undefined)
    return { nodes: this.#names.names(), errors, whole: this.#isWhole && errors.length === 0 }
  }

  /** Resolves when there is another answer; rejects when there will be none. */
  async changed(): Promise<void> {
    while (!this.#changed) {
      if (this.#failure !== undefined) throw this.#failure
      this.#context.signal.throwIfAborted()
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  readonly close = (): void => {
    if (this.#closed) return
    this.#closed = true
    this.#context.signal.removeEventListener('abort', this.close)
    this.#timer?.cancel()
    this.#socket?.close()
    this.#wake?.()
  }

  /** Never rejects. */
  async #beat(): Promise<void> {
    const { clock, self } = this.#context
    const socket = this.#socket as GossipSocket
    if (this.#joinError !== undefined || this.#sendError !== undefined) this.#names.missed(clock.now())
    if (this.#names.forget(clock.now()) || this.#names.isWhole(clock.now()) !== this.#isWhole) this.#tell()
    this.#complain()
    this.#timer = clock.after(Math.ceil(Math.random() * this.#pace.interval), () => void this.#beat())
    const joinError = socket.join()
    const sendError = await socket.send(this.#format.write(self.full))
    if (this.#closed) return
    const changed = joinError?.message !== this.#joinError?.message || sendError?.message !== this.#sendError?.message
    this.#joinError = joinError
    this.#sendError = sendError
    if (changed) this.#tell()
  }

  #take(packet: Buffer): void {
    const name = this.#format.read(packet)
    if (name === undefined || this.#closed) return
    this.#isDeaf = false
    if (name === this.#context.self.full) return
    const outcome = this.#names.hear(name, this.#context.clock.now())
    if (outcome === 'new') this.#tell()
    else if (outcome === 'full') this.#refuse(name)
  }

  #refuse(name: string): void {
    if (this.#isFull) return
    this.#isFull = true
    const { logger, topology } = this.#context
    const text = `gossip has more than ${this.#pace.maxNames} names (maxNames): ${name} and others are left out`
    logger.warn({ topology, node: name }, `topology ${topology}: ${text}`)
  }

  /** Once, when it ought to have heard something by now. */
  #complain(): void {
    const { clock, logger, topology } = this.#context
    if (!this.#isDeaf || clock.now() - this.#began < this.#pace.silence) return
    this.#isDeaf = false
    const text =
      'gossip hears nothing, not even itself: the interface, the bound address or a firewall keeps its packets away'
    logger.warn({ topology }, `topology ${topology}: ${text}`)
  }

  #fail(error: Error): void {
    this.#failure = error
    this.#wake?.()
  }

  #tell(): void {
    this.#changed = true
    this.#wake?.()
  }
}
