import { createServer, isIPv6, type Server, type Socket } from 'node:net'
import type { Logger } from '../base/logger.ts'

/** One port, listened on at several addresses that come and go. */
export class Listeners {
  readonly #onConnection: (socket: Socket) => void
  readonly #logger: Logger
  readonly #servers = new Map<string, Server>()
  /** Addresses that could not be had, so that each is reported once. */
  readonly #failed = new Set<string>()
  #port = 0

  constructor(onConnection: (socket: Socket) => void, logger: Logger) {
    this.#onConnection = onConnection
    this.#logger = logger
  }

  get port(): number {
    return this.#port
  }

  get addresses(): string[] {
    return [...this.#servers.keys()]
  }

  /**
   * Listens at the first address, which decides who owns the port, then at the others as far as they can be had
   * (`::1` does not exist everywhere).
   *
   * @throws the system's error for the first, such as EADDRINUSE
   */
  async open(port: number, addresses: readonly string[]): Promise<void> {
    this.#port = port
    await this.#listen(addresses[0] as string)
    await this.keep(addresses)
  }

  /** Listens at exactly these addresses from now on; true when that changed anything. Connections that exist stay. */
  async keep(addresses: readonly string[]): Promise<boolean> {
    const before = this.addresses.join()
    for (const [address, server] of this.#servers) {
      if (addresses.includes(address)) continue
      this.#servers.delete(address)
      server.close()
    }
    for (const address of addresses) {
      if (this.#servers.has(address)) continue
      try {
        await this.#listen(address)
        this.#failed.delete(address)
      } catch (error) {
        this.#report(address, error)
      }
    }
    return this.addresses.join() !== before
  }

  /** Resolves when the port is free. Connections are the owner's to end. */
  async close(): Promise<void> {
    const closed = [...this.#servers.values()].map((server) => new Promise((resolve) => server.close(resolve)))
    this.#servers.clear()
    await Promise.all(closed)
  }

  #listen(address: string): Promise<void> {
    const server = createServer({ noDelay: true }, this.#onConnection)
    return new Promise((resolve, reject) => {
      server.once('error', reject)
      // ipv6Only as in epmd.c, so that `::` and `0.0.0.0` go together; exclusive, as a `cluster` primary must not share it.
      server.listen({ host: address, port: this.#port, ipv6Only: isIPv6(address), exclusive: true }, () => {
        server.off('error', reject)
        server.on('error', (error) => this.#logger.warn({ err: error, address }, `EPMD: ${error.message}`))
        const bound = server.address()
        if (bound !== null && typeof bound === 'object') this.#port = bound.port
        this.#servers.set(address, server)
        resolve()
      })
    })
  }

  #report(address: string, error: unknown): void {
    if (this.#failed.has(address)) return
    this.#failed.add(address)
    const code = (error as NodeJS.ErrnoException).code
    const level = address === '::1' && (code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT') ? 'debug' : 'warn'
    this.#logger[level]({ err: error, address }, `EPMD cannot listen at ${address} port ${this.#port}: ${code}`)
  }
}
