import type { X509Certificate } from 'node:crypto'
import { isIP, type Socket } from 'node:net'
import { type ConnectionOptions, checkServerIdentity, connect, TLSSocket } from 'node:tls'
import { type Clock, systemClock } from '../base/clock.ts'
import type { Carrier, LinkTls } from './carrier.ts'
import { ConnectError } from './connect-error.ts'
import { HIGH_WATER, SocketCarrier } from './socket-carrier.ts'
import { type DialTcpOptions, openSocket } from './tcp.ts'
import { describeCertificate } from './tls-certificate.ts'
import type { TlsSettings } from './tls-credentials.ts'
import { closedAfterTls, closedInTls, explainTls, tlsError, untrusted } from './tls-error.ts'
import { coversHost, isAmong, ownsName, withoutZone } from './tls-names.ts'

/**
 * Bytes that who dialled has to have sent before it may negotiate anew, as nodes of OTP do after many messages. Who does
 * nothing else has this node reckon for nothing, and is cut off: Node.js counts that for servers of its own only.
 */
const BETWEEN_NEGOTIATIONS = 4096

/** A TLS connection as a {@link Carrier}. */
class TlsCarrier extends SocketCarrier {
  readonly #socket: TLSSocket
  readonly #settings: TlsSettings
  readonly #peerName: string | undefined
  #verified: boolean
  #certificate: X509Certificate | undefined
  #tls: LinkTls | undefined
  /** Bytes that had come when the keys were negotiated last. */
  #negotiatedAt: number | undefined

