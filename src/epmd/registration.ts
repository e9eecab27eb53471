import { EventEmitter } from 'node:events'
import { Backoff } from '../base/backoff.ts'
import { type Clock, systemClock } from '../base/clock.ts'
import { pause } from '../base/deadline.ts'
import { TsunagiError } from '../base/errors.ts'
import { defaultLimits, type Limits } from '../base/limits.ts'
import { type Logger, stderrLogger } from '../base/logger.ts'
import { type AliveConnection, registerAlive } from './alive-connection.ts'
import { type EpmdOptions, type ResolvedEpmdOptions, resolveEpmdOptions } from './epmd-options.ts'
import { EpmdError } from './errors.ts'
import { encodeMark } from './mark.ts'
import { type ServerShare, serveEpmd, shareServer } from './server-thread.ts'
import type { NodeEntry } from './wire.ts'

export interface RegistrationOptions {
  /** The part of the node's name before the `@`. */
  readonly alive: string
  /** The part after it. */
  readonly host: string
  /** Port of the node's distribution listener. */
  readonly port: number
  readonly hidden: boolean
  /** Free bytes for whoever looks the name up: `decodeMark(found.extra).data`. Default none. */
  readonly extra?: Uint8Array
  readonly epmd?: EpmdOptions
  readonly clock?: Clock
  readonly logger?: Logger
  readonly limits?: Pick<Limits, 'epmdConnections'>
  /** A source of numbers in [0, 1). Default `Math.random`. */
  readonly random?: () => number
}

/** Events of a {@link Registration} with their arguments. */
export interface RegistrationEvents {
  /** The name is registered, at first or again. `ours`: with an EPMD of this package. */
  registered: [{ readonly ours: boolean }]
  /** The EPMD went away, and the name with it. */
  lost: [{ readonly ours: boolean }]
  /** This process serves the EPMD from now on. */
  serving: [{ readonly port: number }]
}

/** Milliseconds to leave to whoever looks after a foreign EPMD before an embedded one takes its place. */
const foreignPatience = 3000
/** Milliseconds over which nodes spread their first step after an EPMD went, so that they do not run into each other. */
const jitter = { ours: 250, foreign: 500 } as const
/** Milliseconds, plus up to as much again, between looks for a foreign EPMD that comes back. */
const lookDelay = 250
/** Milliseconds between tries after the first that failed in full; erl_epmd.erl tries every 2 s. */
const retryDelay = { min: 500, max: 4000 } as const
/** How often an EPMD may be just coming or just going before a try counts as failed. */
const maxRaces = 20

/**
 * A node's registration with the EPMD of its host. Uses the EPMD that is there; where none is, serves one from a
 * thread of this process. When the EPMD goes away, whoever ran it, the node registers again with the next one, or
 * serves it: at once after one of ours, after 3 s after Erlang's, in case that comes back. It never gives up.
 *
 * A node keeps its first creation for life, as Erlang's do: later ones are ignored.
 */
export class Registration extends EventEmitter<RegistrationEvents> implements AsyncDisposable {
  readonly #entry: NodeEntry
  readonly #epmd: ResolvedEpmdOptions
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #limits: Pick<Limits, 'epmdConnections'>
  readonly #random: () => number
  readonly #closing = new AbortController()
  #connection: AliveConnection | undefined
  #share: ServerShare | undefined
  #work: Promise<unknown> | undefined
  #closed: Promise<void> | undefined

