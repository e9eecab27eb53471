import { isIPv6 } from 'node:net'

/** Reads `host`, `host:port` or `:port`; an IPv6 address with a port has brackets. Undefined when it is none of them. */
export function parseListenAddress(text: string): { readonly host?: string; readonly port?: number } | undefined {
  const parts = /^(?:\[([^\]]+)\]|([^:]*)|([^:]*:[^:]*:.*))(?::(\d{1,5}))?$/.exec(text)
  const host = parts?.[1] ?? parts?.[3] ?? parts?.[2]
  const port = parts?.[4] === undefined ? undefined : Number(parts[4])
  const address = parts?.[3] ?? parts?.[1]
  if (parts === null || text === '' || (address !== undefined && !isIPv6(address))) return undefined
  if (port !== undefined && port > 65535) return undefined
  return { ...(host ? { host } : {}), ...(port === undefined ? {} : { port }) }
}
