import { isIP } from 'node:net'
import { hostname } from 'node:os'
import { isLoopbackHost } from '../../base/node-name.ts'

/** Name or address of a `Host` header, lower case, without port and brackets; undefined when it is none. */
export function hostOf(header: string | null): string | undefined {
  const match = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::\d{1,5})?$/i.exec(header ?? '')
  if (match === null) return undefined
  const [, ipv6, name] = match
  if (ipv6 !== undefined) return isIP(ipv6) === 6 ? ipv6.toLowerCase() : undefined
  return name?.toLowerCase().replace(/\.$/, '')
}

/**
 * Whether a browser that asks for this host can mean us. In a DNS rebinding attack a page of `evil.example` has its own
 * name resolve to our address: the request that its script makes carries that name. So names have to be known. An address
 * cannot be rebound, but over loopback only loopback's own are plausible.
 *
 * @param host what {@link hostOf} says
 * @param localAddress the address the connection came to; undefined: unknown
 */
export function isOurHost(host: string, localAddress: string | undefined, allowed: ReadonlySet<string>): boolean {
  if (host === 'localhost' || host.endsWith('.localhost') || isLoopbackHost(host) || allowed.has(host)) return true
  if (isIP(host) !== 0) return localAddress === undefined || !isLoopbackHost(localAddress)
  return host === hostname().toLowerCase()
}
