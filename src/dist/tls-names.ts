import type { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { type NodeName, splitNodeName } from '../base/node-name.ts'
import type { Certificate } from './tls-certificate.ts'

/** The scheme of a subject alternative name that names a node: `URI:erlang://app@10.0.0.5`. */
const NODE_URI = 'URI:erlang://'

/**
 * Whether one of the certificate's names is this node's: `URI:erlang://app@host`. In either part `*` stands for any
 * characters: `erlang://*@10.0.0.5` is every node of a host, `erlang://app@*` the same one on all hosts. An IPv6 host has
 * brackets, and what a URI cannot hold is percent-encoded.
 */
export function ownsName({ names }: Certificate, nodeName: string): boolean {
  const name = splitNodeName(nodeName)
  return name !== undefined && names.some((each) => each.startsWith(NODE_URI) && isNodeUri(each, name))
}

function isNodeUri(uri: string, { alive, host }: NodeName): boolean {
  const parts = /^([^@/?#]+)@(?:\[([^\]]+)\]|([^@/?#[\]]+))\/?$/.exec(uri.slice(NODE_URI.length))
  if (parts === null) return false
  const [, itsAlive = '', address, itsHost = ''] = parts
  return matches(decoded(itsAlive), alive) && matches(address ?? decoded(itsHost), host)
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

/** Whether the certificate is one of this host: a DNS name of it, or an address. Source: `public_key:pkix_verify_hostname/2`. */
export function coversHost(x509: X509Certificate, host: string): boolean {
  const address = withoutZone(host)
  return (isIP(address) === 0 ? x509.checkHost(host) : x509.checkIP(address)) !== undefined
}

/** An IPv6 address without the interface it is reached by, which no certificate knows. */
export function withoutZone(host: string): string {
  return host.replace(/%.*$/, '')
}

/** Whether one of the certificate's names, or `CN:` with its common name, fits one of the patterns. */
export function isAmong({ names, subject }: Certificate, patterns: readonly string[]): boolean {
  const commonNames = subject.split(', ').flatMap((part) => (part.startsWith('CN=') ? [`CN:${part.slice(3)}`] : []))
  return patterns.some((pattern) => [...names, ...commonNames].some((name) => matches(pattern, name)))
}

/** `*` stands for any run of characters. In time that grows with the product of the lengths, whatever the pattern. */
export function matches(pattern: string, text: string): boolean {
  let [p, t, star, resume] = [0, 0, -1, 0]
  while (t < text.length) {
    if (pattern[p] === '*') {
      star = p++
      resume = t
    } else if (p < pattern.length && pattern[p] === text[t]) {
      p++
      t++
    } else if (star >= 0) {
      p = star + 1
      t = ++resume
    } else {
      return false
    }
  }
  while (pattern[p] === '*') p++
  return p === pattern.length
}
