import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { encodeRequest, type NodeEntry } from '../../src/epmd/wire.ts'

/** A connection to `port` on loopback, open. */
export async function dial(port: number, host = '127.0.0.1'): Promise<Socket> {
  const socket = connect({ port, host })
  await once(socket, 'connect')
  // A test that looks for the end of the connection does not mind how it came.
  socket.on('error', () => {})
  return socket
}

/** Everything the other end sends until it closes the connection. */
export async function readAll(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = []
  socket.on('data', (chunk) => chunks.push(chunk))
  if (!socket.closed) await once(socket, 'close')
  return Buffer.concat(chunks)
}

/** Sends bytes on a connection of their own and answers all that came back. */
export async function exchange(port: number, bytes: Uint8Array, host?: string): Promise<Buffer> {
  const socket = await dial(port, host)
  const answer = readAll(socket)
  socket.write(bytes)
  return await answer
}

/** An entry as OTP registers it. */
export function entry(name: string, more: Partial<NodeEntry> = {}): NodeEntry {
  const otp = { port: 40001, nodeType: 77, protocol: 0, highVersion: 6, lowVersion: 5, extra: new Uint8Array() }
  return { name, ...otp, ...more }
}

/** Sends ALIVE2_REQ; answers the open connection and the first bytes of the reply. */
export async function alive(port: number, it: NodeEntry, host?: string): Promise<{ socket: Socket; reply: Buffer }> {
  const socket = await dial(port, host)
  socket.write(encodeRequest({ type: 'alive2', entry: it }))
  const [reply] = (await once(socket, 'data')) as [Buffer]
  return { socket, reply }
}
