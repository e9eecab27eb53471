import type { Timer } from '../../../base/clock.ts'
import { abortable } from '../../../base/deadline.ts'
import { describe, TsunagiError } from '../../../base/errors.ts'
import { splitNodeName } from '../../../base/node-name.ts'
import type { PartialAnswer, StrategyContext } from '../../strategy.ts'
import { HeardNames } from '../heard-names.ts'
import { heardChannels } from './channel.ts'
import { type Database, NotifyLine } from './notify-line.ts'

/** Where nodes meet. */
export interface PostgresPlace {
  readonly database: Database
  /** The channel, as long as PostgreSQL allows. */
  readonly channel: string
}

/** How often heartbeats are sent, and how they are counted. */
export interface PostgresPace {
  /** Milliseconds. */
  readonly heartbeatInterval: number
  /** Milliseconds after which a name that was silent is gone. */
  readonly silence: number
  readonly maxNames: number
}

/** So many own heartbeats in a row that do not come back are a failure: the connection hangs, or does not listen. */
const MAX_UNHEARD = 2

/** One node at a channel: it notifies its own name, and keeps those it hears. */
export class PostgresWatch {
  readonly #context: StrategyContext
  readonly #place: PostgresPlace
  readonly #pace: PostgresPace
  readonly #names: HeardNames
  #line: NotifyLine | undefined
  #timer: Timer | undefined
  /** Own heartbeats since one came back. */
  #unheard = 0
  #heardItself = false
  #failure: Error | undefined
  /** What was answered last. */
  #isWhole = false
  #changed = false
  #closed = false
  #wake: (() => void) | undefined
  readonly #complained = new Set<string>()

  private constructor(context: StrategyContext, place: PostgresPlace, pace: PostgresPace) {
    this.#context = context
    this.#place = place
    this.#pace = pace
    this.#names = new HeardNames(pace.silence, pace.maxNames, context.clock.now())
  }

  /** Listens, and sends the first heartbeat. @throws TsunagiError, or the signal's reason */
  static async open(context: StrategyContext, place: PostgresPlace, pace: PostgresPace): Promise<PostgresWatch> {
    const { signal, clock } = context
    const watch = new PostgresWatch(context, place, pace)
    const listener = {
      onPayload: (payload: string) => watch.#take(payload),
      onClose: () => watch.#fail(new TsunagiError('ERR_DISCOVERY', 'the database closed the connection')),
    }
    const line = await NotifyLine.open(place.database, heardChannels(place.channel), listener, signal)
    watch.#line = line
    try {
      await abortable(line.notify(place.channel, context.self.full), signal)
    } catch (error) {
      await watch.close()
      throw error
    }
    watch.#unheard++
    watch.#await()
    watch.#names.missed(clock.now())
    signal.addEventListener('abort', watch.#abort, { once: true })
    return watch
  }

  answer(): PartialAnswer {
    this.#changed = false
    this.#isWhole = this.#names.isWhole(this.#context.clock.now())
    return { nodes: this.#names.names(), errors: [], whole: this.#isWhole }
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

  async close(): Promise<void> {
    this.#closed = true
    this.#timer?.cancel()
    this.#context.signal.removeEventListener('abort', this.#abort)
    await this.#line?.close()
  }

  readonly #abort = (): void => {
    void this.close()
    this.#wake?.()
  }

  #await(): void {
    if (!this.#closed) this.#timer = this.#context.clock.after(this.#pace.heartbeatInterval, () => this.#beat())
  }

  #beat(): void {
    const { self, clock } = this.#context
    if (this.#unheard >= MAX_UNHEARD) return this.#fail(new TsunagiError('ERR_DISCOVERY', this.#whyDeaf()))
    this.#unheard++
    this.#line?.notify(this.#place.channel, self.full).catch((error: Error) => this.#fail(error))
    if (this.#names.forget(clock.now()) || this.#names.isWhole(clock.now()) !== this.#isWhole) this.#tell()
    this.#await()
  }

  #whyDeaf(): string {
    return this.#heardItself
      ? 'the database does not answer any more'
      : 'the database does not bring back what is notified: LISTEN needs a connection of its own, not a pooler such as PgBouncer'
  }

  /** Whatever anybody with access to the database notifies. */
  #take(payload: string): void {
    const { self, clock } = this.#context
    if (payload === self.full) {
      this.#unheard = 0
      this.#heardItself = true
      return
    }
    // Those of nodes without a name are sent by libcluster_postgres too.
    if (splitNodeName(payload) === undefined || payload === 'nonode@nohost') {
      return this.#complain('bad', `a payload that is no node name is left out: ${describe(payload)}`)
    }
    const outcome = this.#names.hear(payload, clock.now())
    if (outcome === 'new') this.#tell()
    else if (outcome === 'full') this.#complain('full', `too many names (maxNames): ${describe(payload)} is left out`)
  }

  /** Once for each kind. */
  #complain(kind: string, what: string): void {
    const { logger, topology } = this.#context
    const level = this.#complained.has(kind) ? 'debug' : 'warn'
    this.#complained.add(kind)
    logger[level]({ topology }, `topology ${topology}: postgres: ${what}`)
  }

  #fail(error: Error): void {
    this.#failure ??= error
    this.#wake?.()
  }

  #tell(): void {
    this.#changed = true
    this.#wake?.()
  }
}
