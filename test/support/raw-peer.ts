import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { systemClock } from '../../src/base/clock.ts'
import { ourFlags } from '../../src/dist/flags.ts'
import { Setup } from '../../src/dist/setup.ts'
import { SocketCarrier } from '../../src/dist/socket-carrier.ts'
import type { LocalNode } from '../../src/node/local-node.ts'
import { encode, type Term, type Tuple } from '../../src/term/index.ts'

/** Options of {@link RawPeer.connect}. */
export interface RawPeerOptions {
  readonly name?: string
  readonly cookie?: string
  readonly flags?: bigint
  readonly creation?: number
}

let peers = 0

/** A peer that shakes hands as it should, and then sends whatever bytes a test likes. */
export class RawPeer implements AsyncDisposable {
  readonly name: string
  readonly socket: Socket
  /** Resolves when the other side has ended the connection, or we have. */
  readonly ended: Promise<void>
  #received: Buffer[] = []
  #carrier: SocketCarrier
  #woken: (() => void) | undefined

  private constructor(name: string, socket: Socket, carrier: SocketCarrier, leftover: Uint8Array) {
    this.name = name
    this.socket = socket
    this.#carrier = carrier
    if (leftover.length > 0) this.#received.push(Buffer.from(leftover))
    this.ended = new Promise((resolve) => {
      carrier.open({
        data: (chunk) => {
          this.#received.push(Buffer.from(chunk))
          this.#woken?.()
        },
        drain() {},
        closed: () => resolve(),
      })
    })
  }

  /** Connects over real TCP. The node has its link when this resolves, or some moments later. */
  static async connect(node: LocalNode, options: RawPeerOptions = {}): Promise<RawPeer> {
    const { name = `raw${++peers}@127.0.0.1`, cookie = 'secret', flags = ourFlags(), creation = 77 } = options
    const socket = await openSocket(node)
    const carrier = new SocketCarrier(socket, 'tcp')
    const handshake = {
      role: 'dialler',
      own: { name, creation },
      peerName: node.name,
      flags,
      cookieFor: () => cookie,
    } as const
    const { leftover } = await new Setup({ carrier, clock: systemClock, handshake }).result
    return new RawPeer(name, socket, carrier, leftover)
  }

  /** Sends bytes as they are. */
  write(bytes: Uint8Array): void {
    this.socket.write(bytes)
  }

  /** Sends a control message, with its payload. */
  send(control: Tuple, ...payload: readonly [] | readonly [Term]): void {
    this.write(message(control, ...payload))
  }

  /** Stops reading, as a process that hangs. */
  pause(): void {
    this.#carrier.pause()
  }

  resume(): void {
    this.#carrier.resume()
  }

  /** All frames that came so far, without their lengths; ticks are left out. */
  get frames(): Buffer[] {
    const bytes = Buffer.concat(this.#received)
    this.#received = [bytes]
    const frames: Buffer[] = []
    for (let at = 0; at + 4 <= bytes.length; ) {
      const end = at + 4 + bytes.readUInt32BE(at)
      if (end > bytes.length) break
      if (end > at + 4) frames.push(bytes.subarray(at + 4, end))
      at = end
    }
    return frames
  }

  /** Resolves when `look` answers something about what came so far. */
  async receive<T>(look: (frames: Buffer[]) => T | undefined): Promise<T> {
    for (;;) {
      const found = look(this.frames)
      if (found !== undefined) return found
      await new Promise<void>((resolve) => {
        this.#woken = resolve
      })
    }
  }

  /** Ends the connection with a reset. */
  reset(): void {
    this.socket.resetAndDestroy()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.socket.destroy()
    await this.ended
  }
}

/** A TCP connection to a node on which nothing was said yet. */
export async function openSocket(node: LocalNode): Promise<Socket> {
  const { host, port } = node.listening as { host: string; port: number }
  const socket = connect(port, host)
  // What the node does to the connection is looked at as its end, not as an exception.
  socket.on('error', () => {})
  await once(socket, 'connect')
  return socket
}

/** Puts the length of an established link's frames in front. */
export function frame(...parts: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(parts)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(body.length)
  return Buffer.concat([length, body])
}

/** A distribution header that lists no atoms. */
export const EMPTY_HEADER: Uint8Array = Uint8Array.of(131, 68, 0)

/** A term without its version byte. */
export function bare(term: Term): Buffer {
  return encode(term).subarray(1)
}

/** A whole frame with a control message and its payload. */
export function message(control: Tuple, ...payload: readonly [] | readonly [Term]): Buffer {
  return frame(EMPTY_HEADER, bare(control), ...payload.map(bare))
}