  /** @throws {OptionError} for bad `epmd` options or environment variables */
  constructor(options: RegistrationOptions) {
    super()
    this.#entry = {
      name: options.alive,
      port: options.port,
      nodeType: options.hidden ? 72 : 77,
      protocol: 0,
      highVersion: 6,
      lowVersion: 5,
      extra: encodeMark({ host: options.host, data: options.extra ?? new Uint8Array() }),
    }
    this.#epmd = resolveEpmdOptions(options.epmd)
    this.#clock = options.clock ?? systemClock
    this.#logger = options.logger ?? stderrLogger
    this.#limits = options.limits ?? defaultLimits
    this.#random = options.random ?? Math.random
  }

  /** Port of the EPMD. */
  get epmdPort(): number {
    return this.#epmd.port
  }

  /** Whether the name is registered now. */
  get registered(): boolean {
    return this.#connection !== undefined
  }

  /** The addresses at which this process serves the EPMD; undefined when it does not. */
  get serving(): readonly string[] | undefined {
    return this.#share?.alive === true ? this.#share.addresses : undefined
  }

  /**
   * Registers the name, and keeps it registered until `close()`. Call it once.
   *
   * @throws {EpmdError} ERR_NAME_TAKEN, ERR_EPMD_UNREACHABLE (with `serve: false`), ERR_EPMD_TIMEOUT, ERR_EPMD_PROTOCOL,
   *   ERR_EPMD_REFUSED
   * @throws {TsunagiError} ERR_LISTEN when an EPMD cannot be served, ERR_CLOSED when `close()` comes first; or the
   *   signal's reason
   */
  async start(options: { signal?: AbortSignal | undefined } = {}): Promise<{ creation: number }> {
    const { signal } = options
    const either = signal === undefined ? this.#closing.signal : AbortSignal.any([signal, this.#closing.signal])
    const first = this.#register(this.#epmd.serve, either)
    this.#work = first.catch(() => {})
    try {
      const connection = await first
      either.throwIfAborted()
      this.#work = this.#keep(connection)
      this.emit('registered', { ours: connection.ours })
      return { creation: connection.creation }
    } catch (error) {
      await this.close()
      throw error
    }
  }

  /**
   * Gives the name up and this node's share in the server of its process. Idempotent. Afterwards the name is free, and
   * so is the port if no other node here needs the server: one on another process takes it over.
   */
  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    this.#closing.abort(new TsunagiError('ERR_CLOSED', 'the node was closed'))
    const connection = this.#connection
    this.#connection = undefined
    await connection?.close()
    await this.#work
    await this.#share?.release()
  }

  /** One registration, with the EPMD that answers, or with our own if `mayServe` and none does. */
  async #register(mayServe: boolean, signal: AbortSignal): Promise<AliveConnection> {
    const { host, port } = this.#epmd
    for (let races = 0; ; races++) {
      try {
        const connection = await registerAlive({ entry: this.#entry, host, port, clock: this.#clock, signal })
        return await this.#accept(connection, signal)
      } catch (error) {
        const code = error instanceof EpmdError && !signal.aborted && races < maxRaces ? error.code : undefined
        if (code === 'ERR_EPMD_UNREACHABLE' && mayServe) {
          if (await this.#serve(signal)) continue
        } else if (code !== 'ERR_EPMD_REFUSED') throw error
      }
      // One that closes connections may be on its way out, one that has the port but does not answer on its way in.
      await pause(10 + this.#random() * 40, this.#clock, signal, { keepAlive: true })
    }
  }

  async #accept(connection: AliveConnection, signal: AbortSignal): Promise<AliveConnection> {
    if (signal.aborted) {
      await connection.close()
      throw signal.reason
    }
    // Whichever node of this process started it, the server stays as long as one of them uses it.
    if (this.#epmd.serve && this.#share?.alive !== true) this.#share = shareServer(this.#epmd.port)
    this.#connection = connection
    return connection
  }

  /** Serves the EPMD; false when another process has the port. */
  async #serve(signal: AbortSignal): Promise<boolean> {
    const { port, address, relaxed } = this.#epmd
    const share = await serveEpmd({ port, address, relaxed, limits: this.#limits }, this.#logger)
    if (share === undefined) return false
    await this.#share?.release()
    this.#share = share
    signal.throwIfAborted()
    this.emit('serving', { port })
    return true
  }

  async #keep(first: AliveConnection): Promise<void> {
    let connection: AliveConnection | undefined = first
    while (connection !== undefined) {
      await connection.closed
      if (this.#closing.signal.aborted) return
      const { ours } = connection
      this.#connection = undefined
      this.#logger.info({ ours, port: this.#epmd.port }, `the EPMD on port ${this.#epmd.port} went away`)
      this.emit('lost', { ours })
      connection = await this.#regain(ours)
      if (connection !== undefined) this.emit('registered', { ours: connection.ours })
    }
  }

  /** Registers again, for as long as it takes; undefined when closed meanwhile. */
  async #regain(ours: boolean): Promise<AliveConnection | undefined> {
    const { signal } = this.#closing
    const until =
      this.#clock.now() + (ours ? 0 : foreignPatience) + this.#random() * (ours ? jitter.ours : jitter.foreign)
    const backoff = new Backoff({ ...retryDelay, random: this.#random })
    let patient = true
    let lastFailure: unknown
    for (;;) {
      let delay = lookDelay * (1 + this.#random())
      if (!patient) delay = backoff.next()
      else if (this.#clock.now() + delay >= until) {
        delay = Math.max(0, until - this.#clock.now())
        patient = false
      }
      try {
        await pause(delay, this.#clock, signal)
        const connection = await this.#register(this.#epmd.serve && !patient, signal)
        this.#logger.info({ port: this.#epmd.port }, `registered ${this.#entry.name} with the EPMD again`)
        return connection
      } catch (error) {
        if (signal.aborted) return undefined
        const expected = patient && error instanceof EpmdError && error.code === 'ERR_EPMD_UNREACHABLE'
        const code = error instanceof TsunagiError ? error.code : error
        if (expected || code === lastFailure) continue
        lastFailure = code
        this.#logger.warn({ err: error }, `cannot register ${this.#entry.name} again: ${(error as Error).message}`)
      }
    }
  }
}
