import { readFile } from 'node:fs/promises'

/**
 * Whether something listens on `port` at more than loopback addresses; undefined where the system does not say.
 * Reads what Linux lists in `/proc/net/tcp` and `/proc/net/tcp6`, so it disturbs nobody.
 */
export async function listensBeyondLoopback(port: number): Promise<boolean | undefined> {
  const tables = await Promise.all(
    ['/proc/net/tcp', '/proc/net/tcp6'].map((it) => readFile(it, 'latin1').catch(() => '')),
  )
  const addresses = tables.flatMap((table) => listeningAddresses(table, port))
  return addresses.length === 0 ? undefined : addresses.some((address) => !isLoopbackHex(address))
}

/**
 * The local addresses, in hexadecimal as the kernel writes them, of the sockets of one table that listen on `port`.
 *
 *     "  sl: " address ":" port " " remote ":" port " " state ...      state 0A = LISTEN
 *
 * An address is one or four u32, each written in the machine's byte order. Source: proc(5).
 */
export function listeningAddresses(table: string, port: number): string[] {
  const found: string[] = []
  for (const [, address, hexPort] of table.matchAll(/^ *\d+: ([0-9A-F]+):([0-9A-F]{4}) [0-9A-F]+:[0-9A-F]{4} 0A /gm)) {
    if (Number.parseInt(hexPort as string, 16) === port) found.push(address as string)
  }
  return found
}

/** 127.0.0.0/8, ::1 and ::ffff:127.0.0.0/104, in either byte order. */
function isLoopbackHex(address: string): boolean {
  const word = address.slice(-8)
  const v4 = word.startsWith('7F') || word.endsWith('7F')
  if (address.length === 8) return v4
  const head = address.slice(0, -8)
  if (/^0{16}(0000FFFF|FFFF0000)$/.test(head)) return v4
  return /^0{24}$/.test(head) && (word === '01000000' || word === '00000001')
}
