import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/**
 * Registers a name by a bare ALIVE2_REQ (`x`, port, type, protocol, versions, name, extra): these tests must not lean on
 * the package's own client. The registration lasts as long as the socket.
 */
export async function registerRaw(epmdPort: number, alive: string, port: number): Promise<Socket> {
  const body = Buffer.alloc(13 + alive.length)
  body.writeUInt8(120, 0)
  body.writeUInt16BE(port, 1)
  body.writeUInt8(77, 3)
  body.writeUInt16BE(6, 5)
  body.writeUInt16BE(5, 7)
  body.writeUInt16BE(alive.length, 9)
  body.write(alive, 11, 'latin1')
  const length = Buffer.alloc(2)
  length.writeUInt16BE(body.length)
  const socket = connect(epmdPort, '127.0.0.1')
  socket.write(Buffer.concat([length, body]))
  const [answer] = (await once(socket, 'data')) as [Buffer]
  if (answer[0] !== 118 || answer[1] !== 0) throw new Error(`epmd refused ${alive}: ${answer.toString('hex')}`)
  return socket
}

/** Asks where a name listens by a bare PORT_PLEASE2_REQ (`z` and the name). */
export async function lookupRaw(epmdPort: number, alive: string): Promise<number> {
  const socket = connect(epmdPort, '127.0.0.1')
  socket.write(Buffer.concat([Buffer.from([0, alive.length + 1, 122]), Buffer.from(alive, 'latin1')]))
  const chunks: Buffer[] = []
  for await (const chunk of socket) chunks.push(chunk as Buffer)
  const answer = Buffer.concat(chunks)
  if (answer[0] !== 119 || answer[1] !== 0) throw new Error(`epmd does not know ${alive}`)
  return answer.readUInt16BE(2)
}

/** Resolves when the EPMD on this port accepts connections. */
export async function untilListening(epmdPort: number): Promise<void> {
  for (;;) {
    const socket = connect(epmdPort, '127.0.0.1')
    const accepted = await once(socket, 'connect').then(
      () => true,
      () => false,
    )
    socket.destroy()
    if (accepted) return
  }
}
