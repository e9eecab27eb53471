import { isDeepStrictEqual } from 'node:util'
import type { NatsConnection, NodeConnectionOptions, Status } from '@nats-io/transport-node'
import { Backoff } from '../base/backoff.ts'
import type { Clock } from '../base/clock.ts'
import { pause } from '../base/deadline.ts'
import type { TsunagiError } from '../base/errors.ts'
import { loadOptional } from '../base/optional-package.ts'
import { NatsError, natsError } from './nats-error.ts'

/** How a {@link Session} gets its connection: makes it, or was given one. */
export type Source = { readonly connection: NatsConnection } | { readonly options: NodeConnectionOptions }

/** Whether two lead to the same connection. */
export function sameSource(a: Source, b: Source): boolean {
  if ('connection' in a) return 'connection' in b && a.connection === b.connection
  return 'options' in b && isDeepStrictEqual(a.options, b.options)
}

/** What a {@link Session} tells. None of it throws. */
export interface SessionListener {
  /** Connected. After a reconnect it is the same connection, and the server knows its subscriptions. */
  up(connection: NatsConnection): void
  /** Not connected, and why; told again when the reason of a further attempt is another. */
  down(error: TsunagiError): void
  /** The server refuses something, and the connection stays. */
  refused(error: NatsError, operation: string | undefined): void
}

const PACKAGE = '@nats-io/transport-node'
/** Milliseconds for what is to leave before `close`. */
const LAST_WORDS = 2000
/** Milliseconds until an attempt to connect is given up. */
const TIMEOUT = 5000
/** A server that is silent for so long twice over is taken for gone: within the time in which a link would be. */
const PING_INTERVAL = 20_000

/** What `status()` answers, and its type does not say. */
interface Stoppable {
  stop(): void
}

/**
 * A connection with NATS that is made anew for ever. nats.js by itself gives up when the first attempt fails, after ten
 * attempts, or when it was refused twice; and while it tries it does not say why it fails.
 *
 * A connection that was given is left to its owner: it is used while it is there, and not closed.
 */
export class Session {
  readonly #source: Source
  readonly #clock: Clock
  readonly #listener: SessionListener
  readonly #abort = new AbortController()
  readonly #backoff = new Backoff()
  #connection: NatsConnection | undefined
  #statuses: Stoppable | undefined
  #up = false
  /** Why there will never be a connection again: the package is missing, or one that was given is closed. */
  failure: TsunagiError | undefined

  constructor(source: Source, clock: Clock, listener: SessionListener) {
    this.#source = source
    this.#clock = clock
    this.#listener = listener
    void this.#run()
  }

  /** The connection while it is up. */
  get connection(): NatsConnection | undefined {
    return this.#up ? this.#connection : undefined
  }

  /** The servers, for people: neither names nor passwords are in it. */
  get servers(): string {
    const { connection } = this
    if (connection !== undefined) return connection.getServer()
    if ('connection' in this.#source) return 'a connection that was given'
    const { servers = [], port } = this.#source.options
    const all = [servers].flat().map((server) => server.replace(/^.*@|^[a-z]+:\/\//i, ''))
    return all.length > 0 ? all.join(', ') : `127.0.0.1:${port ?? 4222}`
  }

  /** Ends a connection that it has made itself, once what was published has left. */
  async close(): Promise<void> {
    if (this.#abort.signal.aborted) return
    const connection = this.#connection
    const answers = this.#up
    this.#up = false
    this.#abort.abort()
    this.#statuses?.stop()
    if (connection === undefined || 'connection' in this.#source) return
    // A server that is gone, or silent, is not waited for.
    if (answers) {
      const patience = new AbortController()
      const drained = connection.drain().catch(() => {})
      await Promise.race([drained, pause(LAST_WORDS, this.#clock, patience.signal, { keepAlive: true })]).finally(() =>
        patience.abort(),
      )
    }
    await connection.close()
  }

  async #run(): Promise<void> {
    const { signal } = this.#abort
    while (!signal.aborted) {
      try {
        await this.#follow(await this.#connect())
      } catch (error) {
        if (signal.aborted) return
        this.#down(error as TsunagiError)
        if (this.failure !== undefined) return
      }
      await pause(this.#backoff.next(), this.#clock, signal).catch(() => {})
    }
  }

  /** @throws TsunagiError */
  async #connect(): Promise<NatsConnection> {
    if ('connection' in this.#source) return this.#source.connection
    try {
      const { connect } = await loadOptional(PACKAGE, 'the engine nats', () => import('@nats-io/transport-node'))
      const connection = await connect({
        timeout: TIMEOUT,
        pingInterval: PING_INTERVAL,
        ...this.#source.options,
        noEcho: true,
        maxReconnectAttempts: -1,
        ignoreAuthErrorAbort: true,
        reconnectDelayHandler: () => this.#backoff.next(),
      })
      if (this.#abort.signal.aborted) await connection.close()
      return connection
    } catch (error) {
      if ((error as TsunagiError).code !== 'ERR_PACKAGE_MISSING') throw natsError(this.servers, error)
      this.failure = error as TsunagiError
      throw error
    }
  }

  /** Until the connection is closed for good. @throws NatsError */
  async #follow(connection: NatsConnection): Promise<never> {
    this.#connection = connection
    if (connection.isClosed()) throw await this.#ended(connection)
    const statuses = connection.status() as AsyncIterable<Status> & Stoppable
    this.#statuses = statuses
    if ('connection' in this.#source) {
      // Whether it is connected just now, only the server's answer tells.
      connection.flush().then(
        () => this.#rise(connection),
        () => {},
      )
    } else {
      this.#rise(connection)
    }
    // The last thing the server said before it closed the connection.
    let said: NatsError | undefined
    for await (const status of statuses) {
      if (this.#abort.signal.aborted) break
      if (status.type === 'reconnect') {
        said = undefined
        this.#rise(connection)
      } else if (status.type === 'disconnect') {
        const lost = `the connection with the NATS server at ${status.server} is lost`
        this.#down(said ?? new NatsError('lost', status.server, lost))
      } else if (status.type === 'staleConnection') {
        const silent = `the NATS server at ${this.servers} has fallen silent`
        said = new NatsError('timeout', this.servers, silent)
      } else if (status.type === 'error') {
        const error = natsError(this.servers, status.error)
        const { name, operation } = status.error as Error & { operation?: string }
        if (name === 'PermissionViolationError') this.#listener.refused(error, operation)
        else if (this.#up) said = error
        else this.#down(error)
      }
    }
    throw await this.#ended(connection)
  }

  /** Why there is nothing more to follow. */
  async #ended(connection: NatsConnection): Promise<NatsError> {
    const cause = this.#abort.signal.aborted ? undefined : await connection.closed()
    const closed = 'the connection with NATS was closed'
    const error =
      cause instanceof Error ? natsError(this.servers, cause) : new NatsError('closed', this.servers, closed)
    if ('connection' in this.#source) this.failure = error
    return error
  }

  #rise(connection: NatsConnection): void {
    if (this.#up || this.#abort.signal.aborted || connection.isClosed()) return
    this.#backoff.reset()
    this.#up = true
    this.#listener.up(connection)
  }

  #down(error: TsunagiError): void {
    this.#up = false
    if (!this.#abort.signal.aborted) this.#listener.down(error)
  }
}
