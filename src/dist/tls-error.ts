import { ConnectError, type ConnectErrorCode } from './connect-error.ts'

/** What a failure of TLS is called, and the rest of a sentence that begins with the peer's name. */
type Finding = readonly [code: ConnectErrorCode, what: string]

const DEADLOCKED = new Set<ConnectErrorCode>(['ERR_CONNECT_TLS_PLAIN', 'ERR_CONNECT_TLS_VERSION'])

const UNTRUSTED = 'has a certificate of an authority that this node does not know (tls.ca)'

/** Why this node does not accept a peer's certificate. Source: OpenSSL's `X509_V_ERR_…`. */
const verifications: Readonly<Record<string, Finding>> = {
  CERT_HAS_EXPIRED: ['ERR_CONNECT_TLS_EXPIRED', 'has a certificate, or an authority, that has expired'],
  CERT_NOT_YET_VALID: [
    'ERR_CONNECT_TLS_EXPIRED',
    'has a certificate that is not valid yet: one of the two clocks is wrong, or it was made for later',
  ],
  ERR_TLS_CERT_ALTNAME_INVALID: ['ERR_CONNECT_TLS_HOST', 'has a certificate of other hosts'],
  HOSTNAME_MISMATCH: ['ERR_CONNECT_TLS_HOST', 'has a certificate of other hosts'],
  UNABLE_TO_GET_ISSUER_CERT: ['ERR_CONNECT_TLS_UNTRUSTED', UNTRUSTED],
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: ['ERR_CONNECT_TLS_UNTRUSTED', UNTRUSTED],
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: ['ERR_CONNECT_TLS_UNTRUSTED', UNTRUSTED],
  SELF_SIGNED_CERT_IN_CHAIN: ['ERR_CONNECT_TLS_UNTRUSTED', UNTRUSTED],
  DEPTH_ZERO_SELF_SIGNED_CERT: ['ERR_CONNECT_TLS_UNTRUSTED', UNTRUSTED],
  CERT_SIGNATURE_FAILURE: ['ERR_CONNECT_TLS_UNTRUSTED', 'has a certificate that its authority has not signed'],
  INVALID_PURPOSE: ['ERR_CONNECT_TLS_UNTRUSTED', 'has a certificate that is not made for this (extendedKeyUsage)'],
}

/** What a peer told before it closed. Source: RFC 8446, section 6; OTP's `ssl_alert.erl` for what it means by them. */
const alerts: readonly (readonly [RegExp, Finding])[] = [
  [/UNKNOWN_CA/, ['ERR_CONNECT_TLS_REFUSED', 'does not know the authority of the certificate of this node']],
  [
    /CERTIFICATE_EXPIRED/,
    ['ERR_CONNECT_TLS_REFUSED', 'says that the certificate of this node has expired, or is not valid yet'],
  ],
  [/CERTIFICATE_REVOKED/, ['ERR_CONNECT_TLS_REFUSED', 'says that the certificate of this node is revoked']],
  [
    /CERTIFICATE_REQUIRED/,
    ['ERR_CONNECT_TLS_NO_CERTIFICATE', 'wants a certificate, and this node has brought none (tls.cert)'],
  ],
  [
    /CERTIFICATE|ACCESS_DENIED|DECRYPT_ERROR/,
    ['ERR_CONNECT_TLS_REFUSED', 'does not accept the certificate of this node'],
  ],
  [/PROTOCOL_VERSION/, ['ERR_CONNECT_TLS_VERSION', 'speaks no version of TLS that this node does (tls.minVersion)']],
  [/INSUFFICIENT_SECURITY/, ['ERR_CONNECT_TLS_VERSION', 'has no cipher in common with this node (tls.ciphers)']],
  [
    /HANDSHAKE_FAILURE/,
    [
      'ERR_CONNECT_TLS_REFUSED',
      'refuses the handshake: it wants a certificate that this node has not brought, does not find the name it dialled in it, ' +
        'or there is no cipher in common',
    ],
  ],
]

