import type { Socket } from 'node:net'
import { type Clock, systemClock } from '../base/clock.ts'
import { withDeadline } from '../base/deadline.ts'
import { connectEpmd } from './connect.ts'
import { epmdEnvironment } from './environment.ts'
import { EpmdError } from './errors.ts'
import {
  type Decoded,
  decodeNamesReply,
  decodePortReply,
  type EpmdRequest,
  encodeRequest,
  type ListedName,
  type NodeEntry,
} from './wire.ts'

/** Which EPMD to ask, and how long to wait. */
export interface QueryOptions {
  /** Host name or address; all its addresses are tried. Default `127.0.0.1`. */
  readonly host?: string
  /** Default `ERL_EPMD_PORT`, else 4369. */
  readonly port?: number
  /** Milliseconds for the whole question. Default 5000. */
  readonly timeout?: number
  readonly signal?: AbortSignal | undefined
  /** Default real time. */
  readonly clock?: Clock
}

/** What an EPMD knows of a node: {@link NodeEntry} without the name that was asked for. */
export type LookupResult = Omit<NodeEntry, 'name'>

/** Longest answer taken. A name has at most 1,020 bytes, and no EPMD has more than some thousand of them. */
const maxReplyBytes = 8 * 1024 * 1024

/**
 * Asks an EPMD for the node `alive` (the part before the `@`); undefined when it does not know the name.
 * Source: PORT_PLEASE2_REQ of `erl_dist_protocol`.
 *
 * @example
 * const found = await lookup('a', { host: 'altair' })
 * if (found !== undefined) console.log(found.port)
 *
 * @throws {EpmdError} ERR_EPMD_UNREACHABLE, ERR_EPMD_TIMEOUT, ERR_EPMD_PROTOCOL; or the signal's reason
 */
export async function lookup(alive: string, options: QueryOptions = {}): Promise<LookupResult | undefined> {
  const reply = await query({ type: 'port-please2', name: alive }, decodePortReply, options)
  if (reply === undefined) return undefined
  const { name: _, ...rest } = reply
  return rest
}

/**
 * Lists the names an EPMD knows. Source: NAMES_REQ of `erl_dist_protocol`.
 *
 * @throws {EpmdError} ERR_EPMD_UNREACHABLE, ERR_EPMD_TIMEOUT, ERR_EPMD_PROTOCOL; or the signal's reason
 */
export async function listNames(options: QueryOptions = {}): Promise<ListedName[]> {
  return (await query({ type: 'names' }, decodeNamesReply, options)).names
}

/** Sends one request to an EPMD and reads its reply: what {@link lookup} and {@link listNames} are made of. */
async function query<T>(
  request: EpmdRequest,
  decode: (bytes: Uint8Array) => Decoded<T>,
  options: QueryOptions,
): Promise<T> {
  const { host = '127.0.0.1', timeout = 5000, signal, clock = systemClock } = options
  const where = { host, port: options.port ?? epmdEnvironment().port }
  const late = () =>
    new EpmdError('ERR_EPMD_TIMEOUT', `the EPMD at ${host}:${where.port} did not answer in ${timeout} ms`, where)
  return withDeadline({ timeout, clock, signal }, late, async (limit) => {
    const socket = await connectEpmd({ ...where, timeout, clock, signal: limit })
    return new Promise<T>((resolve, reject) => {
      const wrong = (reason: string, cause?: unknown) =>
        reject(new EpmdError('ERR_EPMD_PROTOCOL', `the EPMD at ${host}:${where.port} sent ${reason}`, where, { cause }))
      const onAbort = (): void => reject(limit.reason)
      limit.addEventListener('abort', onAbort, { once: true })
      // Only the connection's end says where the answer to NAMES_REQ does.
      readReply(socket, request.type === 'names', decode, resolve, wrong)
      socket.write(encodeRequest(request))
    }).finally(() => socket.destroy())
  })
}

function readReply<T>(
  socket: Socket,
  untilEnd: boolean,
  decode: (bytes: Uint8Array) => Decoded<T>,
  resolve: (value: T) => void,
  wrong: (reason: string, cause?: unknown) => void,
): void {
  const chunks: Uint8Array[] = []
  let size = 0
  const look = (ended: boolean): void => {
    const reply = decode(Buffer.concat(chunks))
    if (reply.status === 'done') resolve(reply.value)
    else if (reply.status === 'bad') wrong(reply.reason)
    else if (ended) wrong('only a part of its answer')
  }
  socket.on('data', (chunk) => {
    chunks.push(chunk)
    size += chunk.length
    if (size > maxReplyBytes) wrong(`more than ${maxReplyBytes} bytes`)
    else if (!untilEnd) look(false)
  })
  socket.on('end', () => look(true))
  socket.on('error', (error) => wrong('no answer', error))
}
