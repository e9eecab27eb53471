import { connect, createServer, isIPv6, type Server, type Socket } from 'node:net'
import { type Clock, systemClock, type Timer } from '../base/clock.ts'
import { TsunagiError } from '../base/errors.ts'
import type { Carrier, CarrierHandler } from './carrier.ts'
import { ConnectError } from './connect-error.ts'

/** Milliseconds a closing connection may stand still before it is cut. */
const LINGER = 5000
/** Queued bytes above which `write` answers false; the default of Node.js differs between its releases. */
const HIGH_WATER = 256 * 1024

/** A socket as a {@link Carrier}. Works for TLS sockets too, which are sockets to their users. */
export class SocketCarrier implements Carrier {
  readonly kind: 'tcp' | 'tls'
  readonly prefixBytes: 2 | 4
  readonly remoteAddress: string | undefined
  readonly remotePort: number | undefined
  readonly localAddress: string | undefined
  readonly #socket: Socket
  readonly #clock: Clock
  #handler: CarrierHandler | undefined
  #isCorked = false
  #isClosing = false
  #error: Error | undefined
  #linger: Timer | undefined

  constructor(socket: Socket, kind: 'tcp' | 'tls', clock: Clock = systemClock) {
    this.kind = kind
    this.prefixBytes = kind === 'tcp' ? 2 : 4
    this.#clock = clock
    this.#socket = socket
    this.remoteAddress = plainAddress(socket.remoteAddress)
    this.remotePort = socket.remotePort
    this.localAddress = plainAddress(socket.localAddress)
    socket.setNoDelay(true)
    socket.setKeepAlive(true)
    socket.pause()
    socket.on('data', (chunk: Buffer) => {
      if (!this.#isClosing) this.#handler?.data(chunk)
    })
    socket.on('drain', () => this.#handler?.drain())
    // Node.js ends our half by itself; `close` sees to it that a peer that reads no more cannot hold the rest for ever.
    socket.on('end', () => this.close())
    socket.on('error', (error) => {
      this.#error = error
    })
    socket.on('close', () => {
      this.#isClosing = true
      this.#linger?.cancel()
      this.#handler?.closed(this.#error)
    })
  }

  get queuedBytes(): number {
    return this.#socket.writableLength
  }

  open(handler: CarrierHandler): void {
    this.#handler = handler
    if (this.#socket.closed) queueMicrotask(() => handler.closed(this.#error))
    else this.#socket.resume()
  }

  write(chunk: Uint8Array, written?: () => void): boolean {
    if (this.#isClosing || this.#socket.destroyed) {
      if (written !== undefined) queueMicrotask(written)
      return true
    }
    // All writes of a turn leave in one system call (writev); a header and its binary need not be joined.
    if (!this.#isCorked) {
      this.#isCorked = true
      this.#socket.cork()
      process.nextTick(this.#uncork)
    }
    return this.#socket.write(chunk, written)
  }

  readonly #uncork = (): void => {
    this.#isCorked = false
    this.#socket.uncork()
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  close(): void {
    if (this.#isClosing) return
    this.#isClosing = true
    this.#socket.end()
    // Whatever still comes is read and dropped: unread bytes would turn our end into a reset, which makes the peer lose
    // what we sent last.
    this.#socket.resume()
    this.#watchLinger()
  }

  /** Cuts the connection when none of our bytes left for a while, or the peer does not end its half either. */
  #watchLinger(): void {
    const queued = this.#socket.writableLength
    this.#linger = this.#clock.after(LINGER, () => {
      if (this.#socket.writableLength < queued) this.#watchLinger()
      else this.#socket.destroy()
    })
  }

  destroy(): void {
    this.#isClosing = true
    this.#socket.destroy()
  }
}

/** Options of {@link dialTcp}. */
export interface DialTcpOptions {
  /** A name or an address. All addresses of a name are tried, IPv6 and IPv4 in turn. */
  readonly host: string
  readonly port: number
  /** Whose address it is, for the errors. */
  readonly node?: string
  /** Only addresses of this family. Default: both. */
  readonly family?: 4 | 6
  /** Milliseconds. Default 7000. */
  readonly timeout?: number
  readonly signal?: AbortSignal | undefined
  readonly clock?: Clock
}

/**
 * Opens a TCP connection. Rejects with a {@link ConnectError} (`ERR_CONNECT_REFUSED`, `ERR_CONNECT_HOST`,
 * `ERR_CONNECT_TIMEOUT`, `ERR_CONNECT_CLOSED`), or with the reason of an aborted signal.
 */
export async function dialTcp(options: DialTcpOptions): Promise<Carrier> {
  const { host, port, node, signal, timeout = 7000, clock = systemClock } = options
  signal?.throwIfAborted()
  const address = isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`
  const family = options.family ?? 0
  const socketOptions = { host, port, family, autoSelectFamily: true, noDelay: true, highWaterMark: HIGH_WATER }
  const socket = connect(socketOptions)
  return await new Promise<Carrier>((resolve, reject) => {
    const settle = (): void => {
      timer.cancel()
      signal?.removeEventListener('abort', onAbort)
      socket.off('connect', onConnect).off('error', onError)
    }
    const give = (reason: unknown): void => {
      settle()
      // A socket that is still looking its host up may fail after it was destroyed; nobody is to hear of that.
      socket.on('error', () => {})
      socket.destroy()
      reject(reason)
    }
    const onConnect = (): void => {
      settle()
      resolve(new SocketCarrier(socket, 'tcp', clock))
    }
    const onError = (error: NodeJS.ErrnoException): void => give(dialError(error, address, node))
    const onAbort = (): void => give(signal?.reason)
    const timer = clock.after(timeout, () => give(timedOut(address, node, timeout)), { keepAlive: true })
    signal?.addEventListener('abort', onAbort, { once: true })
    socket.once('connect', onConnect).once('error', onError)
  })
}

function timedOut(address: string, node: string | undefined, ms: number): ConnectError {
  const reason = `${address}${ofNode(node)} did not accept a connection within ${ms} ms: a firewall may drop it`
  return new ConnectError('ERR_CONNECT_TIMEOUT', node, reason)
}

function dialError(cause: NodeJS.ErrnoException, address: string, node: string | undefined): ConnectError {
  const what = `${address}${ofNode(node)}`
  switch (cause.code) {
    case 'ECONNREFUSED':
      return new ConnectError('ERR_CONNECT_REFUSED', node, `nothing listens on ${what}`, { cause })
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new ConnectError('ERR_CONNECT_HOST', node, `the host of ${what} is not known (${cause.code})`, { cause })
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'EADDRNOTAVAIL':
    case 'EINVAL':
      return new ConnectError('ERR_CONNECT_HOST', node, `there is no way to ${what} (${cause.code})`, { cause })
    case 'ETIMEDOUT':
      return new ConnectError('ERR_CONNECT_TIMEOUT', node, `${what} does not answer`, { cause })
    default:
      return new ConnectError('ERR_CONNECT_CLOSED', node, `connecting to ${what} failed: ${cause.message}`, { cause })
  }
}

function ofNode(node: string | undefined): string {
  return node === undefined ? '' : ` (${node})`
}

/** Options of {@link listenTcp}. */
export interface ListenTcpOptions {
  /** The address to bind. `::` takes IPv4 too. */
  readonly host: string
  /** Default 0: any that is free. */
  readonly port?: number
  /** Called with each connection, not yet opened. */
  readonly onCarrier: (carrier: Carrier) => void
  /** Connections could not be accepted for now (`EMFILE`, …); listening goes on. */
  readonly onError?: (error: Error) => void
  readonly clock?: Clock
}

/** A listening TCP port. */
export interface TcpListener extends AsyncDisposable {
  readonly host: string
  readonly port: number
  /** Frees the port. Connections that were accepted live on. Idempotent. */
  close(): Promise<void>
}

/** Listens. Rejects with `ERR_LISTEN` when the address cannot be bound. */
export async function listenTcp(options: ListenTcpOptions): Promise<TcpListener> {
  const { host, port = 0, onCarrier, onError, clock } = options
  const socketOptions = { pauseOnConnect: true, noDelay: true, keepAlive: true, highWaterMark: HIGH_WATER }
  const server = createServer(socketOptions, (socket) => {
    // A peer that was gone before it was accepted has no address any more.
    if (socket.remoteAddress === undefined) socket.destroy()
    else onCarrier(new SocketCarrier(socket, 'tcp', clock))
  })
  await listening(server, host, port)
  server.on('error', (error) => onError?.(error))
  const bound = server.address()
  if (bound === null || typeof bound === 'string') throw new TypeError('a TCP server has an address')
  let closed: Promise<void> | undefined
  const close = (): Promise<void> => {
    closed ??= new Promise((resolve) => {
      // Its callback waits for all connections; the port is free at once.
      server.close()
      setImmediate(resolve)
    })
    return closed
  }
  return { host: bound.address, port: bound.port, close, [Symbol.asyncDispose]: close }
}

const whyNot: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program listens there',
  EADDRNOTAVAIL: 'that is no address of this machine',
  EACCES: 'that needs more rights',
}

async function listening(server: Server, host: string, port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const why = whyNot[cause.code ?? ''] ?? cause.message
      reject(new TsunagiError('ERR_LISTEN', `cannot listen on ${host}, port ${port}: ${why}`, { cause }))
    })
    server.listen({ host, port }, () => {
      server.removeAllListeners('error')
      resolve()
    })
  })
}

/** IPv4 addresses seen through an IPv6 socket in their own form, and no zone. */
function plainAddress(address: string | undefined): string | undefined {
  return address?.replace(/^::ffff:(?=\d+\.)/, '').replace(/%.*$/, '')
}