const PLAIN: Finding = [
  'ERR_CONNECT_TLS_PLAIN',
  'speaks no TLS, and this node does: start the other with it (-proto_dist inet_tls), or this one without',
]

/** What OpenSSL finds wrong with what a peer sent. */
const faults: readonly (readonly [RegExp, Finding])[] = [
  [/WRONG_VERSION_NUMBER|HTTP_REQUEST|PACKET_LENGTH_TOO_LONG|HTTPS_PROXY_REQUEST|BAD_RECORD_TYPE/, PLAIN],
  [
    /DID_NOT_RETURN_A_CERTIFICATE/,
    ['ERR_CONNECT_TLS_NO_CERTIFICATE', 'has brought no certificate, or none of an authority that this node asks for'],
  ],
  [
    /UNSUPPORTED_PROTOCOL|VERSION_TOO_LOW|NO_PROTOCOLS_AVAILABLE|UNKNOWN_PROTOCOL/,
    ['ERR_CONNECT_TLS_VERSION', 'speaks no version of TLS that this node does (tls.minVersion)'],
  ],
  [
    /NO_SHARED_CIPHER|NO_CIPHERS_AVAILABLE/,
    ['ERR_CONNECT_TLS_VERSION', 'has no cipher in common with this node (tls.ciphers)'],
  ],
]

/**
 * Why a connection failed, where that lies in TLS; any other error as it is.
 *
 * @param bare this node has shown no certificate: TLS 1.2 does not say that one is wanted
 */
export function explainTls(error: Error, peerName: string | undefined, bare = false): Error {
  if (error instanceof ConnectError) return error
  const { code = '' } = error as NodeJS.ErrnoException
  const finding =
    verifications[code] ?? findingOf(bare ? code.replace('HANDSHAKE_FAILURE', 'CERTIFICATE_REQUIRED') : code)
  return finding === undefined ? error : tlsError(finding, peerName, detailOf(error), error)
}

/** Why this node does not accept the certificate of a peer; any other reason than those above is told as OpenSSL has it. */
export function untrusted(error: Error, peerName: string | undefined): ConnectError {
  const { code = '' } = error as NodeJS.ErrnoException
  const finding = verifications[code] ?? ['ERR_CONNECT_TLS_UNTRUSTED', 'has a certificate that does not hold']
  return tlsError(finding, peerName, detailOf(error), error)
}

/** The peer ended the connection in the midst of the TLS handshake, or right after it, without a word. */
export function closedInTls(peerName: string | undefined, cause?: Error): ConnectError {
  const what =
    'closed the connection during the TLS handshake: it does not accept the certificate of this node, or speaks no TLS'
  return tlsError(['ERR_CONNECT_TLS', what], peerName, undefined, cause)
}

/** The peer took the TLS handshake, and then ended the connection before it said anything. */
export function closedAfterTls(peerName: string, cause?: Error): ConnectError {
  const what =
    'closed the connection right after the TLS handshake: it does not accept the certificate of this node, as its log may say, ' +
    'or is no Erlang node'
  return tlsError(['ERR_CONNECT_TLS_REFUSED', what], peerName, undefined, cause)
}

export function tlsError(
  [code, what]: Finding,
  peerName: string | undefined,
  detail?: string,
  cause?: Error,
): ConnectError {
  const reason = `${peerName ?? 'the peer'} ${what}${detail === undefined ? '' : ` (${detail})`}`
  return new ConnectError(code, peerName, reason, { permanent: DEADLOCKED.has(code), ...(cause && { cause }) })
}

function findingOf(code: string): Finding | undefined {
  if (!code.startsWith('ERR_SSL_')) return undefined
  const [, finding] = (code.includes('ALERT') ? alerts : faults).find(([pattern]) => pattern.test(code)) ?? []
  return finding ?? ['ERR_CONNECT_TLS', 'and this node do not agree on TLS']
}

/** OpenSSL's own words, and of names what the certificate has; no secret is among them. */
function detailOf(error: Error & { reason?: unknown }): string | undefined {
  if (typeof error.reason === 'string') return error.reason.replace(/\.$/, '')
  return (error as NodeJS.ErrnoException).code
}
