import { connect, type Socket } from 'node:net'
import type { Sql } from 'postgres'
import { abortable } from '../../../base/deadline.ts'
import { TsunagiError } from '../../../base/errors.ts'
import { loadOptional } from '../../../base/optional-package.ts'

/** How to reach the database: a URL, or options of the package `postgres`. */
export type Database = string | { readonly [option: string]: unknown } | undefined

/** Who hears of what comes. */
export interface LineListener {
  onPayload(payload: string): void
  /** The connection that notifies is gone. */
  onClose(): void
}

/** What `postgres` tells of where a connection goes. */
interface Target {
  readonly host: readonly string[]
  readonly port: readonly number[]
  readonly path: string | false
}

/**
 * Two connections to a database, as libcluster_postgres has them: one listens, and is opened again by the package when it
 * is lost; one notifies.
 */
export class NotifyLine {
  readonly #sockets = new Set<Socket>()
  #sql: Sql | undefined
  #attempts = 0
  #closed = false

  private constructor() {}

  /** Resolves when all `channels` are listened to. @throws TsunagiError, or the signal's reason */
  static async open(
    database: Database,
    channels: readonly string[],
    listener: LineListener,
    signal: AbortSignal,
  ): Promise<NotifyLine> {
    const { default: postgres } = await loadOptional('postgres', 'the strategy postgres', () => import('postgres'))
    signal.throwIfAborted()
    const line = new NotifyLine()
    try {
      const options = line.#options(database, listener) as object
      const sql = typeof database === 'string' ? postgres(database, options) : postgres(options)
      line.#sql = sql
      const listening = channels.map((channel) => sql.listen(channel, (payload) => listener.onPayload(payload)))
      await abortable(Promise.all(listening), signal)
      return line
    } catch (error) {
      await line.close()
      throw signal.aborted ? error : failureOf(error)
    }
  }

  /** @throws TsunagiError */
  async notify(channel: string, payload: string): Promise<void> {
    try {
      await (this.#sql as Sql).notify(channel, payload)
    } catch (error) {
      throw failureOf(error)
    }
  }

  /** Ends both connections, also those that hang, and with them whatever waits for an answer. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await this.#sql?.end({ timeout: 0 }).catch(() => {
      // Nothing is left that could fail.
    })
    // Of a server that is silent or not there the package would wait for the answer.
    for (const socket of this.#sockets) socket.destroy()
  }

  #options(database: Database, listener: LineListener): object {
    const given = typeof database === 'object' ? database : {}
    const connection = typeof given.connection === 'object' ? given.connection : {}
    return {
      connect_timeout: 10,
      ...given,
      connection: { application_name: 'tsunagi', ...connection },
      max: 1,
      // Both are to last.
      idle_timeout: null,
      max_lifetime: null,
      // Neither is needed, and a pooler may not have the second.
      fetch_types: false,
      prepare: false,
      // It would print them.
      onnotice: () => {},
      onclose: () => {
        if (!this.#closed) listener.onClose()
      },
      socket: (target: Target) => this.#connect(target, given.socket),
    }
  }

  /** As the package would, but kept to be destroyed. It does not wait for the connection either. */
  async #connect(target: Target, own: unknown): Promise<Socket> {
    for (const socket of this.#sockets) if (socket.destroyed) this.#sockets.delete(socket)
    const socket = typeof own === 'function' ? ((await own(target)) as Socket) : this.#dial(target)
    this.#sockets.add(socket)
    if (!this.#closed) return socket
    socket.destroy()
    throw new TsunagiError('ERR_CLOSED', 'the strategy has been closed')
  }

  #dial({ host, port, path }: Target): Socket {
    const i = this.#attempts++ % host.length
    const to = path ? { path } : { host: host[i] as string, port: port[i] as number }
    // By its host the package checks the certificate.
    return Object.assign(
      connect(to).on('error', () => {}),
      { host: host[i] },
    )
  }
}

/**
 * An error that says something, and nothing of the password, which is in what a bad URL is reported with, or of the channel, which
 * may be the cookie: the package hangs the query on its errors. So the cause is a copy of what was said.
 */
function failureOf(error: unknown): Error {
  if (error instanceof TsunagiError) return error
  const { code, message, errors } = error as { code?: string; message?: string; errors?: readonly Error[] }
  if (code === 'ERR_INVALID_URL') return new TsunagiError('ERR_DISCOVERY', 'the URL of the database is none')
  // A name with several addresses fails with several errors, and no message.
  const text = message || errors?.map((one) => one.message).join('; ') || code || String(error)
  const cause = Object.assign(new Error(text), code === undefined ? {} : { code })
  return new TsunagiError('ERR_DISCOVERY', text, { cause })
}
