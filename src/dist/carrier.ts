import type { ConnectError } from './connect-error.ts'
import type { Certificate } from './tls-certificate.ts'

/** What TLS says of one connection. */
export interface LinkTls {
  /** `TLSv1.2` or `TLSv1.3`. */
  readonly protocol: string
  /** The cipher suite by its standard name, such as `TLS_AES_256_GCM_SHA384`. */
  readonly cipher: string
  /** Whether the peer's certificate was verified: it is of an authority this node knows. */
  readonly verified: boolean
  /** The peer's certificate; undefined when it dialled without one. */
  readonly peer: Certificate | undefined
}

/**
 * What carries the bytes of one link: a TCP socket, a TLS one, or two ends in the same process. Handshake and link know
 * only this interface.
 */
export interface Carrier {
  readonly kind: 'tcp' | 'memory' | 'tls'
  /** Bytes of the length prefix during the handshake: 2 on TCP, 4 on TLS. An established link always has 4. */
  readonly prefixBytes: 2 | 4
  /** The peer's address, without a zone; undefined when the carrier has none. */
  readonly remoteAddress: string | undefined
  readonly remotePort: number | undefined
  /** Our own address on this connection. */
  readonly localAddress: string | undefined
  /** Known from the first byte of data on. Undefined without TLS. */
  readonly tls?: LinkTls | undefined
  /** Why the peer may not have this name, as the connection shows; undefined: nothing speaks against it. */
  refuses?(peerName: string): ConnectError | undefined
  /**
   * Starts delivery to `handler`, or hands it over from an earlier one, and undoes `pause`. Nothing is delivered before
   * this call returns: a handler may first feed itself what its forerunner left over. A carrier that closed in the
   * meantime says so to the new handler.
   */
  open(handler: CarrierHandler): void
  /**
   * Queues bytes. The chunk is not copied: it must not be changed until `written` is called, which happens once, when the
   * bytes are no longer needed or will never be sent. False means that the carrier holds more than its own high-water
   * mark; `drain` follows. After `close` or `destroy` bytes are dropped.
   */
  write(chunk: Uint8Array, written?: () => void): boolean
  /** Bytes taken by `write` that have not left yet. */
  readonly queuedBytes: number
  /** Stops delivery of data until `resume` or `open`. That the carrier closed may be noticed only afterwards. */
  pause(): void
  resume(): void
  /** Sends what is queued, then ends the connection; nothing is delivered any more but `closed`. Idempotent. */
  close(): void
  /** Ends the connection at once; queued bytes are lost. `closed` follows. Idempotent. */
  destroy(): void
}

/** Who listens to a {@link Carrier}. */
export interface CarrierHandler {
  /** `data` is done with a chunk when it returns: the carrier may use its memory again. */
  readonly consumes?: boolean
  /** Bytes as they came. The chunk stays valid after the call and is never reused, unless the handler `consumes`. */
  data(chunk: Uint8Array): void
  /** The carrier is below its high-water mark again, after a `write` that answered false. */
  drain(): void
  /** Called exactly once, last: the peer or we ended the connection (no error), or it failed. */
  closed(error: Error | undefined): void
}
