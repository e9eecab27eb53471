import type { Clock } from '../base/clock.ts'
import { type NodeName, splitNodeName } from '../base/node-name.ts'
import type { Carrier } from '../dist/carrier.ts'
import { ConnectError } from '../dist/connect-error.ts'
import { refuseToDial } from '../dist/handshake-dialler.ts'
import type { Identity } from '../dist/handshake-state.ts'
import { type Established, Setup } from '../dist/setup.ts'
import { dialTcp } from '../dist/tcp.ts'
import type { TlsTransport } from '../dist/tls-transport.ts'
import { lookup } from '../epmd/client.ts'
import { isUnknownHost } from '../epmd/connect.ts'
import { EpmdError } from '../epmd/errors.ts'
import { decodeMark } from '../epmd/mark.ts'

/** What a dial needs, apart from whom. */
export interface DialOptions {
  readonly own: Identity
  readonly flags: bigint
  readonly cookieFor: (peerName: string) => string
  readonly clock: Clock
  readonly setupTimeout: number
  readonly handshakeBytes: number
  /** Undefined: without TLS. */
  readonly tls: TlsTransport | undefined
  /** Port of EPMDs; undefined: there are none, and only peers with a port can be dialled. */
  readonly epmdPort: number | undefined
}

/** A connection that is up, and whether EPMD knew the peer for one of ours. */
export interface Dialled {
  readonly established: Established
  readonly ours: boolean
}

/**
 * Finds a peer's port, connects, and runs the handshake.
 *
 * @throws ConnectError that says which of these failed, and why
 */
export async function dial(
  options: DialOptions,
  peerName: string,
  port: number | undefined,
  signal: AbortSignal,
): Promise<Dialled> {
  const refusal = refuseToDial(options.own, peerName)
  if (refusal !== undefined) throw refusal
  const { host } = splitNodeName(peerName) as NodeName
  const found = port === undefined ? await findPeer(options, peerName, signal) : { port, ours: false }
  const { clock, setupTimeout, tls } = options
  const place = { host, port: found.port, node: peerName, timeout: setupTimeout, signal, clock }
  const carrier = tls === undefined ? await dialTcp(place) : await tls.dial(place)
  return { established: await shakeHands(options, peerName, carrier, signal), ours: found.ours }
}

function shakeHands(
  { own, flags, cookieFor, clock, setupTimeout, handshakeBytes }: DialOptions,
  peerName: string,
  carrier: Carrier,
  signal: AbortSignal,
): Promise<Established> {
  const handshake = { role: 'dialler', own, flags, cookieFor, peerName } as const
  return new Setup({ carrier, handshake, clock, timeout: setupTimeout, handshakeBytes, signal }).result
}

/**
 * Asks the EPMD of a peer's host for its port, and whether it is marked as a node of this package.
 *
 * @throws ConnectError `ERR_CONNECT_HOST`, `ERR_CONNECT_EPMD`, `ERR_CONNECT_NOT_REGISTERED`; or the signal's reason
 */
export async function findPeer(
  { epmdPort, setupTimeout }: Pick<DialOptions, 'epmdPort' | 'setupTimeout'>,
  peerName: string,
  signal: AbortSignal,
): Promise<{ readonly port: number; readonly ours: boolean }> {
  const { host, alive } = splitNodeName(peerName) as NodeName
  if (epmdPort === undefined) {
    const reason = `${peerName} has no port, and this node uses no EPMD: name it as ${peerName}:PORT`
    throw new ConnectError('ERR_CONNECT_EPMD', peerName, reason, { permanent: true })
  }
  try {
    const found = await lookup(alive, { host, port: epmdPort, timeout: setupTimeout, signal })
    if (found !== undefined) return { port: found.port, ours: decodeMark(found.extra) !== undefined }
  } catch (cause) {
    if (!(cause instanceof EpmdError)) throw cause
    if (isUnknownHost(cause.cause)) {
      throw new ConnectError('ERR_CONNECT_HOST', peerName, `${peerName}: ${cause.message}`, { cause })
    }
    const reason = `${peerName}: ${cause.message}; is a node running there?`
    throw new ConnectError('ERR_CONNECT_EPMD', peerName, reason, { cause })
  }
  const reason = `${peerName}: the EPMD at ${host}:${epmdPort} knows no node "${alive}"; is it running, under that name?`
  throw new ConnectError('ERR_CONNECT_NOT_REGISTERED', peerName, reason)
}
