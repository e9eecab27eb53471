import { X509Certificate } from 'node:crypto'

/** What a certificate says, as plain data. */
export interface Certificate {
  /** Such as `CN=app, O=Example`. */
  readonly subject: string
  readonly issuer: string
  /**
   * Its subject alternative names with their kinds, as an OpenSSL configuration has them: `DNS:a.example.com`,
   * `IP:10.0.0.5`, `URI:erlang://app@10.0.0.5`.
   */
  readonly names: readonly string[]
  /** Milliseconds since 1970. */
  readonly validFrom: number
  /** Milliseconds since 1970. */
  readonly expires: number
  /** SHA-256 of the certificate, in hexadecimal with colons. */
  readonly fingerprint: string
}

export function describeCertificate(x509: X509Certificate): Certificate {
  return {
    subject: oneLine(x509.subject),
    issuer: oneLine(x509.issuer),
    names: alternativeNames(x509.subjectAltName),
    validFrom: Date.parse(x509.validFrom),
    expires: Date.parse(x509.validTo),
    fingerprint: x509.fingerprint256,
  }
}

/** All certificates of a PEM file, in their order. @throws what `X509Certificate` throws for one that is damaged */
export function certificatesOf(pem: string): X509Certificate[] {
  const blocks = pem.match(
    /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----[^-]*-----END (?:TRUSTED |X509 )?CERTIFICATE-----/g,
  )
  return (blocks ?? []).map((block) => new X509Certificate(block))
}

/** Node.js puts a name between quotation marks, as in JSON, where it holds what could be taken for the next one. */
export function alternativeNames(text: string | undefined): string[] {
  const names: string[] = []
  for (const [, kind = '', value = ''] of text?.matchAll(/([^:,"]+):("(?:\\.|[^"\\])*"|[^,]*)(?:, |$)/g) ?? []) {
    names.push(`${kind === 'IP Address' ? 'IP' : kind}:${unquoted(value)}`)
  }
  return names
}

function unquoted(value: string): string {
  if (!value.startsWith('"')) return value
  try {
    return String(JSON.parse(value))
  } catch {
    return value
  }
}

/** A line for each part; what a part is made of is the authority's choice, and goes to logs. */
function oneLine(name: string | undefined): string {
  return (name ?? '').split('\n').join(', ')
}
