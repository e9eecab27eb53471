import { isAtom, isTuple, tuple } from '../term/index.ts'
import type { StartOptions } from '../tsunagi.ts'
import { ConfigError } from './config-error.ts'
import { Setting, textOf } from './setting.ts'
import { readTerm } from './sys-config.ts'

type TlsSource = NonNullable<StartOptions['tls']>
type TlsOptions = Exclude<TlsSource, () => unknown>
type TlsRoleOptions = NonNullable<TlsOptions['server']>
type TlsVersion = NonNullable<TlsRoleOptions['minVersion']>

/** What an option file says, and which of its options have no effect here. */
export interface SslDistOptfile {
  readonly options: TlsOptions
  readonly ignored: readonly string[]
}

/** Without effect on who may connect: how OTP renegotiates, keeps sessions, logs, and spends memory. */
const HARMLESS = new Set([
  'beast_mitigation',
  'client_renegotiation',
  'dhfile',
  'hibernate_after',
  'honor_cipher_order',
  'honor_ecc_order',
  'key_update_at',
  'keep_secrets',
  'ktls',
  'log_level',
  'max_handshake_size',
  'nodelay',
  'padding_check',
  'receiver_spawn_opts',
  'renegotiate_at',
  'reuse_session',
  'reuse_sessions',
  'secure_renegotiate',
  'sender_spawn_opts',
  'session_tickets',
])

/** A peer would be let in, or not, otherwise than the file says: better no node than that. */
const REFUSED: Readonly<Record<string, string>> = {
  verify_fun: 'a function of Erlang decides: `tls.requireName` can be one of JavaScript',
  partial_chain: 'a function of Erlang decides',
  customize_hostname_check: 'a function of Erlang decides; wildcards of DNS names are heeded without',
  crl_check: 'revocation lists are not looked at',
  cert: 'take `certfile`',
  key: 'take `keyfile`',
  cacerts: 'take `cacertfile`',
  certs_keys: 'take `certfile` and `keyfile`',
  user_lookup_fun: 'there is no TLS with shared keys',
  psk_identity: 'there is no TLS with shared keys',
}

const VERSIONS: Readonly<Record<string, TlsVersion>> = { 'tlsv1.2': 'TLSv1.2', 'tlsv1.3': 'TLSv1.3' }

/**
 * Reads the file that `erl -ssl_dist_optfile` takes: `[{server, [{certfile, "…"}, …]}, {client, […]}].` What it does not say
 * is as OTP has it: who dials need not show a certificate unless there is `{verify, verify_peer}`, and the certificate of who
 * is dialled is verified, as since OTP 26. Both versions are spoken unless it says otherwise.
 *
 * @param path paths in it are relative to the working directory, as in OTP
 * @throws ConfigError, also for options that cannot be followed and that decide about who may connect
 */
export async function readSslDistOptfile(path: string): Promise<SslDistOptfile> {
  const whole = new Setting(path, '', await readTerm(path, '[{server, […]}, {client, […]}]'))
  const roles = whole.properties()
  const ignored = [...roles.keys()].filter((key) => key !== 'server' && key !== 'client')
  const server = new Role(roles.get('server'), 'server')
  const client = new Role(roles.get('client'), 'client')
  const own = { server: server.options('none'), client: client.options('peer') }
  const demanded = server.take('fail_if_no_peer_cert')?.boolean()
  const indication = client.take('server_name_indication')
  const checkHost = indication === undefined || !(isAtom(indication.term) && indication.term.name === 'disable')
  const options = { ...own, checkHost, requireCertificate: demanded ?? own.server.verify === 'peer' }
  return { options, ignored: [...ignored, ...server.rest(), ...client.rest()] }
}

/**
 * The option `tls` of a node that has such a file. It is read again with the files that it names.
 *
 * @throws ConfigError
 */
export async function tlsOfOptfile(
  path: string,
): Promise<{ readonly tls: TlsSource; readonly ignored: readonly string[] }> {
  const { ignored } = await readSslDistOptfile(path)
  return { tls: async () => (await readSslDistOptfile(path)).options, ignored }
}

