import { Worker } from 'node:worker_threads'
import { TsunagiError } from '../base/errors.ts'
import type { Limits } from '../base/limits.ts'
import type { Logger } from '../base/logger.ts'

/** What the thread's server is started with: `EpmdServerOptions` as far as they can cross threads. */
export interface ServeOptions {
  readonly port: number
  readonly address?: readonly string[] | undefined
  readonly relaxed?: boolean
  readonly limits?: Pick<Limits, 'epmdConnections'>
}

/** What the thread says. */
export type FromWorker =
  | { readonly type: 'listening'; readonly port: number; readonly addresses: string[] }
  | { readonly type: 'failed'; readonly code: string | undefined; readonly text: string }
  | { readonly type: 'addresses'; readonly addresses: string[] }
  | { readonly type: 'log'; readonly level: keyof Logger; readonly data: object; readonly text: string }

/** A node's share in its process's EPMD server. The server ends when the last share is released. */
export interface ServerShare {
  readonly port: number
  /** The addresses the server listens at now. */
  readonly addresses: readonly string[]
  /** False once the thread has ended, released or not. */
  readonly alive: boolean
  /** Idempotent. Resolves at once when others hold shares, else when the port is free. */
  release(): Promise<void>
}

/** The servers of this process, by port. */
const threads = new Map<number, ServerThread>()

/** A share in the server this process has on `port`, if it has one. */
export function shareServer(port: number): ServerShare | undefined {
  return threads.get(port)?.share()
}

/**
 * Serves an EPMD from a thread of this process, so that a busy event loop stops nobody's lookups, or shares the one
 * that is there. Undefined when somebody else has the port: then that is the EPMD to use.
 *
 * @throws {TsunagiError} ERR_LISTEN when the port cannot be had for another reason
 */
export async function serveEpmd(options: ServeOptions, logger: Logger): Promise<ServerShare | undefined> {
  for (;;) {
    const thread = threads.get(options.port) ?? new ServerThread(options, logger)
    const share = thread.share()
    if (share === undefined) {
      // It is going down, or never came up.
      await thread.exited
      continue
    }
    const failure = await thread.started
    if (failure === undefined) return share
    if (failure.code === 'EADDRINUSE') return undefined
    const message = `cannot serve an EPMD on port ${options.port} (${failure.code ?? failure.message})`
    throw new TsunagiError('ERR_LISTEN', message, { cause: failure })
  }
}

class ServerThread {
  /** Resolves to undefined when the server listens, or to why it does not. */
  readonly started: Promise<NodeJS.ErrnoException | undefined>
  readonly exited: Promise<void>
  readonly #port: number
  readonly #worker: Worker
  #addresses: readonly string[] = []
  #shares = 0
  #ending = false

  constructor(options: ServeOptions, logger: Logger) {
    this.#port = options.port
    // The parent's flags (loaders, inspectors, coverage) are of no use to the thread and slow its start.
    this.#worker = new Worker(workerUrl(), { workerData: options, name: 'tsunagi-epmd', execArgv: [] })
    threads.set(this.#port, this)
    this.started = new Promise((resolve) => {
      this.#worker.on('message', (message: FromWorker) => {
        if (message.type === 'log') logger[message.level](message.data, message.text)
        else if (message.type === 'failed') {
          this.#ending = true
          resolve(Object.assign(new Error(message.text), { code: message.code }))
        } else {
          this.#addresses = message.addresses
          if (message.type === 'listening') resolve(undefined)
        }
      })
      this.#worker.once('error', (error) => {
        logger.warn({ err: error }, `the EPMD thread failed: ${error.message}`)
        resolve(error)
      })
      this.#worker.once('exit', () => resolve(new Error('the EPMD thread ended')))
    })
    this.exited = new Promise((resolve) => {
      this.#worker.once('exit', () => {
        this.#ending = true
        if (threads.get(this.#port) === this) threads.delete(this.#port)
        resolve()
      })
    })
    // While a node starts, its wait keeps the process alive; afterwards the node decides, not its EPMD.
    void this.started.then(() => this.#worker.unref())
  }

  /** One more share, unless the thread is ending. */
  share(): ServerShare | undefined {
    if (this.#ending) return undefined
    this.#shares++
    const thread = this
    let released: Promise<void> | undefined
    return {
      port: this.#port,
      get addresses() {
        return thread.#addresses
      },
      get alive() {
        return !thread.#ending
      },
      release: () => {
        released ??= thread.#release()
        return released
      },
    }
  }

  async #release(): Promise<void> {
    if (--this.#shares > 0 || this.#ending) return
    this.#ending = true
    this.#worker.ref()
    this.#worker.postMessage('close')
    await this.exited
  }
}

/**
 * Where the thread's code is. Run from source, as by this project's tests, this file is TypeScript, which a worker of
 * Node 20 cannot load; the built file next to it in `dist` is the same code.
 */
function workerUrl(): URL {
  const path = import.meta.url.endsWith('.ts') ? '../../dist/epmd/worker.js' : './worker.js'
  return new URL(path, import.meta.url)
}
