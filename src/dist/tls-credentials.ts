import { constants, createHash, createPrivateKey, randomBytes, type X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createSecureContext, type SecureContext } from 'node:tls'
import type { Clock, Timer } from '../base/clock.ts'
import { TsunagiError } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import { type Certificate, certificatesOf, describeCertificate } from './tls-certificate.ts'
import { ExpiryWatch } from './tls-expiry.ts'
import { type ResolvedTls, type ResolvedTlsRole, resolveTls, type TlsSource } from './tls-options.ts'

/** A certificate of a node's own, and when it shows it; or that of an authority it comes from. */
export interface OwnCertificate extends Certificate {
  readonly use: 'server' | 'client' | 'both' | 'authority'
}

const HOUR = 3_600_000

/** What new links are made with. */
export interface TlsSettings extends ResolvedTls {
  /** Undefined for a node that is not dialled. */
  readonly serverContext: SecureContext | undefined
  readonly clientContext: SecureContext
  readonly certificates: readonly OwnCertificate[]
}

/** What {@link TlsCredentials} needs. */
export interface CredentialsOptions {
  readonly source: TlsSource
  /** Whether the node is dialled. */
  readonly listens: boolean
  readonly clock: Clock
  readonly logger: Logger
  /** Milliseconds since 1970. Default `Date.now`. */
  readonly wallClock?: () => number
}

/** PEM of a role, read. */
interface Material {
  readonly cert: string | undefined
  readonly key: string | undefined
  readonly ca: string | undefined
}

/**
 * The certificates of a node, kept up to date. Files are read again, and a function is called again, every
 * `reloadInterval`: by their contents, as neither events nor times of files can be relied upon where a directory is swapped
 * under a symbolic link (Kubernetes). What cannot be used is warned of once, and the last that could stays.
 */
export class TlsCredentials implements Disposable {
  readonly #options: CredentialsOptions
  readonly #expiry: ExpiryWatch
  #settings!: TlsSettings
  /** Of the contents that were tried last. */
  #digest = ''
  #failure: string | undefined
  #timer: Timer | undefined
  #reloading: Promise<boolean> | undefined
  #closed = false

  /** @throws OptionError; TsunagiError `ERR_TLS_CREDENTIALS` when a file cannot be read, or what it holds not be used */
  static async open(options: CredentialsOptions): Promise<TlsCredentials> {
    const credentials = new TlsCredentials(options)
    await credentials.#load()
    return credentials
  }

  private constructor(options: CredentialsOptions) {
    this.#options = options
    this.#expiry = new ExpiryWatch(options.logger, options.wallClock ?? Date.now)
  }

  /** For the next link. */
  get settings(): TlsSettings {
    return this.#settings
  }

  /** Why what is there now cannot be used, and what was there before still is; undefined: all is well. */
  get failure(): string | undefined {
    return this.#failure
  }

