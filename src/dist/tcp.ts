import { connect, createServer, isIPv6, type Server, type Socket } from 'node:net'
import { type Clock, systemClock } from '../base/clock.ts'
import { TsunagiError } from '../base/errors.ts'
import type { Carrier } from './carrier.ts'
import { ConnectError } from './connect-error.ts'
import { HIGH_WATER, plainAddress, SocketCarrier } from './socket-carrier.ts'

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
  return new SocketCarrier(await openSocket(options), 'tcp', options.clock)
}

/** The socket that {@link dialTcp} makes a carrier of; rejects as that does. */
export async function openSocket(options: DialTcpOptions): Promise<Socket> {
  const { host, port, node, signal, timeout = 7000, clock = systemClock } = options
  signal?.throwIfAborted()
  const address = isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`
  const family = options.family ?? 0
  const socketOptions = { host, port, family, autoSelectFamily: true, noDelay: true, highWaterMark: HIGH_WATER }
  const socket = connect(socketOptions)
  return await new Promise<Socket>((resolve, reject) => {
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
      resolve(socket)
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
  /** Whether a connection from this address is taken; else it is cut before anything is made of it. Default: yes. */
  readonly admits?: (address: string) => boolean
  /** What a connection is made into. Default: a carrier without TLS. */
  readonly carry?: (socket: Socket) => Carrier
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
  const carry = options.carry ?? ((socket) => new SocketCarrier(socket, 'tcp', clock))
  const socketOptions = { pauseOnConnect: true, noDelay: true, keepAlive: true, highWaterMark: HIGH_WATER }
  const server = createServer(socketOptions, (socket) => {
    // A peer that was gone before it was accepted has no address any more.
    const address = plainAddress(socket.remoteAddress)
    if (address === undefined || options.admits?.(address) === false) socket.destroy()
    else onCarrier(carry(socket))
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
