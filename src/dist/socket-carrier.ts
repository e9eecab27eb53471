import type { Socket } from 'node:net'
import { type Clock, systemClock, type Timer } from '../base/clock.ts'
import type { Carrier, CarrierHandler, LinkTls } from './carrier.ts'
import type { ConnectError } from './connect-error.ts'
import { readDirectly } from './direct-reads.ts'

/** Milliseconds a closing connection may stand still before it is cut. */
const LINGER = 5000
/** Queued bytes above which `write` answers false; the default of Node.js differs between its releases. */
export const HIGH_WATER = 256 * 1024

/** A socket as a {@link Carrier}. */
export class SocketCarrier implements Carrier {
  readonly kind: 'tcp' | 'tls'
  readonly prefixBytes: 2 | 4
  readonly remoteAddress: string | undefined
  readonly remotePort: number | undefined
  readonly localAddress: string | undefined
  readonly #socket: Socket
  readonly #clock: Clock
  #handler: CarrierHandler | undefined
  /** The peer has sent data. */
  protected heard = false
  #isDirect = false
  #isPaused = true
  #isCorked = false
  #isClosing = false
  #error: Error | undefined
  #told: { readonly reason: Error | undefined } | undefined
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
    socket.on('data', (chunk: Buffer) => this.#deliver(chunk))
    socket.on('drain', () => this.#handler?.drain())
    // Node.js ends our half by itself; `close` sees to it that a peer that reads no more cannot hold the rest for ever.
    socket.on('end', () => this.close())
    socket.on('error', (error) => {
      this.#error = error
    })
    socket.on('close', () => {
      this.#isClosing = true
      this.#linger?.cancel()
      this.#handler?.closed(this.#reason)
    })
  }

  /** What TLS says of the connection; see {@link Carrier.tls}. */
  get tls(): LinkTls | undefined {
    return undefined
  }

  /** See {@link Carrier.refuses}. */
  refuses(_peerName: string): ConnectError | undefined {
    return undefined
  }

  /** What the handler is told when the connection has ended, with an error or without. */
  protected reasonOf(error: Error | undefined): Error | undefined {
    return error
  }

  get #reason(): Error | undefined {
    this.#told ??= { reason: this.reasonOf(this.#error) }
    return this.#told.reason
  }

  get queuedBytes(): number {
    return this.#socket.writableLength
  }

  open(handler: CarrierHandler): void {
    this.#handler = handler
    if (this.#socket.closed) return queueMicrotask(() => handler.closed(this.#reason))
    if (handler.consumes === true && !this.#isDirect) this.#isDirect = readDirectly(this.#socket, this.#take)
    this.resume()
  }

  #deliver(chunk: Buffer): void {
    this.heard = true
    if (!this.#isClosing) this.#handler?.data(chunk)
  }

  /** In its turn behind what the stream still holds: TLS goes on with what it has decrypted when reading stops. */
  readonly #take = (bytes: Buffer): void => {
    if (this.#isPaused || this.#socket.readableLength > 0) this.#socket.push(Buffer.from(bytes))
    else this.#deliver(this.#handler?.consumes === true ? bytes : Buffer.from(bytes))
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
    this.#isPaused = true
    this.#socket.pause()
  }

  resume(): void {
    this.#isPaused = false
    this.#socket.resume()
  }

  close(): void {
    if (this.#isClosing) return
    this.#isClosing = true
    this.#socket.end()
    // Whatever still comes is read and dropped: unread bytes would turn our end into a reset, which makes the peer lose
    // what we sent last.
    this.resume()
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

/** IPv4 addresses seen through an IPv6 socket in their own form, and no zone. */
export function plainAddress(address: string | undefined): string | undefined {
  return address?.replace(/^::ffff:(?=\d+\.)/, '').replace(/%.*$/, '')
}