  /** Looks after dates and files from the next turn on. `onExpiring` is told as the log is. */
  watch(onExpiring: (certificate: OwnCertificate, daysLeft: number) => void): void {
    const look = (): void => {
      if (this.#closed) return
      this.#expiry.check(this.#settings.certificates, onExpiring)
      const { reloadInterval } = this.#settings
      // Dates come even where files do not change.
      this.#timer = this.#options.clock.after(Math.min(reloadInterval, HOUR), () => {
        if (Number.isFinite(reloadInterval)) void this.reload().then(look)
        else look()
      })
    }
    this.#timer = this.#options.clock.after(0, look)
  }

  /** Looks now. Whether new links have others than before; what is wrong is logged. */
  reload(): Promise<boolean> {
    this.#reloading ??= this.#reload().finally(() => {
      this.#reloading = undefined
    })
    return this.#reloading
  }

  [Symbol.dispose](): void {
    this.#closed = true
    this.#timer?.cancel()
  }

  async #reload(): Promise<boolean> {
    const { logger } = this.#options
    try {
      const changed = await this.#load()
      if (changed) logger.info({ certificates: this.#settings.certificates }, 'new certificates: new links have them')
      return changed
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      if (this.#failure !== reason)
        logger.warn({ err: error }, `new certificates cannot be used, the old ones stay: ${reason}`)
      this.#failure = reason
      return false
    }
  }

  async #load(): Promise<boolean> {
    const { source, listens } = this.#options
    const resolved = resolveTls(typeof source === 'function' ? await source() : source, listens)
    const client = await read(resolved.client)
    const server = resolved.server === undefined ? undefined : await read(resolved.server)
    const digest = digestOf(resolved, client, server)
    if (digest === this.#digest) return false
    const settings = {
      ...resolved,
      clientContext: contextOf(resolved.client, client, 'client'),
      serverContext: resolved.server && server && contextOf(resolved.server, server, 'server'),
      certificates: ownCertificates(client, server),
    }
    this.#digest = digest
    this.#settings = settings
    this.#failure = undefined
    return true
  }
}

async function read({ cert, certFile, key, keyFile, ca, caFile }: ResolvedTlsRole): Promise<Material> {
  const [itsCert, itsKey, itsCa] = await Promise.all([pem(cert, certFile), pem(key, keyFile), pem(ca, caFile)])
  return { cert: itsCert, key: itsKey ?? itsCert, ca: itsCa }
}

async function pem(given: string | Uint8Array | undefined, file: string | undefined): Promise<string | undefined> {
  if (given !== undefined) return typeof given === 'string' ? given : Buffer.from(given).toString('utf8')
  if (file === undefined) return undefined
  try {
    return await readFile(file, 'utf8')
  } catch (cause) {
    throw unusable(`${file} cannot be read: ${(cause as NodeJS.ErrnoException).code}`, cause)
  }
}

/** @throws TsunagiError `ERR_TLS_CREDENTIALS`, without what the files hold */
function contextOf(role: ResolvedTlsRole, { cert, key, ca }: Material, name: 'server' | 'client'): SecureContext {
  const { passphrase, minVersion, maxVersion, ciphers, verify } = role
  const what = `tls, as ${name}`
  if (cert !== undefined) checkKey(cert, key, passphrase, `${what}: ${role.certFile ?? 'cert'}`, role.keyFile ?? 'key')
  if (verify === 'peer' && certificatesIn(ca ?? '', `${what}: ${role.caFile ?? 'ca'}`).length === 0) {
    throw unusable(`${what}: ${role.caFile ?? 'ca'} holds no certificate`)
  }
  try {
    return createSecureContext({
      ...(cert === undefined ? {} : { cert, key, passphrase }),
      // Without one, Node.js takes the system's authorities.
      ca: ca ?? [],
      ...(ciphers === undefined ? {} : { ciphers }),
      minVersion,
      maxVersion,
      honorCipherOrder: true,
      // A link lasts: nothing is won by taking up an old session, which would bring an old certificate with it.
      secureOptions: constants.SSL_OP_NO_TICKET,
      sessionIdContext: randomBytes(16).toString('hex'),
    })
  } catch (cause) {
    throw unusable(`${what}: ${(cause as { reason?: string }).reason ?? (cause as Error).message}`, cause)
  }
}

/** Finds out more than OpenSSL tells: which of the two is wrong, and that they do not belong together. */
function checkKey(
  cert: string,
  key: string | undefined,
  passphrase: string | undefined,
  of: string,
  file: string,
): void {
  const [own] = certificatesIn(cert, of)
  if (own === undefined) throw unusable(`${of} holds no certificate`)
  let fits: boolean
  try {
    fits = own.checkPrivateKey(
      createPrivateKey({ key: key ?? '', ...(passphrase === undefined ? {} : { passphrase }) }),
    )
  } catch (cause) {
    const hint = passphrase === undefined && key?.includes('ENCRYPTED') ? ', it needs a passphrase' : ''
    throw unusable(`${of}: its key (${file}) cannot be read${hint}`, cause)
  }
  if (!fits) throw unusable(`${of}: its key (${file}) is another one's`)
}

function certificatesIn(text: string, of: string): X509Certificate[] {
  try {
    return certificatesOf(text)
  } catch (cause) {
    throw unusable(`${of} holds a certificate that cannot be read`, cause)
  }
}

function unusable(reason: string, cause?: unknown): TsunagiError {
  return new TsunagiError('ERR_TLS_CREDENTIALS', reason, { cause })
}

/** The node's own, once for both roles where it is the same, and the authorities they come from. */
function ownCertificates(client: Material, server: Material | undefined): OwnCertificate[] {
  const found = new Map<string, OwnCertificate>()
  for (const [use, material] of [['server', server] as const, ['client', client] as const]) {
    const [own, ...between] = certificatesOf(material?.cert ?? '')
    if (own === undefined) continue
    const same = found.get(own.fingerprint256)
    found.set(own.fingerprint256, { ...describeCertificate(own), use: same === undefined ? use : 'both' })
    const authorities = [...between, ...certificatesOf(material?.ca ?? '')]
    for (let x509: X509Certificate | undefined = own; x509 !== undefined; ) {
      const child: X509Certificate = x509
      x509 = authorities.find((each) => !found.has(each.fingerprint256) && child.checkIssued(each))
      if (x509 !== undefined) found.set(x509.fingerprint256, { ...describeCertificate(x509), use: 'authority' })
    }
  }
  return [...found.values()]
}

/** Of all that a new link depends on. */
function digestOf(resolved: ResolvedTls, ...materials: readonly (Material | undefined)[]): string {
  const { requireName, ...rest } = resolved
  const plain = (_: string, value: unknown): unknown =>
    value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value
  const text = JSON.stringify([rest, String(requireName), materials], plain)
  return createHash('sha256').update(text).digest('base64')
}
