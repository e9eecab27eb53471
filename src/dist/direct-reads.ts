import type { Socket } from 'node:net'

/** Bytes of one read at most, as many as libuv reads. */
const READ_BYTES = 64 * 1024

/** What all sockets of this thread are read into: each read is used up before the next. */
let shared: Buffer | undefined

/**
 * Has a socket read into the same memory again and again, rather than into 64 KiB of its own each time, of which V8 has to
 * mark the whole heap for every few hundred. `take` gets what would be a chunk, and has to be done with it when it returns.
 *
 * This is the option `onread` of `net.connect`, which neither sockets of a server nor TLS over a socket that is there take.
 * They have all it needs, under names that are Node.js' own; where one is missing this answers false, and chunks come as
 * usual. So do they on Windows, where several reads are under way at once.
 */
export function readDirectly(socket: Socket, take: (bytes: Buffer) => void): boolean {
  const { _handle: handle } = socket as unknown as { _handle?: { useUserBuffer?: (buffer: Buffer) => void } | null }
  const symbols = Object.getOwnPropertySymbols(socket)
  const buffer = symbols.find(({ description }) => description === 'kBuffer')
  const callback = symbols.find(({ description }) => description === 'kBufferCb')
  if (process.platform === 'win32' || buffer === undefined || callback === undefined) return false
  if (typeof handle?.useUserBuffer !== 'function') return false
  shared ??= Buffer.allocUnsafeSlow(READ_BYTES)
  const taken = (count: number, bytes: Buffer): boolean => {
    take(bytes.subarray(0, count))
    return true
  }
  Object.assign(socket, { [buffer]: shared, [callback]: taken })
  handle.useUserBuffer(shared)
  return true
}
