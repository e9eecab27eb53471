import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { TsunagiError } from '../../base/errors.ts'

/** Milliseconds and bytes that a client can make us spend. */
export interface ServerLimits {
  /** Until the head of a request is there, counted from the connection on. */
  readonly headersTimeout: number
  /** Until all of it is there. */
  readonly requestTimeout: number
  /** For the next request on a connection. */
  readonly keepAliveTimeout: number
  /** On a connection over which nothing passes, neither way: longer than a stream is silent. */
  readonly idleTimeout: number
  /** How often the above are looked at. */
  readonly checkInterval: number
  /** Connections there can be besides those of viewers. */
  readonly visitors: number
}

const LIMITS: ServerLimits = {
  headersTimeout: 10_000,
  requestTimeout: 20_000,
  keepAliveTimeout: 10_000,
  idleTimeout: 60_000,
  checkInterval: 5_000,
  visitors: 128,
}

/** A server of one's own, for a dashboard. */
export class DashboardServer {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  private constructor(server: Server) {
    this.#server = server
    server.on('connection', (socket) => {
      this.#sockets.add(socket)
      socket.on('close', () => this.#sockets.delete(socket))
    })
  }

  /** @throws TsunagiError `ERR_LISTEN` */
  static async listen(
    { host, port, viewers }: { readonly host: string; readonly port: number; readonly viewers: number },
    listener: RequestListener,
    limits: Partial<ServerLimits> = {},
  ): Promise<DashboardServer> {
    const { checkInterval, headersTimeout, idleTimeout, keepAliveTimeout, requestTimeout, visitors } = {
      ...LIMITS,
      ...limits,
    }
    const server = createServer(
      {
        connectionsCheckingInterval: checkInterval,
        headersTimeout,
        keepAliveTimeout,
        maxHeaderSize: 16 * 1024,
        requestTimeout,
        requireHostHeader: true,
      },
      listener,
    )
    server.timeout = idleTimeout
    server.maxConnections = viewers + visitors
    server.maxHeadersCount = 100
    const dashboard = new DashboardServer(server)
    try {
      server.listen({ host, port, exclusive: true })
      await once(server, 'listening')
    } catch (cause) {
      const { code, message } = cause as NodeJS.ErrnoException
      const why = code === 'EADDRINUSE' ? 'another program has the port (0 takes a free one)' : message
      throw new TsunagiError('ERR_LISTEN', `the dashboard cannot listen at ${host} port ${port}: ${why}`, { cause })
    }
    return dashboard
  }

  get address(): { readonly host: string; readonly port: number } {
    const { address, port } = this.#server.address() as AddressInfo
    return { host: address, port }
  }

  /** Where a browser on this machine finds it. */
  get url(): string {
    const { host, port } = this.address
    const name = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host
    return `http://${name.includes(':') ? `[${name}]` : name}:${port}/`
  }

  /** Ends all connections. */
  async close(): Promise<void> {
    if (!this.#server.listening) return
    const closed = once(this.#server, 'close')
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
    await closed
  }
}
