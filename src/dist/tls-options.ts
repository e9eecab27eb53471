import { OptionError } from '../base/errors.ts'
import { boolean, duration, fn, instance, knownOnly, oneOf, string } from '../base/options.ts'
import type { Certificate } from './tls-certificate.ts'

const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const

/** A version of TLS that a link may have. */
export type TlsVersion = (typeof VERSIONS)[number]

/** What a node needs in one of the two roles: when it is dialled (server), or when it dials (client). */
export interface TlsRoleOptions {
  /** Its certificate, PEM; those of the authorities between it and the root follow it. */
  readonly cert?: string | Uint8Array
  /** The same as a file, which is read again when it changes: new links have the new certificate, old ones stay. */
  readonly certFile?: string
  /** The certificate's private key, PEM. Default: it is with the certificate. */
  readonly key?: string | Uint8Array
  /** The same as a file; see `certFile`. */
  readonly keyFile?: string
  /** The password of an encrypted key. Never shown. */
  readonly passphrase?: string
  /** The authorities whose certificates are accepted of peers, PEM. The system's own are never taken. */
  readonly ca?: string | Uint8Array
  /** The same as a file; see `certFile`. */
  readonly caFile?: string
  /**
   * `'peer'` (default): a peer's certificate has to be of one of the authorities, and in time. `'none'`: any will do, and
   * the link is safe from those who listen, not from those who come between.
   */
  readonly verify?: 'peer' | 'none'
  /** Default `'TLSv1.2'`, which OTP speaks unless told otherwise. */
  readonly minVersion?: TlsVersion
  /** Default `'TLSv1.3'`. */
  readonly maxVersion?: TlsVersion
  /** OpenSSL's names with colons between them, those of TLS 1.3 among them. Default: those of Node.js. */
  readonly ciphers?: string
}

/** How a node's links are secured. What a role does not say of its own holds for both. */
export interface TlsOptions extends TlsRoleOptions {
  /** What is different when it is dialled. */
  readonly server?: TlsRoleOptions
  /** What is different when it dials. */
  readonly client?: TlsRoleOptions
  /** Whether who dials has to bring a certificate (OTP's `fail_if_no_peer_cert`). Default true, when `verify` is `'peer'`. */
  readonly requireCertificate?: boolean
  /**
   * Whether the certificate of a node that is dialled has to be one of its host, the part of the name after the `@`, as OTP
   * has it. Default true, when `verify` is `'peer'`.
   */
  readonly checkHost?: boolean
  /**
   * Whether a peer's name has to be its certificate's, whichever side dials. `true`: a subject alternative name has to be
   * `URI:erlang://name@host`, in either part of which `*` stands for any characters. `'host'`: it has to be a certificate of
   * the name's host. A function decides itself; what is no plain `true`, or is thrown, is a no. Default false: who has a
   * certificate and the cookie can take any name.
   */
  readonly requireName?: boolean | 'host' | ((certificate: Certificate, name: string) => boolean)
  /**
   * Of the authorities' certificates only those count that have one of these names: `DNS:*.workers.example.com`,
   * `URI:spiffe://example.com/prod/*`, or `CN:` and the common name; `*` stands for any characters. Default: all.
   */
  readonly allowedNames?: readonly string[]
  /** How often files are read, or the function is called, again: milliseconds, default 10000; `Infinity`: never. */
  readonly reloadInterval?: number
}

/** {@link TlsOptions}, or what returns them: at the start, and again every `reloadInterval`. */
export type TlsSource = TlsOptions | (() => TlsOptions | Promise<TlsOptions>)

/** {@link TlsRoleOptions}, checked. */
export interface ResolvedTlsRole extends Omit<TlsRoleOptions, 'verify' | 'minVersion' | 'maxVersion'> {
  readonly verify: 'peer' | 'none'
  readonly minVersion: TlsVersion
  readonly maxVersion: TlsVersion
}

/** {@link TlsOptions}, checked and completed. */
export interface ResolvedTls {
  /** Undefined for a node that is not dialled. */
  readonly server: ResolvedTlsRole | undefined
  readonly client: ResolvedTlsRole
  readonly requireCertificate: boolean
  readonly checkHost: boolean
  readonly requireName: NonNullable<TlsOptions['requireName']>
  readonly allowedNames: readonly string[] | undefined
  readonly reloadInterval: number
}

const ROLE_OPTIONS = [
  'cert',
  'certFile',
  'key',
  'keyFile',
  'passphrase',
  'ca',
  'caFile',
  'verify',
  'minVersion',
  'maxVersion',
  'ciphers',
] as const satisfies readonly (keyof TlsRoleOptions)[]

const OWN_OPTIONS = [
  'server',
  'client',
  'requireCertificate',
  'checkHost',
  'requireName',
  'allowedNames',
  'reloadInterval',
] as const satisfies readonly (keyof TlsOptions)[]

/** @throws OptionError unless it is an object of TLS options or a function; what that returns is checked when it does. */
export function checkTlsSource(source: unknown, listens: boolean): TlsSource {
  if (typeof source !== 'function') resolveTls(source, listens)
  return source as TlsSource
}

/**
 * @param listens whether the node is dialled, for which it needs a certificate
 * @throws OptionError naming the option at fault; never with a key, a certificate or a passphrase
 */
