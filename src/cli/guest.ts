import { randomBytes } from 'node:crypto'
import { hostname, networkInterfaces } from 'node:os'
import { silentLogger } from '../base/logger.ts'
import { isLongHost, isLoopbackHost } from '../base/node-name.ts'
import { tlsOfOptfile } from '../config/ssl-dist-optfile.ts'
import { parsePeer } from '../node/peer-address.ts'
import { startNode, type TsunagiNode } from '../tsunagi.ts'
import { commandCookie } from './cookie.ts'
import type { OutputOptions } from './output.ts'

/** Options of the commands that visit a node. */
export interface GuestOptions extends OutputOptions {
  readonly cookie?: string
  readonly epmdPort?: number
  readonly sslDistOptfile?: string
  readonly timeout: number
}

/**
 * Connects to a node, talks to it, and leaves without a trace: the guest is hidden, has a random name, and does not
 * listen, register or serve an EPMD, nor mesh unless told to.
 *
 * @param target the node's name, with `:port` where EPMD is not to be asked
 * @param talk gets the guest, connected, and the target's name without port
 * @param manners `mesh`: it also connects to the nodes that the target knows
 * @throws ConnectError saying why there is no connection; TsunagiError `ERR_TIMEOUT`
 */
export async function withGuest<T>(
  target: string,
  options: GuestOptions,
  talk: (guest: TsunagiNode, name: string) => Promise<T>,
  manners: { readonly mesh?: boolean } = {},
): Promise<T> {
  const peer = parsePeer(target, 'node')
  const guest = await startGuest(target, options, undefined, manners)
  try {
    await guest.connect(target, { timeout: options.timeout })
    return await talk(guest, peer.name)
  } finally {
    await guest.close()
  }
}

/** The guest alone, not connected. `name`: its own, in place of a random one. */
export async function startGuest(
  target: string,
  options: GuestOptions,
  name?: string,
  { mesh = false }: { readonly mesh?: boolean } = {},
): Promise<TsunagiNode> {
  const peer = parsePeer(target, 'node')
  const cookie = await commandCookie(options.cookie)
  const optfile = options.sslDistOptfile ?? (process.env.TSUNAGI_SSL_DIST_OPTFILE || undefined)
  return await startNode({
    ...(optfile === undefined ? {} : { tls: (await tlsOfOptfile(optfile)).tls }),
    ...(name === undefined ? guestName(peer.host) : ownName(name)),
    cookie: cookie.value,
    listen: false,
    mesh,
    epmd: { serve: false, ...(options.epmdPort === undefined ? {} : { port: options.epmdPort }) },
    // What is printed is what came.
    floats: 'exact',
    // Failures are reported once, by the command.
    logger: silentLogger,
  })
}

function ownName(name: string): { name: string } | { sname: string } {
  return isLongHost(name.slice(name.indexOf('@') + 1)) ? { name } : { sname: name }
}

/** A name nobody has, short or long as the target's is: the two kinds do not connect to each other. */
function guestName(host: string): { name: string } | { sname: string } {
  const alive = `tsunagi-${randomBytes(6).toString('hex')}`
  if (!isLongHost(host)) return { sname: isLoopbackHost(host) ? `${alive}@${host}` : alive }
  return { name: `${alive}@${isLoopbackHost(host) ? host : ownHost()}` }
}

/** What other machines may know this one by. Nobody dials a guest, so that it need not be right. */
function ownHost(): string {
  if (hostname().includes('.')) return hostname()
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? [])
  return addresses.find((address) => !address.internal && address.family === 'IPv4')?.address ?? '127.0.0.1'
}