/** The options of one role; each is taken once, and what is left over has no effect. */
class Role {
  readonly #settings: Map<string, Setting>
  readonly #name: string

  constructor(setting: Setting | undefined, name: string) {
    this.#name = name
    this.#settings = setting === undefined ? new Map() : propertiesOf(setting)
    for (const [key, { source, path }] of this.#settings) {
      const why = REFUSED[key]
      const isOff = key === 'crl_check' && this.#settings.get(key)?.term === false
      if (why !== undefined && !isOff)
        throw new ConfigError(source, `${path}: it cannot be followed: ${why}`, { option: path })
    }
  }

  take(key: string): Setting | undefined {
    const setting = this.#settings.get(key)
    this.#settings.delete(key)
    return setting
  }

  /** @param verify what holds without a word about it */
  options(verify: 'peer' | 'none'): TlsRoleOptions {
    const text = (key: string): string | undefined => this.take(key)?.text()
    const verified = this.take('verify')?.oneOf('verify_peer', 'verify_none')
    const [cert, key, ca] = [text('certfile'), text('keyfile'), text('cacertfile')]
    const [password, ciphers] = [text('password'), ciphersOf(this.take('ciphers'))]
    return {
      verify: verified === undefined ? verify : verified === 'verify_peer' ? 'peer' : 'none',
      ...(cert === undefined ? {} : { certFile: cert }),
      ...(key === undefined ? {} : { keyFile: key }),
      ...(ca === undefined ? {} : { caFile: ca }),
      ...(password === undefined ? {} : { passphrase: password }),
      ...(ciphers === undefined ? {} : { ciphers }),
      ...versionsOf(this.take('versions')),
    }
  }

  rest(): string[] {
    return [...this.#settings.keys()].filter((key) => !HARMLESS.has(key)).map((key) => `${this.#name}.${key}`)
  }
}

/** An atom alone is short for `{Atom, true}`; of an option that comes twice the first counts. Source: OTP's `proplists`. */
function propertiesOf(setting: Setting): Map<string, Setting> {
  const whole = setting.list('a list of {Key, Value}').map((entry) => (isAtom(entry) ? tuple(entry, true) : entry))
  const pairs = whole.filter((entry) => isTuple(entry) && entry.length === 2).reverse()
  return new Setting(setting.source, setting.path, pairs).properties()
}

function versionsOf(setting: Setting | undefined): { minVersion?: TlsVersion; maxVersion?: TlsVersion } {
  if (setting === undefined) return {}
  const found = setting.list("a list such as ['tlsv1.3', 'tlsv1.2']").flatMap((term) => {
    const version = isAtom(term) ? VERSIONS[term.name] : undefined
    return version === undefined ? [] : [version]
  })
  found.sort()
  const [minVersion, maxVersion] = [found[0], found.at(-1)]
  if (minVersion === undefined || maxVersion === undefined) throw setting.wrong("'tlsv1.2', 'tlsv1.3', or both")
  return { minVersion, maxVersion }
}

/** Names of OpenSSL, or of the standard, which OTP takes both. */
function ciphersOf(setting: Setting | undefined): string | undefined {
  if (setting === undefined) return undefined
  const text = textOf(setting.term)
  if (text !== undefined) return text
  const names = setting.list('a list of names of ciphers').map((term) => {
    const name = typeof term === 'string' ? term : textOf(term)
    if (name === undefined) throw setting.wrong('a list of names of ciphers')
    return opensslName(name)
  })
  return names.join(':')
}

/** `TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384` is OpenSSL's `ECDHE-RSA-AES256-GCM-SHA384`; those of TLS 1.3 have one name only. */
function opensslName(name: string): string {
  if (!name.includes('_WITH_')) return name
  const short = name
    .replace(/^TLS_/, '')
    .replace('_WITH_', '_')
    .replace(/_SHA256$/, name.includes('CHACHA20') ? '' : '_SHA256')
  return short.replace(/AES_(\d+)/, 'AES$1').replaceAll('_', '-')
}