  constructor(socket: TLSSocket, settings: TlsSettings, clock: Clock, peerName?: string) {
    super(socket, 'tls', clock)
    this.#socket = socket
    this.#settings = settings
    this.#peerName = peerName
    this.#verified = peerName !== undefined && settings.client.verify === 'peer'
    if (peerName === undefined) socket.on('secure', () => this.#negotiated())
    else this.#describe()
  }

  override get tls(): LinkTls | undefined {
    return this.#tls
  }

  /** What its certificate says against a peer's having this name. */
  override refuses(peerName: string): ConnectError | undefined {
    const { allowedNames, requireName } = this.#settings
    if (allowedNames === undefined && requireName === false) return undefined
    const [x509, certificate] = [this.#certificate, this.#tls?.peer]
    if (!this.#verified || x509 === undefined || certificate === undefined) {
      return tlsError(
        ['ERR_CONNECT_TLS_NO_CERTIFICATE', 'has brought no certificate, and this node wants one'],
        peerName,
      )
    }
    const has = certificate.names.join(', ') || certificate.subject
    if (allowedNames !== undefined && !isAmong(certificate, allowedNames)) {
      const what = `has a certificate whose names are not among those this node allows (tls.allowedNames); it has ${has}`
      return tlsError(['ERR_CONNECT_TLS_NAME', what], peerName)
    }
    if (isNamed(requireName, peerName, x509, certificate)) return undefined
    const wanted = wants(requireName, peerName)
    return tlsError(['ERR_CONNECT_TLS_NAME', `${wanted}; it has ${has}`], peerName)
  }

  protected override reasonOf(error: Error | undefined): Error | undefined {
    const explained = error && explainTls(error, this.#peerName, this.#peerName !== undefined && isBare(this.#settings))
    if (explained instanceof ConnectError || this.heard) return explained
    // A node of this package that was dialled looks at the certificate when the handshake is over.
    if (this.#peerName !== undefined) return closedAfterTls(this.#peerName, error)
    // Who only looks whether the port is open says nothing at all.
    return this.#tls === undefined && this.#socket.bytesRead > 0 ? closedInTls(undefined, error) : error
  }

  #negotiated(): void {
    const { bytesRead } = this.#socket
    const since = this.#negotiatedAt === undefined ? undefined : bytesRead - this.#negotiatedAt
    this.#negotiatedAt = bytesRead
    if (since === undefined) return this.#accepted()
    if (since >= BETWEEN_NEGOTIATIONS) return
    this.#socket.destroy(tlsError(['ERR_CONNECT_TLS', 'negotiates TLS anew again and again'], undefined))
  }

  /** The peer that dialled has shown its certificate, or that it has none. */
  #accepted(): void {
    const { server, requireCertificate } = this.#settings
    if (server?.verify === 'peer' && (requireCertificate || this.#socket.getPeerX509Certificate() !== undefined)) {
      const error = verifyError(this.#socket)
      if (error !== undefined) return void this.#socket.destroy(untrusted(error, undefined))
      this.#verified = true
    }
    this.#describe()
  }

  #describe(): void {
    const socket = this.#socket
    this.#certificate = socket.getPeerX509Certificate()
    this.#tls = {
      protocol: socket.getProtocol() ?? 'unknown',
      cipher: socket.getCipher()?.standardName ?? 'unknown',
      verified: this.#verified,
      peer: this.#certificate && describeCertificate(this.#certificate),
    }
  }
}

function isNamed(
  required: TlsSettings['requireName'],
  name: string,
  x509: X509Certificate,
  certificate: NonNullable<LinkTls['peer']>,
): boolean {
  if (required === false) return true
  if (required === true) return ownsName(certificate, name)
  if (required === 'host') return coversHost(x509, hostOf(name))
  try {
    return required(certificate, name) === true
  } catch {
    return false
  }
}

function wants(required: TlsSettings['requireName'], name: string): string {
  if (required === 'host') return `has no certificate of its host ${hostOf(name)} (tls.requireName)`
  if (typeof required === 'function')
    return 'has a certificate that the function tls.requireName does not take for that name'
  return `has a certificate that does not give it that name: it would be URI:erlang://${uriOf(name)} (tls.requireName)`
}

function hostOf(name: string): string {
  return name.slice(name.indexOf('@') + 1)
}

function uriOf(name: string): string {
  const host = hostOf(name)
  return host.includes(':') ? name.replace(host, `[${host}]`) : name
}

/**
 * What OpenSSL found wrong with the certificate of a peer that dialled. Node.js keeps it where only its own server looks; a
 * server of our own is what lets a handshake be counted and bounded from its first byte. A release that keeps it elsewhere
 * would let nobody in.
 */
function verifyError(socket: TLSSocket): Error | undefined {
  const { _handle: handle } = socket as unknown as { _handle?: { verifyError?: () => Error | null | undefined } }
  if (typeof handle?.verifyError !== 'function') return new Error('this Node.js does not tell whether it holds')
  return handle.verifyError() ?? undefined
}

/**
 * Makes a carrier of a connection that was accepted; its handshake has only begun. What it fails for, `closed` of its handler
 * is told as a {@link ConnectError}.
 */
export function acceptTls(raw: Socket, settings: TlsSettings, clock: Clock = systemClock): Carrier {
  const { serverContext, server, requireCertificate } = settings
  if (serverContext === undefined) throw new TypeError('a node that is dialled has a certificate')
  const tlsOptions: ConstructorParameters<typeof TLSSocket>[1] & { readonly highWaterMark: number } = {
    isServer: true,
    secureContext: serverContext,
    requestCert: server?.verify === 'peer',
    rejectUnauthorized: requireCertificate,
    highWaterMark: HIGH_WATER,
  }
  const socket = new TLSSocket(raw, tlsOptions)
  return new TlsCarrier(socket, settings, clock)
}

/** Options of {@link dialTls}. */
export interface DialTlsOptions extends DialTcpOptions {
  readonly settings: TlsSettings
  /** Whose certificate it has to be: its name, and the host in it. */
  readonly node: string
}

/**
 * Opens a TLS connection. Rejects as `dialTcp` does, and with `ERR_CONNECT_TLS` and its like.
 *
 * @param options `timeout` is for the TCP connection and for the TLS handshake, each
 */
export async function dialTls(options: DialTlsOptions): Promise<Carrier> {
  const { host, node, settings, signal, timeout = 7000, clock = systemClock } = options
  const { clientContext, client, checkHost } = settings
  const raw = await openSocket(options)
  const tlsOptions: ConnectionOptions & { readonly highWaterMark: number } = {
    socket: raw,
    // An address is no server name; OTP's dialler leaves it out as well.
    ...(isIP(withoutZone(host)) === 0 ? { servername: host } : {}),
    secureContext: clientContext,
    rejectUnauthorized: client.verify === 'peer',
    checkServerIdentity: (_, certificate) =>
      checkHost ? checkServerIdentity(withoutZone(host), certificate) : undefined,
    highWaterMark: HIGH_WATER,
  }
  const socket = connect(tlsOptions)
  return await new Promise<Carrier>((resolve, reject) => {
    const settle = (): void => {
      timer.cancel()
      signal?.removeEventListener('abort', onAbort)
      socket.off('secureConnect', onSecure).off('error', onError)
    }
    const give = (reason: unknown): void => {
      settle()
      socket.on('error', () => {})
      socket.destroy()
      reject(reason)
    }
    const onSecure = (): void => {
      settle()
      resolve(new TlsCarrier(socket, settings, clock, node))
    }
    const onError = (error: Error): void => give(dialError(error, node, settings))
    const onAbort = (): void => give(signal?.reason)
    const timer = clock.after(timeout, () => give(timedOut(node, timeout)), { keepAlive: true })
    signal?.addEventListener('abort', onAbort, { once: true })
    socket.once('secureConnect', onSecure).once('error', onError)
  })
}

function dialError(error: Error, node: string, settings: TlsSettings): Error {
  const explained = explainTls(error, node, isBare(settings))
  if (explained instanceof ConnectError) return explained
  const { code } = error as NodeJS.ErrnoException
  if (code === 'ECONNRESET' || code === 'EPIPE') return closedInTls(node, error)
  // Codes of OpenSSL's verification have no prefix; those of the system are lost connections.
  return (error as NodeJS.ErrnoException).syscall === undefined ? untrusted(error, node) : closedInTls(node, error)
}

function isBare({ client }: TlsSettings): boolean {
  return client.cert === undefined && client.certFile === undefined
}

function timedOut(node: string, ms: number): ConnectError {
  const reason = `${node} did not complete the TLS handshake within ${ms} ms: it hangs, is overloaded, or speaks no TLS`
  return new ConnectError('ERR_CONNECT_TIMEOUT', node, reason)
}