export function resolveTls(given: unknown, listens: boolean): ResolvedTls {
  const options = object<TlsOptions>(given, 'tls')
  knownOnly(options, [...ROLE_OPTIONS, ...OWN_OPTIONS], 'tls.')
  const { server: ofServer, client: ofClient, requireName = false, allowedNames, ...shared } = options
  const server = listens ? role(shared, ofServer, 'server') : undefined
  const client = role(shared, ofClient, 'client')
  if (server !== undefined && server.cert === undefined && server.certFile === undefined) {
    const reason = 'tls.cert: there is none, nor tls.certFile, and a node that is dialled needs one'
    throw new OptionError('tls.cert', undefined, '', reason)
  }
  const named = requireName !== false || allowedNames !== undefined
  const blind = client.verify === 'none' || server?.verify === 'none'
  if (named && blind) {
    const option = requireName === false ? 'tls.allowedNames' : 'tls.requireName'
    throw new OptionError(option, undefined, '', `${option}: a name means nothing where verify is "none"`)
  }
  const requireCertificate = boolean(options.requireCertificate ?? server?.verify !== 'none', 'tls.requireCertificate')
  if (named && !requireCertificate) {
    const reason = 'tls.requireCertificate: names are required of certificates, so that there have to be some'
    throw new OptionError('tls.requireCertificate', false, '', reason)
  }
  return {
    server,
    client,
    requireCertificate,
    checkHost: boolean(options.checkHost ?? true, 'tls.checkHost') && client.verify === 'peer',
    requireName: checkRequireName(requireName),
    allowedNames: allowedNames === undefined ? undefined : checkPatterns(allowedNames),
    reloadInterval: intervalOf(options.reloadInterval),
  }
}

function role(shared: TlsRoleOptions, given: unknown, name: 'server' | 'client'): ResolvedTlsRole {
  const path = given === undefined ? 'tls.' : `tls.${name}.`
  const own = given === undefined ? {} : object<TlsRoleOptions>(given, `tls.${name}`)
  knownOnly(own, ROLE_OPTIONS, path)
  const all = merged(shared, own)
  for (const kind of ['cert', 'key', 'ca'] as const) {
    const file = all[`${kind}File`]
    if (all[kind] !== undefined) checkPem(all[kind], `${path}${kind}`)
    if (file !== undefined) string(file, `${path}${kind}File`)
    if (all[kind] === undefined || file === undefined) continue
    throw new OptionError(`${path}${kind}`, undefined, '', `${path}${kind}: there is ${kind}File, too; one of them`)
  }
  if (all.passphrase !== undefined && typeof all.passphrase !== 'string') {
    throw new OptionError(`${path}passphrase`, undefined, '', `${path}passphrase: expected a text (it is not shown)`)
  }
  if (all.ciphers !== undefined) string(all.ciphers, `${path}ciphers`)
  const minVersion = oneOf(...VERSIONS)(all.minVersion ?? 'TLSv1.2', `${path}minVersion`)
  const maxVersion = oneOf(...VERSIONS)(all.maxVersion ?? 'TLSv1.3', `${path}maxVersion`)
  if (minVersion > maxVersion) throw new OptionError(`${path}minVersion`, minVersion, `at most ${maxVersion}`)
  const verify = oneOf('peer', 'none')(all.verify ?? 'peer', `${path}verify`)
  if (verify === 'peer' && all.ca === undefined && all.caFile === undefined) {
    const reason = `${path}ca: there is none, nor caFile, of which a peer's certificate could be`
    throw new OptionError(`${path}ca`, undefined, '', reason)
  }
  const { verify: _, minVersion: __, maxVersion: ___, ...rest } = all
  return { ...rest, verify, minVersion, maxVersion }
}

/** A role that has a `cert` of its own has not the `certFile` of both, and the same the other way about. */
function merged(shared: TlsRoleOptions, own: TlsRoleOptions): TlsRoleOptions {
  const all: Record<string, unknown> = {}
  for (const option of ROLE_OPTIONS) {
    const twin = (option.endsWith('File') ? option.slice(0, -4) : `${option}File`) as keyof TlsRoleOptions
    const value = own[option] ?? (own[twin] === undefined ? shared[option] : undefined)
    if (value !== undefined) all[option] = value
  }
  return all
}

function checkRequireName(value: unknown): ResolvedTls['requireName'] {
  if (typeof value === 'boolean' || value === 'host') return value
  if (typeof value === 'function') return fn(value, 'tls.requireName')
  throw new OptionError('tls.requireName', value, 'true, false, "host", or a function')
}

function checkPatterns(value: unknown): string[] {
  const expected = 'a list of names with their kinds, such as "DNS:*.example.com"'
  if (!Array.isArray(value) || value.length === 0) throw new OptionError('tls.allowedNames', value, expected)
  return value.map((pattern: unknown, i) => {
    if (typeof pattern === 'string' && /^[A-Za-z][A-Za-z0-9 ]*:./.test(pattern)) return pattern
    throw new OptionError(`tls.allowedNames[${i}]`, pattern, expected)
  })
}

function intervalOf(value: unknown): number {
  const ms = duration(value ?? 10_000, 'tls.reloadInterval')
  if (ms < 100) throw new OptionError('tls.reloadInterval', ms, 'at least 100 milliseconds')
  return ms
}

/** What is no PEM is not shown: it may be a key all the same. */
function checkPem(value: unknown, option: string): void {
  const text =
    typeof value === 'string' ? value : value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : ''
  if (text.includes('-----BEGIN ')) return
  const hint = typeof value === 'string' && !value.includes('\n') ? ` (for a file there is ${option}File)` : ''
  throw new OptionError(option, undefined, '', `${option}: expected PEM, got something else, which is not shown${hint}`)
}

function object<T>(value: unknown, option: string): T {
  return instance<T & object>(value, option, 'an object of TLS options', (it) => !Array.isArray(it))
}
