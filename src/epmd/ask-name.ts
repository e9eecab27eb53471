import type { Clock } from '../base/clock.ts'
import { withDeadline } from '../base/deadline.ts'
import { connectTo } from './connect.ts'

/** Under this name we ask; fixed, because each new name would stay in the asked node's atom table for ever. */
const askerName = 'tsunagi_epmd@localhost'
/** What every OTP release of 25 to 29 demands, without PUBLISHED: "Distribution Handshake" of `erl_dist_protocol`. */
const mandatoryFlags = 0x4_0307_0f94n
/** Longest handshake message read. */
const maxMessageBytes = 4096

/**
 * Asks the node that listens at `address:port` for its full name, as any dialler learns it: by the first two steps of
 * the distribution handshake, before any cookie is due. Then hangs up. `erl` logs nothing of it, and lists the asker under
 * `nodes(known)` only; a node that takes TLS or has an allow list (`net_kernel:allow/1`) logs one line.
 *
 *     →  len u16  "N"  flags u64  creation u32  nlen u16  name            send_name
 *     ←  len u16  "s"  "ok" ...                                          status
 *     ←  len u16  "N"  flags u64  challenge u32  creation u32  nlen u16  name     challenge
 *
 * @returns the name, or undefined when the node speaks something else (TLS), refuses us, or is silent
 */
export async function askName(
  address: string,
  port: number,
  clock: Clock,
  signal: AbortSignal,
): Promise<string | undefined> {
  const late = () => new Error(`${address}:${port} did not say its name`)
  return withDeadline({ timeout: 5000, clock, signal }, late, async (limit) => {
    const socket = await connectTo(address, port, limit)
    return new Promise<string | undefined>((resolve, reject) => {
      limit.addEventListener('abort', () => reject(limit.reason), { once: true })
      let received: Buffer = Buffer.alloc(0)
      socket.on('data', (chunk) => {
        received = Buffer.concat([received, chunk])
        const name = readName(received)
        if (name !== 'more') resolve(name)
      })
      socket.on('close', () => resolve(undefined))
      socket.write(sendName())
    }).finally(() => socket.destroy())
  })
}

function sendName(): Uint8Array {
  const name = Buffer.from(askerName)
  const bytes = Buffer.alloc(17 + name.length)
  bytes.writeUInt16BE(15 + name.length, 0)
  bytes.write('N', 2)
  bytes.writeBigUInt64BE(mandatoryFlags, 3)
  bytes.writeUInt32BE(4, 11)
  bytes.writeUInt16BE(name.length, 15)
  bytes.set(name, 17)
  return bytes
}

/** The name in a status and a challenge message; undefined when these are something else. */
export function readName(bytes: Buffer): string | undefined | 'more' {
  const status = message(bytes, 0)
  if (status === 'more' || status === undefined) return status
  if (!status.toString('latin1').startsWith('sok')) return undefined
  const challenge = message(bytes, 2 + status.length)
  if (challenge === 'more' || challenge === undefined) return challenge
  if (challenge[0] !== 0x4e || challenge.length < 19) return undefined
  const end = 19 + challenge.readUInt16BE(17)
  return end > challenge.length ? undefined : challenge.toString('utf8', 19, end)
}

function message(bytes: Buffer, start: number): Buffer | undefined | 'more' {
  if (bytes.length < start + 2) return 'more'
  const length = bytes.readUInt16BE(start)
  if (length === 0 || length > maxMessageBytes) return undefined
  return bytes.length < start + 2 + length ? 'more' : bytes.subarray(start + 2, start + 2 + length)
}
